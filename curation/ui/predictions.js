// Cards of pictures with the labels that come first. Everything from data is set as text, never as HTML.
function node(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function picture(card) {
  if (!card.image) return node("div", "picture none")
  const image = node("img", "picture")
  image.alt = card.name
  image.src = card.image
  return image
}

// The number says it; the bar is for the eye.
function guess([label, share, probability, cosine]) {
  const made = node("li")
  const name = node("span", "label", label)
  name.dir = "auto"
  const track = node("span", "track")
  const bar = node("span", "bar")
  bar.style.width = `${100 * share}%`
  track.append(bar)
  made.append(name, node("span", "number", probability), track)
  made.title = cosine
  return made
}

function captions(card) {
  const made = node("details", "captions")
  made.append(node("summary", "", "Nearest training captions"))
  const list = node("ol")
  for (const [text, cosine] of card.captions) {
    const item = node("li")
    const caption = node("span", "caption", text)
    caption.dir = "auto"
    item.append(caption, node("span", "number", cosine))
    list.append(item)
  }
  made.append(list)
  return made
}

function article(card) {
  const made = node("article", card.none ? "card is-none" : "card")
  const body = node("div", "body")
  const name = node("p", "name", card.name)
  name.title = card.name
  name.dir = "auto"
  body.append(name)
  if (card.reason) body.append(node("p", "reason", card.reason))
  if (card.none) body.append(node("p", "badge", card.none))
  if (card.guesses.length) {
    const list = node("ol", "guesses")
    list.append(...card.guesses.map(guess))
    body.append(list)
  }
  made.append(picture(card), body)
  if (card.captions.length) made.append(captions(card))
  return made
}

const versions = new WeakMap()

export default function (component) {
  const { data, parentElement } = component
  const root = parentElement.querySelector(".root")
  if (versions.get(root) === data.version) return
  versions.set(root, data.version)
  const open = [...root.querySelectorAll("details[open]")].length > 0
  const grid = node("div", "grid")
  grid.append(...data.cards.map(article))
  if (open) for (const details of grid.querySelectorAll("details")) details.open = true
  root.replaceChildren(grid)
}
