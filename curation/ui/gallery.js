// Cards of pairs. Everything from data is set as text or as the value of an attribute, never as HTML.
function node(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function caption(card) {
  const made = node("p", "caption")
  made.dir = "auto"
  let left = card.shown
  const rest = []
  for (const [text, kind, entries] of card.parts) {
    let part = document.createTextNode(left > 0 ? text.slice(0, left) : text)
    if (left > 0 && text.length > left && !kind) {
      const later = document.createTextNode(text.slice(left))
      made.append(part)
      rest.push(later)
      left = 0
      continue
    }
    if (kind) {
      part = node("mark", kind, text)
      part.title = entries
    }
    if (left > 0) made.append(part)
    else rest.push(part)
    left -= text.length
  }
  if (rest.length) {
    const dots = node("span", "", "… ")
    const more = node("button", "more", "Show more")
    more.type = "button"
    more.onclick = () => {
      dots.remove()
      more.replaceWith(...rest)
      if (card.cut) made.append(node("span", "cut", ` … ${card.cut}`))
      made.classList.add("open")
      made.tabIndex = 0 // so that it can be scrolled by key
      made.focus()
    }
    made.append(dots, more)
  }
  return made
}

function table(card) {
  const made = node("table", "entries")
  const head = node("tr")
  for (const [title, meaning] of [
    ["entry", ""],
    ["c", "texts of the pool with the entry"],
    ["p", "t / max(c, t)"],
    ["u", "the draw: uniform number of this pair and entry"],
    ["u · c", "keeps the pair where this is below t"],
    ["keeps?", ""],
  ]) {
    const cell = node("th", title === "entry" ? "" : "number", title)
    cell.scope = "col"
    cell.title = meaning
    head.append(cell)
  }
  const top = node("thead")
  top.append(head)
  const body = node("tbody")
  for (const [values, keeps] of card.entries) {
    const row = node("tr", keeps ? "keeps" : "")
    const [entry, ...numbers] = values
    const cell = node("td", "entry", entry)
    cell.dir = "auto"
    row.append(cell, ...numbers.map((value) => node("td", "number", value)))
    row.append(node("td", "number", keeps ? "yes" : "no"))
    body.append(row)
  }
  made.append(top, body)
  return made
}

function reasons(card) {
  const made = [node("p", "reason", card.reason)]
  if (card.entries.length) made.push(table(card))
  if (card.more_entries) made.push(node("p", "cut", `and ${card.more_entries} more entries`))
  const facts = node("dl", "facts")
  for (const [name, value] of card.facts) facts.append(node("dt", "", name), node("dd", "", value))
  return [...made, facts]
}

// What stands in it is made when it is opened: for a page of pairs, that is a thousand cells.
function why() {
  const made = node("details", "why")
  made.append(node("summary", "", "Why"))
  made.ontoggle = () => made.open && fill(made)
  return made
}

function fill(details) {
  details.replaceChildren(details.firstElementChild, ...reasons(details.card))
}

function picture(card) {
  const image = node("img", "thumbnail")
  image.loading = "lazy"
  image.alt = card.alt
  image.onerror = async () => {
    // where no picture is, the server says why
    const answer = await fetch(image.src).catch(() => null)
    if (!answer || !answer.ok) image.replaceWith(reasonFor(answer ? await answer.text() : "the server is gone"))
  }
  image.src = card.image
  return image
}

function reasonFor(text) {
  return node("div", "thumbnail none", text)
}

// The picture stays where it is; what is said about it goes with t.
function say(made, card, news) {
  made.className = `card ${card.kept ? "kept" : "dropped"} ${news ? "news" : ""}`
  const body = node("div", "body")
  body.append(node("span", "badge", (card.kept ? "kept" : "dropped") + (news ? ` · ${news}` : "")), caption(card))
  made.querySelector(".body").replaceWith(body)
}

function article(card) {
  const made = node("article")
  if (card.image) made.append(picture(card))
  else if (card.no_image) made.append(reasonFor(card.no_image))
  made.append(node("div", "body"), why())
  return made
}

// Cards that are there already stay; those that t added or turned are marked, as long as the question is the same.
function articles(data, shown) {
  const now = new Map()
  const moved = shown.question === data.question
  for (const card of data.cards) {
    let key = card.key
    while (now.has(key)) key += "'" // pairs may share a uid
    const before = shown.cards?.get(key)
    const news = moved && (before ? before.kept !== card.kept && "changed" : "new")
    const made = before?.made ?? article(card)
    const says = JSON.stringify([card.parts, card.kept, news])
    if (before?.says !== says) say(made, card, news)
    const details = made.lastElementChild
    details.card = card
    if (details.open) fill(details)
    now.set(key, { says, made, kept: card.kept })
  }
  return now
}

const states = new WeakMap()

export default function (component) {
  const { data, parentElement } = component
  const root = parentElement.querySelector(".root")
  const shown = states.get(root) ?? {}
  if (shown.version === data.version) return
  // after a change of page from below, begin at the top
  if (shown.version && shown.question !== data.question && root.getBoundingClientRect().top < 0) root.scrollIntoView()
  const cards = articles(data, shown)
  states.set(root, { version: data.version, question: data.question, cards })
  const legend = node("p", "legend")
  legend.append(
    node("mark", "keeps", "entry"), " keeps the pair at this t   ",
    node("mark", "matches", "entry"), " matches, but does not keep it",
  )
  const grid = node("div", data.cards.some((card) => card.image) ? "wall" : "grid")
  grid.append(...[...cards.values()].map((card) => card.made))
  root.replaceChildren(legend, grid)
}
