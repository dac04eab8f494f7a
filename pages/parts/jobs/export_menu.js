// A menu of links that download a CSV. What is chosen for spreadsheets stays in this browser.

const KEEP = "heratio-jobs-export"
const SEPARATORS = { comma: "Comma", semicolon: "Semicolon", tab: "Tab" }

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

const kept = () => {
  try {
    return JSON.parse(localStorage.getItem(KEEP)) ?? {}
  } catch {
    return {}
  }
}

export default function ({ data, parentElement: root }) {
  const now = JSON.stringify(data)
  if (root.exportMenu === now) return
  root.exportMenu = now

  // In a tab of its own, which closes when the download begins: it shows why where none does.
  const links = data.columns.map(([label]) => make("a", { target: "_blank", rel: "noopener" }, label))
  const separator = make("select", {}, ...Object.entries(SEPARATORS).map(([value, label]) => make("option", { value }, label)))
  const local = make("input", { type: "checkbox" })
  separator.value = kept().separator in SEPARATORS ? kept().separator : "comma"
  local.checked = kept().local === true

  const draw = () => {
    const more = new URLSearchParams()
    if (separator.value !== "comma") more.set("separator", separator.value)
    if (local.checked) {
      more.set("times", "local")
      more.set("zone", data.zone)
    }
    const addresses = data.columns.map(([, address]) => {
      const query = [address.split("?")[1], more.toString()].filter(Boolean).join("&")
      return address.split("?")[0] + (query ? `?${query}` : "")
    })
    for (const [at, link] of links.entries()) {
      if (data.reason) {
        link.setAttribute("role", "link")
        link.setAttribute("aria-disabled", "true")
      } else link.href = addresses[at]
    }
  }
  const choose = () => {
    draw()
    try {
      localStorage.setItem(KEEP, JSON.stringify({ separator: separator.value, local: local.checked }))
    } catch {
      // This browser keeps nothing: the choice holds until the page is left.
    }
  }
  for (const box of [separator, local]) box.addEventListener("change", choose)

  const summary = make("summary", { title: "Export options", "aria-label": "Export options" })
  const menu = make(
    "div",
    { class: "menu" },
    ...links,
    make("p", {}, data.reason || `${data.jobs}.`),
    make(
      "fieldset",
      {},
      make("legend", {}, "For spreadsheets"),
      make("label", {}, "Separator ", separator),
      make("label", {}, local, ` Plain local times (${data.zone})`),
    ),
  )
  const details = make("details", {}, summary, menu)
  const close = () => (details.open = false)
  details.addEventListener("toggle", () => {
    // Towards the middle of the window, so that nothing of it is outside.
    const box = summary.getBoundingClientRect()
    details.toggleAttribute("data-left", box.right < menu.offsetWidth)
  })
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return
    close()
    summary.focus()
  })
  for (const link of links) link.addEventListener("click", close)
  const outside = (event) => event.composedPath().includes(details) || close()
  document.addEventListener("pointerdown", outside)
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !details.contains(event.relatedTarget)) close()
  })

  draw()
  root.querySelector("details")?.remove()
  root.append(details)
  return () => document.removeEventListener("pointerdown", outside)
}
