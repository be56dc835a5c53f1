// Numbers, written as text.py writes them.
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
