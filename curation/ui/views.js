// Links to saved views, each with a button that removes it. Names are set as text, never as HTML.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const rows = data.views.map((view) => {
    const row = document.createElement("li")
    const link = document.createElement("a")
    link.setAttribute("href", view.address) // of a page of our own: it begins with one /
    link.textContent = view.name
    link.dir = "auto"
    const remove = document.createElement("button")
    remove.type = "button"
    remove.textContent = "×"
    remove.title = `Remove ${view.name}`
    remove.setAttribute("aria-label", remove.title)
    remove.onclick = () => setTriggerValue("remove", view.id)
    row.append(link, remove)
    return row
  })
  const list = document.createElement("ul")
  list.append(...rows)
  parentElement.querySelector(".root").replaceChildren(list)
}
