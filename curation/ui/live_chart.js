// The live chart: entries by rank, and the cap at t that is dragged. While it moves, everything comes from what Python
// packed once for the run (live_data.js); Python hears of t when it is let go. Texts from data are set as text only.
const AFTER_KEYS_MS = 350 // so long a rest after the last key says that t is meant
const NEAR = 24 // px: how far from a point the pointer may be

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
    this.build()
    this.observer = new ResizeObserver(() => this.frame.clientWidth !== this.box?.W && this.layout())
    this.observer.observe(this.frame)
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
    this.frame.append(this.svg, this.slider, this.tos, this.curve, this.brush, this.tip) // in the order of the Tab key
    this.root.replaceChildren(this.numbers, this.frame, this.foot, this.said)
    this.root.classList.add("waiting")
    this.buildFoot()
    this.svg.setAttribute("role", "img")
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
    this.saves = node("span", "saves")
    this.saves.append(...saveButtons("live-chart", () => picture([this.svg], { words: this.words })))
    this.foot.append(this.ranks, node("span", "space"), this.saves)
  }

  // ------------------------------------------------------------------------------------------------ what Python says

  async update({ data, setTriggerValue }) {
    this.tell = setTriggerValue
    this.data = data
    const run = await slot(data.version).run
    if (this.data !== data) return // a later one came meanwhile
    if (!this.run) this.listen()
    const { row } = data.at
    this.rest = row === null ? data.at : { ...look(run, row), ...data.at }
    this.chosen = data.ranks
    this.told ??= data.heard
    const looks = JSON.stringify([data.version, data.marks, data.compact, data.brush, data.leads, data.titles])
    if (looks !== this.looks) {
      this.looks = looks
      this.run = run
      this.shown = this.rest
      this.root.classList.remove("waiting")
      this.root.classList.toggle("compact", data.compact)
      this.curve.classList.toggle("leads", data.leads)
      this.ranks.hidden = this.brush.hidden = !data.brush
      this.foot.hidden = data.compact // a page writes the ranks itself there
      this.layout()
    } else if (!this.moving && data.heard === this.told && this.rest.t !== this.shown.t) {
      this.show(this.rest)
    }
    this.showRanks()
  }

  // whether t is under way by pointer or by key
  get moving() {
    return this.drag !== undefined || this.resting !== undefined
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
    this.capAt = (t) => round(Math.max(this.y(t), top)) // a t that was typed may lie above all counts
    this.rankAt = (x) => Math.exp(x0 + ((x - left) / (right - left)) * (x1 - x0))
    this.countAt = (y) => Math.exp(y0 + ((bottom - y) / main) * (y1 - y0))
    this.ySum = (value) => sumBottom - sum * value
    this.xs = run.rank.map((rank) => round(this.x(rank)))
    this.dotStarts = this.xs.map((x) => `M${x} `)
    this.sumXs = run.summed.map((rank) => round(this.x(rank)))
    this.ground(largest)
    this.prepare()
    this.overlay()
    this.show(this.shown)
    this.showRanks()
  }

  // what stays where it is while t moves
  ground(largest) {
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
    else set(this.drawn("text", "title", this.svg, "No entry is in a text of this pool."), { x: left + 12, y: bottom - 12 })
    if (!data.compact && this.sumXs.length) {
      const all = run.matches[run.matches.length - 1]
      const sums = this.sumXs.map((x, i) => `${x} ${round(this.ySum(run.matches[i] / all))}`)
      set(this.drawn("path", "raw"), { d: `M${sums.join("L")}` })
    }
    this.above = this.drawn("g", "")
    this.marks()
    this.legend = this.drawn("g", "")
    const whole = narrow || data.compact ? "" : " of the pool", all = whole ? "all " : ""
    this.key("raw", top + 14).textContent = `raw: ${all}${number(run.pairs)} pairs${whole}`
    this.balancedKey = this.key("dots", top + 32)
    if (data.compact) return
    const title = narrow ? "share of matches" : "share of matches up to this rank"
    set(this.drawn("text", "title", this.svg, title), { x: left + 8, y: sumTop + 13 })
  }

  // a line of the legend, in the corner that a falling curve leaves free
  key(kind, y) {
    const x = this.box.right - 16, dots = [2, 7, 12].map((dx) => `M${x + dx} ${y - 4}h.01`).join("")
    set(this.drawn("path", kind, this.legend), { d: kind === "raw" ? `M${x} ${y - 4}h14` : dots })
    return set(this.drawn("text", "key", this.legend, ""), { x: x - 6, y, "text-anchor": "end" })
  }

  // the nodes that follow t
  prepare() {
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
    const found = data.marks.map((mark) => ({ ...mark, y: this.capAt(mark.t) })).sort((a, b) => a.y - b.y)
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
      set(this.drawn("path", "leader"), { d: `M${x} ${round(mark.y)}h4L${x + 10} ${round(mark.at)}h3` })
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
    this.slider.style.width = `${right}px`
    set(this.slider, { "aria-valuemin": this.run.t[0], "aria-valuemax": this.run.t[this.run.t.length - 1] })
    set(this.curve, { "aria-valuemin": 1, "aria-valuemax": Math.max(this.run.entries, 1), "aria-valuenow": 1 })
  }

  // everything that depends on t
  show(found) {
    this.shown = found
    const { run, nodes, box, data } = this, { left, right, top, bottom, sumTop, sumBottom } = box
    const y = this.capAt(found.t)
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
    this.slider.style.top = `${y}px`
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
      const [of, its] = this.narrow ? [" · ", ""] : [" entries, ", ` ${data.titles.matches}`]
      nodes.head.textContent = `head ${number(found.head)}${of}${share(found.head_matches, all)}${its}`
      nodes.tail.textContent = `tail ${number(tail)}${of}${share(all - found.head_matches, all)}`
    }
    const kept = number(found.kept), brief = this.narrow || data.compact
    this.balancedKey.textContent = brief ? `balanced: ${kept} kept` : `balanced: the ${kept} pairs kept at t`
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

  // tell Python, once; until it answers to this, what it says of t is of before
  release(t) {
    clearTimeout(this.resting)
    this.resting = undefined
    if (t === this.rest.t && this.data.heard === this.told) return
    if (t === this.shown.t) this.said.textContent = this.words
    this.told += 1
    this.tell("t", [t, this.told])
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
      const { y } = this.pointer(event)
      this.drag = { from: y, off: y - this.capAt(this.shown.t), back: this.shown, begun: false }
      this.spots(null)
      event.preventDefault()
      slider.focus({ preventScroll: true, focusVisible: false })
    }
    slider.onpointermove = (event) => {
      if (!this.drag) return this.hover(event)
      const { y } = this.pointer(event)
      this.drag.begun ||= Math.abs(y - this.drag.from) > 1 // a press alone leaves t where it is
      if (this.drag.begun) this.soon(nearest(this.run.t, this.countAt(y - this.drag.off)))
    }
    slider.onpointerup = () => {
      if (!this.drag) return
      this.settle()
      this.drag = undefined
      this.release(this.shown.t)
    }
    slider.onpointercancel = () => this.back()
    slider.onpointerleave = () => this.drag || this.spots(null)
    slider.onkeydown = (event) => this.keyOfT(event)
    slider.onblur = () => this.resting !== undefined && this.afterKeys()
    curve.onpointermove = curve.onpointerdown = (event) => this.hover(event)
    curve.onpointerleave = (event) => event.pointerType === "mouse" && this.spots(null)
    curve.onkeydown = (event) => this.keyOfRank(event)
    curve.onblur = () => this.spots(null)
    curve.onclick = (event) => this.press(event)
    this.listenRanks()
  }

  // draw at once what waits for a frame
  settle() {
    if (this.frameAsked === undefined) return
    cancelAnimationFrame(this.frameAsked)
    this.frameAsked = undefined
    this.show(look(this.run, this.next))
  }

  back() {
    if (!this.drag) return
    this.settle()
    this.show(this.drag.back)
    this.drag = undefined
  }

  keyOfT(event) {
    if (event.key === "Escape") return this.back()
    if (this.drag || event.ctrlKey || event.metaKey || event.altKey) return
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
    if (!this.run.rank.length || this.sweep) return
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

  keyOfRank(event) {
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

  // a finger that presses first points an entry out, and leads on when it presses the same again
  press(event) {
    const again = this.pressed !== undefined && this.pressed === this.hovered
    this.pressed = this.hovered
    if (!this.swept && (event.pointerType !== "touch" || again)) this.lead()
    this.swept = false
  }

  lead() {
    if (this.data.leads && this.hovered !== undefined) this.tell("entry", this.run.entry_id[this.hovered])
  }

  // --------------------------------------------------------------------------------------------------- a range of ranks

  listenRanks() {
    const { brush, curve } = this
    const start = (event) => {
      this.swept = false
      if (event.button || !this.data.brush || (event.currentTarget === curve && !event.shiftKey)) return
      event.currentTarget.setPointerCapture(event.pointerId)
      this.sweep = { from: this.pointer(event).x, before: this.chosen }
      event.preventDefault()
    }
    const move = (event) => {
      if (!this.sweep) return
      const inside = (x) => Math.min(Math.max(Math.round(this.rankAt(x)), 1), this.run.entries)
      const ends = [this.sweep.from, this.pointer(event).x]
      if (Math.abs(ends[0] - ends[1]) < 3) return
      this.chosen = ends.map(inside).sort((a, b) => a - b)
      requestAnimationFrame(() => this.showRanks())
    }
    const end = () => {
      if (!this.sweep) return
      const { before } = this.sweep
      this.sweep = undefined
      this.swept = this.chosen !== before
      if (this.swept) this.choose(this.chosen)
    }
    for (const element of [brush, curve]) {
      element.addEventListener("pointerdown", start)
      element.addEventListener("pointermove", move)
      element.addEventListener("pointerup", end)
      element.addEventListener("pointercancel", end)
    }
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.chosen && this.choose(null))
  }

  choose(ranks) {
    if (ranks) {
      const inside = (rank) => Math.min(Math.max(Math.round(rank), 1), this.run.entries)
      ranks = ranks.map(inside).sort((a, b) => a - b)
    }
    this.chosen = ranks
    this.showRanks()
    this.tell("ranks", ranks ?? [])
  }

  showRanks() {
    if (!this.nodes) return
    const { chosen, nodes, box } = this
    nodes.band.setAttribute("visibility", chosen ? "visible" : "hidden")
    this.clear.hidden = !chosen
    this.first.value = chosen ? chosen[0] : ""
    this.last.value = chosen ? chosen[1] : ""
    if (!chosen) return
    const from = this.x(chosen[0] - 0.35), to = Math.min(this.x(chosen[1] + 0.35), box.right)
    set(nodes.band, { x: round(from), y: box.top, width: round(to - from), height: box.bottom - box.top })
  }
}

// 1, 10, 100 and so on; over less than two decades 2 and 5 as well
function ticks(largest, few = false) {
  const decades = Math.log10(Math.max(largest, 1)), steps = decades > 2 ? [1] : [1, 2, 5], found = []
  const every = few && decades > 3 ? 2 : 1
  for (let power = 0; power <= decades; power += every) for (const step of steps) found.push(step * 10 ** power)
  return found.filter((tick) => tick <= largest * 1.2)
}

export default function (component) {
  const { data, parentElement } = component
  if (data instanceof Uint8Array) return receive(data)
  const root = parentElement.querySelector(".root")
  root.chart ??= new Chart(root)
  root.chart.update(component)
  return () => root.chart.observer.disconnect()
}
