// A drawing as a file of its own: one SVG, or the PNG of it.
const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
  "stroke-linejoin", "opacity", "paint-order", "font-family", "font-size", "font-weight", "font-variant-numeric", "visibility",
  "shape-rendering",
]
const MARGIN = 12
const CAPTION = 24 // px above the drawing, for a line that says what it shows

// layers: SVG elements of the same size that lie on each other; what their styles come to is written into the copy
function picture(layers, { words }) {
  const look = getComputedStyle(layers[0])
  const box = layers[0].getBoundingClientRect(), x = -MARGIN, y = -MARGIN - (words ? CAPTION : 0)
  const width = Math.ceil(box.width) + 2 * MARGIN, height = Math.ceil(box.height) + MARGIN - y
  const svg = document.createElementNS(layers[0].namespaceURI, "svg")
  const put = (element, attributes) => {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
    return element
  }
  const made = (tag, attributes) => put(document.createElementNS(svg.namespaceURI, tag), attributes)
  const ground = made("rect", { x, y, width, height, fill: groundColour(layers[0]) })
  const line = made("text", { x: 0, y: y + 24, fill: look.color, "font-family": look.fontFamily, "font-size": "12px" })
  line.textContent = words
  put(svg, { width, height, viewBox: `${x} ${y} ${width} ${height}` })
  svg.append(ground, line, ...layers.flatMap((layer) => [...layer.children].map(resolved)))
  return { text: new XMLSerializer().serializeToString(svg), width, height }
}

// the first colour behind an element that is not transparent
function groundColour(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    const colour = getComputedStyle(at).backgroundColor
    if (!["transparent", "rgba(0, 0, 0, 0)"].includes(colour)) return colour
  }
  return "white"
}

function resolved(element) {
  const copy = element.cloneNode(true)
  const from = [element, ...element.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")]
  for (let i = 0; i < from.length; i++) {
    const style = getComputedStyle(from[i])
    to[i].removeAttribute("class")
    to[i].removeAttribute("style")
    for (const name of STYLES) to[i].setAttribute(name, style.getPropertyValue(name))
  }
  return copy
}

function saveSvg(name, { text }) {
  save(`${name}.svg`, new Blob([text], { type: "image/svg+xml" }))
}

async function savePng(name, { text, width, height }) {
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }))
  const image = new Image()
  image.src = address
  await image.decode()
  const canvas = document.createElement("canvas"), scale = 2 // sharp on dense screens
  Object.assign(canvas, { width: width * scale, height: height * scale })
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height)
  URL.revokeObjectURL(address)
  canvas.toBlob((png) => save(`${name}.png`, png), "image/png")
}

function save(name, blob) {
  const address = URL.createObjectURL(blob), link = document.createElement("a")
  link.setAttribute("href", address)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

// two small buttons; drawn() gives the picture when one is pressed
function saveButtons(name, drawn) {
  return [["SVG", saveSvg], ["PNG", savePng]].map(([kind, way]) => {
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = kind
    button.title = `Download the chart as ${kind}`
    button.setAttribute("aria-label", button.title)
    button.onclick = () => way(name, drawn())
    return button
  })
}
