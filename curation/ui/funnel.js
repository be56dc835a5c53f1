// One row a step. Data is set as text only.
function node(tag, className, text) {
  const made = document.createElement(tag)
  made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function row(step) {
  const made = node("tr", "step")
  const name = node("th", "name", step.step)
  name.scope = "row"
  const picture = node("td", "picture")
  const whole = node("div", "whole")
  whole.style.width = `${step.bar_in}%`
  const part = node("div", "part")
  part.style.width = step.bar_in ? `${(100 * step.bar_out) / step.bar_in}%` : "0"
  whole.append(part)
  picture.append(whole)
  const dropped = node("td", "dropped")
  for (const reason of step.dropped) dropped.append(node("div", "reason", reason))
  made.append(
    name,
    node("td", "number in", step.in),
    picture,
    node("td", "number out", step.out),
    node("td", "number share", step.share),
    dropped,
  )
  return made
}

export default function (component) {
  const { data, parentElement } = component
  const table = node("table", "funnel")
  const head = node("tr", "")
  for (const title of ["Step", "Pairs in", "", "Pairs out", "", "Dropped"]) {
    const cell = node("th", title.startsWith("Pairs") ? "number" : "", title)
    cell.scope = "col"
    head.append(cell)
  }
  const top = document.createElement("thead")
  top.append(head)
  const body = document.createElement("tbody")
  body.append(...data.rows.map(row))
  table.append(top, body)
  parentElement.querySelector(".root").replaceChildren(table)
}
