// What the components share: it stands before their own script, which has the PATHS of its icons.

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== "") element.setAttribute(name, value)
  }
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

const drawing = (viewBox, lines) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
  svg.setAttribute("viewBox", viewBox)
  svg.setAttribute("aria-hidden", "true")
  path.setAttribute("d", lines)
  svg.append(path)
  return svg
}

const icon = (id) => drawing("0 0 24 24", PATHS[id] ?? PATHS.more)

// Without HTTPS a browser has no `navigator.clipboard`: then a field that nobody sees is copied.
const copy = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const field = Object.assign(document.createElement("textarea"), { value: text })
  document.body.append(field)
  field.select()
  document.execCommand("copy")
  field.remove()
}
