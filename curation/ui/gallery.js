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

function why(card) {
  const made = node("details", "why")
  made.append(node("summary", "", "Why"), node("p", "reason", card.reason))
  if (card.entries.length) made.append(table(card))
  if (card.more_entries) made.append(node("p", "cut", `and ${card.more_entries} more entries`))
  const facts = node("dl", "facts")
  for (const [name, value] of card.facts) facts.append(node("dt", "", name), node("dd", "", value))
  made.append(facts)
  return made
}

function article(card) {
  const made = node("article", card.kept ? "card kept" : "card dropped")
  if (card.image) {
    const image = node("img", "thumbnail")
    image.src = card.image
    image.alt = card.alt
    made.append(image)
  } else if (card.no_image) {
    made.append(node("div", "thumbnail none", card.no_image))
  }
  const body = node("div", "body")
  const badge = node("span", "badge", card.kept ? "kept" : "dropped")
  body.append(badge, caption(card))
  made.append(body, why(card))
  return made
}

export default function (component) {
  const { data, parentElement } = component
  const root = parentElement.querySelector(".root")
  if (root.dataset.version === data.version) return
  // after a change of page from below, begin at the top
  if (root.dataset.version && root.getBoundingClientRect().top < 0) root.scrollIntoView()
  root.dataset.version = data.version
  const legend = node("p", "legend")
  legend.append(
    node("mark", "keeps", "entry"), " keeps the pair at this t   ",
    node("mark", "matches", "entry"), " matches, but does not keep it",
  )
  const grid = node("div", "grid")
  grid.append(...data.cards.map(article))
  root.replaceChildren(legend, grid)
}
