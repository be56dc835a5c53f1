// The live chart: entries by rank, and the cap at t that is dragged. While it moves, everything comes from what Python
// packed once for the run; Python hears of t when it is let go. Texts from data are set as text only.

const AFTER_KEYS_MS = 350 // so long a rest after the last key says that t is meant
const NEAR = 24 // px: how far from a point the pointer may be
const runs = new Map() // version -> the unpacked run; all charts of a tab share it

// ------------------------------------------------------------------------------------------------ what Python packed

function slot(version) {
  if (!runs.has(version)) {
    let found
    const run = new Promise((resolve) => (found = resolve))
    runs.set(version, { run, found, unpacked: false })
    if (runs.size > 3) runs.delete(runs.keys().next().value)
  }
  return runs.get(version)
}

function receive(bytes) {
  const version = new TextDecoder().decode(bytes.subarray(0, 16))
  const { found, unpacked } = slot(version)
  if (unpacked) return
  slot(version).unpacked = true
  unpack(bytes.subarray(16)).then(found)
}

async function unpack(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))
  const plain = await new Response(stream).arrayBuffer()
  const start = 4 + new DataView(plain).getUint32(0, true)
  const run = JSON.parse(new TextDecoder().decode(plain.slice(4, start)))
  const cells = run.t.length * run.rank.length
  // four planes of bytes: of the differences from one t to the next
  const planes = new Uint8Array(plain, start, 4 * cells)
  run.all_kept = new Uint32Array(cells)
  for (let i = 0; i < cells; i++) {
    const more = planes[i] | (planes[i + cells] << 8) | (planes[i + 2 * cells] << 16) | (planes[i + 3 * cells] << 24)
    run.all_kept[i] = more + (i < run.rank.length ? 0 : run.all_kept[i - run.rank.length])
  }
  run.all_shares = new Uint16Array(plain.slice(start + 4 * cells))
  return run
}

// what is shown at a row of the grid; Python says the same of a t between the rows
const NUMBERS = [
  "t", "kept", "expected", "sigma", "tail_share", "kept_tail_share", "entries_covered", "entries_at_cap", "head",
  "head_matches",
]

function look(run, row) {
  const found = { row }
  for (const name of NUMBERS) found[name] = run[name][row]
  const R = run.rank.length, K = run.summed.length
  found.entry_kept = run.all_kept.subarray(row * R, (row + 1) * R)
  found.kept_share = run.all_shares.subarray(row * K, (row + 1) * K)
  return found
}

// the first place in ascending values that is not below one
function place(values, value) {
  let low = 0, high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}

function nearest(values, value) {
  const above = Math.min(place(values, value), values.length - 1)
  if (above && Math.log(value / values[above - 1]) < Math.log(values[above] / value)) return above - 1
  return above
}

// -------------------------------------------------------------------------- numbers, written as curation/ui/text.py does

const forms = new Map()

function fixed(value, digits) {
  if (!forms.has(digits)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven" }
    forms.set(digits, new Intl.NumberFormat("en-US", options))
  }
  return forms.get(digits).format(value)
}

const whole = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 15 })
const number = (value) => whole.format(value)

function share(part, all = 1) {
  const percent = all ? (100 * part) / all : 0
  let text
  for (let digits = 1; digits < 7; digits++) {
    text = fixed(percent, digits)
    if (percent === 0 || percent === 100 || (Number(text) > 0 && Number(text) < 100)) break
  }
  return `${text} %`
}

function short(value) {
  for (const [unit, sign] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (value >= unit) return `${value / unit}${sign}`
  return `${value}`
}

// ------------------------------------------------------------------------------------------------------------- nodes

function node(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  return element
}

const round = (value) => Math.round(value * 10) / 10

class Chart {
  constructor(root) {
    this.root = root
    this.svg = root.querySelector("svg")
    this.sent = null // a t that Python was told and has not answered yet
    this.build()
    new ResizeObserver(() => this.layout()).observe(this.frame)
  }

  // a node of the drawing
  drawn(tag, className, parent = this.svg, text) {
    const made = document.createElementNS(this.svg.namespaceURI, tag)
    made.setAttribute("class", className)
    if (text !== undefined) made.textContent = text
    parent.append(made)
    return made
  }

  build() {
    this.numbers = node("dl", "numbers")
    this.values = {}
    for (const name of ["Pairs kept", "Tail share of matches", "Entries covered", "Entries at the cap"]) {
      const box = node("div", "number")
      const value = node("dd", "value"), about = node("dd", "about"), more = node("dd", "about expected")
      box.append(node("dt", "", name), value, about)
      if (name === "Pairs kept") box.append(more)
      this.numbers.append(box)
      this.values[name] = { value, about, more }
    }
    this.frame = node("div", "chart")
    this.curve = set(node("div", "curve"), { tabindex: 0, role: "slider", "aria-label": "Entries by rank" })
    this.brush = node("div", "brush")
    this.slider = set(node("div", "slider"), {
      tabindex: 0, role: "slider", "aria-label": "Threshold t", "aria-orientation": "vertical",
    })
    this.tip = node("div", "tip")
    this.tip.hidden = true
    this.tos = node("div", "")
    this.foot = node("div", "foot")
    this.said = set(node("div", "hidden"), { "aria-live": "polite" })
    this.frame.append(this.svg, this.curve, this.brush, this.slider, this.tos, this.tip)
    this.root.replaceChildren(this.numbers, this.frame, this.foot, this.said)
    this.buildFoot()
    this.svg.setAttribute("role", "img")
    this.listen()
  }

  buildFoot() {
    this.ranks = node("span", "ranks")
    this.first = set(node("input", ""), { type: "number", min: 1, "aria-label": "First rank", placeholder: "first" })
    this.last = set(node("input", ""), { type: "number", min: 1, "aria-label": "Last rank", placeholder: "last" })
    this.clear = node("button", "", "All ranks")
    this.ranks.append("Ranks ", this.first, " to ", this.last, " ", this.clear)
    this.clear.onclick = () => this.choose(null)
    this.first.onchange = this.last.onchange = () => {
      const first = this.first.valueAsNumber || 1, last = this.last.valueAsNumber || this.run.entries
      this.choose([first, last])
    }
    const svg = node("button", "", "SVG"), png = node("button", "", "PNG")
    svg.title = png.title = "Download the chart"
    svg.onclick = () => save("live-chart.svg", this.picture().blob)
    png.onclick = () => this.savePng()
    this.saves = node("span", "saves")
    this.saves.append(svg, " ", png)
    this.foot.append(this.ranks, node("span", "space"), this.saves)
  }

  // ------------------------------------------------------------------------------------------------ what Python says

  async update({ data, setTriggerValue }) {
    this.tell = setTriggerValue
    this.data = data
    const run = await slot(data.version).run
    if (this.data !== data) return // a later one came meanwhile
    const { row } = data.at
    const said = row === null ? data.at : { ...look(run, row), ...data.at }
    const waits = this.sent !== null && data.at.t === this.before && data.version === this.version
    if (!waits) this.sent = null
    this.rest = said
    this.brushed = data.ranks
    const looks = JSON.stringify([data.version, data.marks, data.compact, data.brush])
    if (looks !== this.looks) {
      this.looks = looks
      this.version = data.version
      this.run = run
      this.shown = said
      this.root.classList.toggle("compact", data.compact)
      this.curve.classList.toggle("leads", data.leads)
      this.ranks.hidden = this.brush.hidden = !data.brush
      this.saves.hidden = data.compact
      this.foot.hidden = data.compact && !data.brush
      this.layout()
    } else if (!waits && !this.dragging && this.resting === undefined && said.t !== this.shown.t) {
      this.show(said)
    }
    this.showBrush()
  }

  // ------------------------------------------------------------------------------------------------------ the drawing

  layout() {
    const { run, data } = this
    if (!run || !this.frame.clientWidth) return
    const W = this.frame.clientWidth, narrow = W < 560, { compact } = data
    this.narrow = narrow
    const left = narrow ? 40 : 50, right = W - (narrow ? 66 : 92)
    const top = compact ? 8 : 22, main = compact ? 112 : 300
    const strip = compact ? 0 : 42, sum = compact ? 0 : 84
    const bottom = top + main, sumTop = bottom + strip, sumBottom = sumTop + sum
    const H = (compact ? bottom : sumBottom) + (compact ? 22 : 38)
    this.box = { W, H, left, right, top, bottom, sumTop, sumBottom }
    const largest = Math.max(run.count[0] ?? 1, run.t[run.t.length - 1], 2)
    const x0 = Math.log(0.85), x1 = Math.log(Math.max(run.entries, 2) * 1.12)
    const y0 = Math.log(0.75), y1 = Math.log(largest * 1.35)
    this.x = (rank) => left + ((right - left) * (Math.log(rank) - x0)) / (x1 - x0)
    this.y = (count) => bottom - (main * (Math.log(Math.max(count, 0.75)) - y0)) / (y1 - y0)
    this.rankAt = (x) => Math.exp(x0 + ((x - left) / (right - left)) * (x1 - x0))
    this.countAt = (y) => Math.exp(y0 + ((bottom - y) / main) * (y1 - y0))
    this.ySum = (value) => sumBottom - sum * value
    this.xs = run.rank.map((rank) => round(this.x(rank)))
    this.dotStarts = this.xs.map((x) => `M${x} `)
    this.sumXs = run.summed.map((rank) => round(this.x(rank)))
    this.static(largest)
    this.moving()
    this.overlay()
    this.show(this.shown)
    this.showBrush()
  }

  static(largest) {
    const { run, data, box, narrow } = this, { left, right, top, bottom, sumTop, sumBottom } = box
    set(this.svg, { viewBox: `0 0 ${box.W} ${box.H}`, height: box.H })
    this.svg.replaceChildren()
    const low = data.compact ? bottom : sumBottom
    const lines = []
    for (const count of ticks(largest, data.compact)) {
      const y = Math.round(this.y(count)) + 0.5
      lines.push(`M${left} ${y}H${right}`)
      set(this.drawn("text", "tick", this.svg, short(count)), { x: left - 7, y: y + 4, "text-anchor": "end" })
    }
    for (const rank of ticks(run.entries)) {
      const x = Math.round(this.x(rank)) + 0.5
      lines.push(`M${x} ${top}V${bottom}`)
      if (!data.compact) lines.push(`M${x} ${sumTop}V${sumBottom}`)
      set(this.drawn("text", "tick", this.svg, short(rank)), { x, y: low + 16, "text-anchor": "middle" })
    }
    const grid = this.drawn("path", "lines")
    const axis = this.drawn("path", "axis")
    let frame = `M${left + 0.5} ${top}V${bottom + 0.5}H${right}`
    if (!data.compact) {
      for (const [value, text] of [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]]) {
        const y = Math.round(this.ySum(value)) + 0.5
        lines.push(`M${left} ${y}H${right}`)
        set(this.drawn("text", "tick", this.svg, text), { x: left - 7, y: y + 4, "text-anchor": "end" })
      }
      frame += `M${left + 0.5} ${sumTop}V${sumBottom + 0.5}H${right}`
      set(this.drawn("text", "title", this.svg, data.titles.count), { x: 0, y: 12 })
      set(this.drawn("text", "title", this.svg, data.titles.rank), { x: right, y: low + 33, "text-anchor": "end" })
    }
    set(grid, { d: lines.join("") })
    set(axis, { d: frame })
    this.below = this.drawn("g", "")
    const points = this.xs.map((x, i) => `${x} ${round(this.y(run.count[i]))}`)
    if (points.length) set(this.drawn("path", "raw"), { d: `M${points.join("L")}` })
    if (!data.compact && this.sumXs.length) {
      const all = run.matches[run.matches.length - 1]
      const sums = this.sumXs.map((x, i) => `${x} ${round(this.ySum(run.matches[i] / all))}`)
      set(this.drawn("path", "raw"), { d: `M${sums.join("L")}` })
    }
    this.above = this.drawn("g", "")
    this.marks()
    if (data.compact) return
    const keys = this.drawn("g", "")
    this.rawKey = this.key(keys, "raw", top + 14)
    this.balancedKey = this.key(keys, "dots", top + 32)
    this.rawKey.text.textContent = narrow ? `raw: ${number(run.pairs)} pairs` : `raw: all ${number(run.pairs)} pairs of the pool`
    set(this.drawn("text", "title", this.svg, narrow ? "share of matches" : "share of matches up to this rank"), {
      x: left + 8, y: sumTop + 13,
    })
  }

  // a line of the legend, in the corner that a falling curve leaves free
  key(parent, kind, y) {
    const text = set(this.drawn("text", "key", parent, ""), { x: this.box.right - 22, y, "text-anchor": "end" })
    const x = this.box.right - 16
    set(this.drawn("path", kind, parent), { d: kind === "raw" ? `M${x} ${y - 4}h14` : `M${x + 2} ${y - 4}h.01M${x + 7} ${y - 4}h.01M${x + 12} ${y - 4}h.01` })
    return { text }
  }

  moving() {
    const { compact } = this.data
    this.nodes = {
      shade: this.drawn("rect", "shade", this.below),
      shadeBelow: compact ? null : this.drawn("rect", "shade", this.below),
      band: this.drawn("rect", "band", this.below),
      dots: this.drawn("path", "dots", this.above),
      boundary: this.drawn("path", "boundary", this.above),
      beyond: this.drawn("path", "beyond", this.above),
      cap: this.drawn("path", "cap", this.above),
      balanced: compact ? null : this.drawn("path", "balanced", this.above),
      rawSpot: set(this.drawn("circle", "spot of-raw", this.above), { r: 4 }),
      balancedSpot: set(this.drawn("circle", "spot of-balanced", this.above), { r: 4 }),
      grip: set(this.drawn("circle", "grip", this.above), { r: 9 }),
      arrows: this.drawn("path", "arrows", this.above),
      pill: set(this.drawn("rect", "pill", this.above), { height: 20, rx: 4 }),
      pillText: this.drawn("text", "pill-text", this.above, ""),
    }
    if (!compact) {
      const { left, right, bottom } = this.box
      Object.assign(this.nodes, {
        headBar: set(this.drawn("rect", "head-bar", this.above), { x: left, y: bottom + 5, height: 3 }),
        tailBar: set(this.drawn("rect", "tail-bar", this.above), { y: bottom + 5, height: 3 }),
        head: set(this.drawn("text", "side", this.above, ""), { x: left, y: bottom + 23 }),
        tail: set(this.drawn("text", "side", this.above, ""), { x: right, y: bottom + 23, "text-anchor": "end" }),
      })
    }
    this.spots(null)
  }

  // thresholds to go to, at the edge where t is read off
  marks() {
    const { box, data } = this
    const found = data.marks.map((mark) => ({ ...mark, y: this.y(mark.t) })).sort((a, b) => a.y - b.y)
    const step = data.compact ? 14 : 17
    let free = box.top + 4
    for (const mark of found) {
      mark.at = Math.max(mark.y, free)
      free = mark.at + step
    }
    let lowest = box.bottom - 2
    for (const mark of found.toReversed()) {
      mark.at = Math.min(mark.at, lowest)
      lowest = mark.at - step
    }
    for (const mark of found) {
      const x = box.right
      set(this.drawn("path", "leader"), { d: `M${x - 4} ${round(mark.y)}H${x + 4}L${x + 10} ${round(mark.at)}h3` })
      set(this.drawn("text", "mark", this.svg, mark.label), { x: x + 16, y: round(mark.at) + 4 })
    }
    const focused = this.root.getRootNode().activeElement?.dataset.t
    this.tos.replaceChildren(
      ...found.map((mark) => {
        const to = set(node("button", "to"), { type: "button", "aria-label": mark.name, title: mark.name, "data-t": mark.t })
        to.style.cssText = `left:${box.right + 12}px;top:${mark.at - step / 2}px;width:${box.W - box.right - 12}px;height:${step}px`
        to.onclick = () => this.go(mark.t)
        return to
      }),
    )
    if (focused !== undefined) this.tos.querySelector(`[data-t="${focused}"]`)?.focus()
  }

  overlay() {
    const { left, right, top, bottom, sumBottom, H } = this.box, { compact } = this.data
    const put = (element, x, y, width, height) =>
      Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` })
    put(this.curve, left, top, right - left, bottom - top)
    put(this.brush, left, compact ? bottom : sumBottom, right - left, H - (compact ? bottom : sumBottom))
    put(this.slider, 0, 0, right, 30)
    set(this.slider, { "aria-valuemin": this.run.t[0], "aria-valuemax": this.run.t[this.run.t.length - 1] })
    set(this.curve, { "aria-valuemin": 1, "aria-valuemax": Math.max(this.run.entries, 1), "aria-valuenow": 1 })
  }

  // everything that depends on t
  show(found) {
    this.shown = found
    const { run, nodes, box, data } = this, { left, right, top, bottom, sumTop, sumBottom } = box
    const y = round(this.y(found.t))
    const x = found.head ? round(Math.min(this.x(found.head + 0.5), right)) : left
    set(nodes.shade, { x: left, y: top, width: x - left, height: bottom - top })
    set(nodes.cap, { d: `M${left} ${y}H${x}` })
    set(nodes.beyond, { d: `M${x} ${y}H${right}` })
    set(nodes.boundary, { d: `M${x} ${y}V${data.compact ? bottom : sumBottom}` })
    set(nodes.grip, { cx: x, cy: y })
    set(nodes.arrows, { d: `M${x - 3} ${y - 2}l3 -3l3 3M${x - 3} ${y + 2}l3 3l3 -3` })
    const text = `t ${number(found.t)}`
    const width = 12 + 7.3 * text.length
    const pillY = Math.min(Math.max(y, top - 6), bottom - 4)
    set(nodes.pill, { x: 0, y: pillY - 10, width: Math.max(width, left - 4) })
    nodes.pillText.textContent = text
    set(nodes.pillText, { x: 6, y: pillY + 4 })
    set(nodes.dots, { d: this.dots(found.entry_kept) })
    this.slider.style.top = `${y - 15}px`
    if (!data.compact) {
      set(nodes.shadeBelow, { x: left, y: sumTop, width: x - left, height: sumBottom - sumTop })
      let line = ""
      for (let i = 0; i < this.sumXs.length; i++) {
        line += `${i ? "L" : "M"}${this.sumXs[i]} ${round(this.ySum(found.kept_share[i] / 65535))}`
      }
      set(nodes.balanced, { d: line })
      set(nodes.headBar, { width: Math.max(x - left, 0) })
      set(nodes.tailBar, { x, width: Math.max(right - x, 0) })
      const all = run.matches.length ? run.matches[run.matches.length - 1] : 0, tail = run.entries - found.head
      const [of, its] = this.narrow ? [" · ", ""] : [" entries, ", " of the pool's matches"]
      nodes.head.textContent = `head ${number(found.head)}${of}${share(found.head_matches, all)}${its}`
      nodes.tail.textContent = `tail ${number(tail)}${of}${share(all - found.head_matches, all)}`
      this.balancedKey.text.textContent = this.narrow
        ? `balanced: ${number(found.kept)} kept`
        : `balanced: the ${number(found.kept)} pairs kept at t`
    }
    this.say(found)
    if (this.hovered !== undefined) this.spots(this.hovered)
  }

  dots(kept) {
    let path = ""
    const { y0, scale } = this.yLine()
    for (let i = 0; i < this.dotStarts.length; i++) {
      if (kept[i]) path += `${this.dotStarts[i]}${Math.round(10 * (y0 - scale * Math.log(kept[i]))) / 10}h0`
    }
    return path
  }

  // y is a line in the logarithm of a count
  yLine() {
    const y0 = this.y(1)
    return { y0, scale: y0 - this.y(Math.E) }
  }

  say(found) {
    const { run, values } = this
    const put = (name, value, about, more) => {
      values[name].value.textContent = value
      values[name].about.textContent = about
      if (more !== undefined) values[name].more.textContent = more
    }
    const matched = number(run.entries_matched)
    put(
      "Pairs kept", number(found.kept), `${share(found.kept, run.pairs)} of ${number(run.pairs)} pairs`,
      `expected ${fixed(found.expected, 0)} ± ${fixed(found.sigma, 1)}${found.exact === false ? ", interpolated" : ""}`,
    )
    put("Tail share of matches", share(found.kept_tail_share), `${share(found.tail_share)} in the pool`)
    put(
      "Entries covered", number(found.entries_covered),
      `${share(found.entries_covered, run.entries_matched)} of ${matched} that match`,
    )
    put(
      "Entries at the cap", number(found.entries_at_cap),
      `${share(found.entries_at_cap, run.entries_matched)} of ${matched} that match`,
    )
    const words = `t = ${number(found.t)}: ${number(found.kept)} of ${number(run.pairs)} pairs kept`
    set(this.slider, { "aria-valuenow": found.t, "aria-valuetext": words })
    this.words = `${words}; tail share of matches ${share(found.kept_tail_share)}, ${share(found.tail_share)} in the pool; ` +
      `${number(found.entries_covered)} entries covered, ${number(found.entries_at_cap)} at the cap`
    this.svg.setAttribute("aria-label", `${this.data.titles.name}. ${this.words}.`)
  }

  // ------------------------------------------------------------------------------------------------------- moving t

  // show a row with the next frame
  soon(row) {
    this.next = row
    this.frameAsked ??= requestAnimationFrame(() => {
      this.frameAsked = undefined
      if (this.next !== this.shown.row || this.shown.t !== this.run.t[this.next]) this.show(look(this.run, this.next))
    })
  }

  go(t) {
    const row = this.run.t.indexOf(t)
    if (row >= 0) this.show(look(this.run, row))
    this.release(t)
  }

  // tell Python, once
  release(t) {
    clearTimeout(this.resting)
    this.resting = undefined
    if (t === (this.sent ?? this.rest.t)) return
    this.before = this.rest.t
    this.sent = t
    if (t === this.shown.t) this.said.textContent = this.words
    this.tell("t", t)
  }

  // the row that is or will be shown
  row() {
    return this.frameAsked === undefined ? (this.shown.row ?? null) : this.next
  }

  listen() {
    const { slider, curve } = this
    slider.onpointerdown = (event) => {
      if (event.button) return
      slider.setPointerCapture(event.pointerId)
      this.dragging = { off: this.pointer(event).y - this.y(this.shown.t), back: this.shown }
      this.spots(null)
      event.preventDefault()
      slider.focus({ preventScroll: true, focusVisible: false })
    }
    slider.onpointermove = (event) => {
      if (!this.dragging) return this.hover(event)
      const t = this.countAt(this.pointer(event).y - this.dragging.off)
      this.soon(nearest(this.run.t, t))
    }
    slider.onpointerup = () => {
      if (!this.dragging) return
      this.settle()
      this.dragging = undefined
      this.release(this.shown.t)
    }
    slider.onpointercancel = () => this.back()
    slider.onpointerleave = () => this.dragging || this.spots(null)
    slider.onkeydown = (event) => this.key_t(event)
    slider.onblur = () => this.resting !== undefined && this.afterKeys()
    curve.onpointermove = (event) => this.hover(event)
    curve.onpointerleave = () => this.spots(null)
    curve.onkeydown = (event) => this.key_rank(event)
    curve.onblur = () => this.spots(null)
    curve.onclick = () => this.lead()
    this.listenBrush()
  }

  // draw at once what waits for a frame
  settle() {
    if (this.frameAsked === undefined) return
    cancelAnimationFrame(this.frameAsked)
    this.frameAsked = undefined
    this.show(look(this.run, this.next))
  }

  back() {
    if (!this.dragging) return
    this.settle()
    this.show(this.dragging.back)
    this.dragging = undefined
  }

  key_t(event) {
    if (event.key === "Escape") return this.back()
    const { t } = this.run, last = t.length - 1
    let row = this.row()
    const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }
    if (event.key in steps) {
      const step = steps[event.key]
      if (row === null) row = place(t, this.shown.t) - (step > 0 ? 1 : 0) // between two rows: on to the next one
      row = Math.min(Math.max(row + step, 0), last)
    } else if (event.key === "Home") row = 0
    else if (event.key === "End") row = last
    else return
    event.preventDefault()
    this.soon(row)
    clearTimeout(this.resting)
    this.resting = setTimeout(() => this.afterKeys(), AFTER_KEYS_MS)
  }

  afterKeys() {
    this.settle()
    this.release(this.shown.t)
  }

  // ---------------------------------------------------------------------------------------------- looking at an entry

  pointer(event) {
    const box = this.frame.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }

  hover(event) {
    if (!this.run.rank.length || this.brushing) return
    const { x, y } = this.pointer(event), middle = nearest(this.run.rank, this.rankAt(x))
    let best = null, least = NEAR
    for (const step of [-1, 1]) {
      for (let i = middle; i >= 0 && i < this.xs.length && Math.abs(this.xs[i] - x) < least; i += step) {
        for (const count of [this.run.count[i], this.shown.entry_kept[i]]) {
          const far = Math.hypot(this.xs[i] - x, this.y(count) - y)
          if (far < least) [best, least] = [i, far]
        }
      }
    }
    this.spots(best)
  }

  // point out an entry, or none
  spots(at) {
    this.hovered = at ?? undefined
    const { rawSpot, balancedSpot } = this.nodes
    const kept = at === null ? 0 : this.shown.entry_kept[at]
    rawSpot.setAttribute("visibility", at === null ? "hidden" : "visible")
    balancedSpot.setAttribute("visibility", kept ? "visible" : "hidden")
    this.tip.hidden = at === null
    if (at === null) return
    const { run } = this, count = run.count[at], x = this.xs[at], y = this.y(count)
    set(rawSpot, { cx: x, cy: y })
    set(balancedSpot, { cx: x, cy: this.y(kept) })
    const entry = node("div", "entry", run.entry[at])
    entry.dir = "auto"
    const rank = `rank ${number(run.rank[at])}, in ${number(count)} ${count === 1 ? "text" : "texts"} of the pool`
    const left = `${number(kept)} of them kept, ${share(kept, count)}`
    this.tip.replaceChildren(entry, node("div", "", rank), node("div", "", left))
    const { W, top } = this.box
    const toLeft = x > W / 2
    Object.assign(this.tip.style, {
      left: toLeft ? "auto" : `${x + 14}px`, right: toLeft ? `${W - x + 14}px` : "auto", top: `${Math.max(y - 30, top)}px`,
    })
    set(this.curve, { "aria-valuenow": run.rank[at], "aria-valuetext": `${run.entry[at]}: ${rank}, ${left}` })
  }

  key_rank(event) {
    const last = this.run.rank.length - 1
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 }
    let at = this.hovered
    if (last < 0) return
    if (event.key in steps) at = at === undefined ? 0 : Math.min(Math.max(at + steps[event.key], 0), last)
    else if (event.key === "Home") at = 0
    else if (event.key === "End") at = last
    else if (event.key === "Enter") return this.lead()
    else if (event.key === "Escape") at = null
    else return
    event.preventDefault()
    this.spots(at)
  }

  lead() {
    if (this.data.leads && this.hovered !== undefined) this.tell("entry", this.run.entry_id[this.hovered])
  }

  // --------------------------------------------------------------------------------------------------- a range of ranks

  listenBrush() {
    const { brush, curve } = this
    const start = (event) => {
      if (event.button || !this.data.brush || (event.currentTarget === curve && !event.shiftKey)) return
      event.currentTarget.setPointerCapture(event.pointerId)
      this.brushing = { from: this.pointer(event).x, before: this.brushed }
      event.preventDefault()
    }
    const move = (event) => {
      if (!this.brushing) return
      const inside = (x) => Math.min(Math.max(Math.round(this.rankAt(x)), 1), this.run.entries)
      const ends = [this.brushing.from, this.pointer(event).x]
      if (Math.abs(ends[0] - ends[1]) < 3) return
      this.brushed = ends.map(inside).sort((a, b) => a - b)
      requestAnimationFrame(() => this.showBrush())
    }
    const end = () => {
      if (!this.brushing) return
      const { before } = this.brushing
      this.brushing = undefined
      if (this.brushed !== before) this.choose(this.brushed)
    }
    for (const element of [brush, curve]) {
      element.addEventListener("pointerdown", start)
      element.addEventListener("pointermove", move)
      element.addEventListener("pointerup", end)
      element.addEventListener("pointercancel", end)
    }
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.brushed && this.choose(null))
  }

  choose(ranks) {
    if (ranks) {
      const inside = (rank) => Math.min(Math.max(Math.round(rank), 1), this.run.entries)
      ranks = ranks.map(inside).sort((a, b) => a - b)
    }
    this.brushed = ranks
    this.showBrush()
    this.tell("ranks", ranks ?? [])
  }

  showBrush() {
    if (!this.nodes) return
    const { brushed, nodes, box } = this
    nodes.band.setAttribute("visibility", brushed ? "visible" : "hidden")
    this.clear.hidden = !brushed
    this.first.value = brushed ? brushed[0] : ""
    this.last.value = brushed ? brushed[1] : ""
    if (!brushed) return
    const from = this.x(brushed[0] - 0.35), to = Math.min(this.x(brushed[1] + 0.35), box.right)
    set(nodes.band, { x: round(from), y: box.top, width: round(to - from), height: box.bottom - box.top })
  }

  // ----------------------------------------------------------------------------------------------------------- saving

  // the drawing by itself: styles resolved, a ground, and a line that says what is shown
  picture() {
    const copy = this.svg.cloneNode(true), room = 26
    const from = this.svg.querySelectorAll("*"), to = copy.querySelectorAll("*")
    for (let i = 0; i < from.length; i++) {
      const style = getComputedStyle(from[i])
      to[i].removeAttribute("class")
      for (const name of STYLES) to[i].setAttribute(name, style.getPropertyValue(name))
    }
    const { W, H } = this.box, ground = getComputedStyle(this.root)
    set(copy, { width: W, height: H + room, viewBox: `0 ${-room} ${W} ${H + room}` })
    copy.removeAttribute("class")
    const rect = document.createElementNS(copy.namespaceURI, "rect")
    set(rect, { x: 0, y: -room, width: W, height: H + room, fill: ground.getPropertyValue("--st-background-color") })
    const line = document.createElementNS(copy.namespaceURI, "text")
    set(line, { x: 0, y: 14 - room, fill: ground.color, "font-family": ground.fontFamily, "font-size": "12px" })
    line.textContent = this.words
    copy.prepend(rect, line)
    const text = new XMLSerializer().serializeToString(copy)
    return { blob: new Blob([text], { type: "image/svg+xml" }), width: W, height: H + room }
  }

  async savePng() {
    const { blob, width, height } = this.picture(), address = URL.createObjectURL(blob), image = new Image()
    image.src = address
    await image.decode()
    const canvas = node("canvas", ""), scale = 2
    Object.assign(canvas, { width: width * scale, height: height * scale })
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height)
    URL.revokeObjectURL(address)
    canvas.toBlob((png) => save("live-chart.png", png), "image/png")
  }
}

const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
  "stroke-linejoin", "paint-order", "font-family", "font-size", "font-weight", "font-variant-numeric", "visibility",
  "shape-rendering",
]

// 1, 10, 100 and so on; over less than two decades 2 and 5 as well
function ticks(largest, few = false) {
  const decades = Math.log10(Math.max(largest, 1)), steps = decades > 2 ? [1] : [1, 2, 5], found = []
  const every = few && decades > 3 ? 2 : 1
  for (let power = 0; power <= decades; power += every) for (const step of steps) found.push(step * 10 ** power)
  return found.filter((tick) => tick <= largest * 1.2)
}

function save(name, blob) {
  const address = URL.createObjectURL(blob), link = set(node("a", ""), { href: address, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

export default function (component) {
  const { data, parentElement } = component
  if (data instanceof Uint8Array) return receive(data)
  const root = parentElement.querySelector(".root")
  root.chart ??= new Chart(root)
  root.chart.update(component)
}
