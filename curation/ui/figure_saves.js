// Two small buttons that take along the Plotly figure with a key.
export default function ({ data, parentElement }) {
  const drawn = () => {
    const layers = document.querySelectorAll(`.st-key-${data.figure} .js-plotly-plot .main-svg`)
    return picture([...layers], { words: "" })
  }
  parentElement.querySelector(".root").replaceChildren(...saveButtons(data.figure, drawn))
}
