// Draws the counts as cards, which are radio buttons: the browser's own keyboard chooses among them.

const PATHS = {
  all: "M4 6h.01M8 6h12M4 12h.01M8 12h12M4 18h.01M8 18h12",
  active: "M19 11a7 7 0 0 0-12.5-3.5M5 13a7 7 0 0 0 12.5 3.5M6 3v5h5M18 21v-5h-5",
  completed: "M12 3a9 9 0 1 0 .01 0M8 12l3 3 5-6",
  failed: "M12 3a9 9 0 1 0 .01 0M12 7v6M12 16.5h.01",
}

const KEYS_MS = 250 // an arrow key chooses at once: the next one may follow
const ANSWER_MS = 10000 // without an answer the choice was lost: the list is still as it was

const bars = (numbers) => {
  const most = Math.max(...numbers, 1)
  const lines = numbers.map((number, at) => (number ? `M${at + 0.5} 1V${1 - number / most}` : ""))
  const chart = drawing(`0 0 ${numbers.length} 1`, lines.join(""))
  chart.setAttribute("preserveAspectRatio", "none")
  chart.setAttribute("class", "bars")
  return chart
}

const card = ({ id, title, value, fact, days }) => [
  make("div", { class: "title" }, icon(id), title),
  make("div", { class: "value" }, value, fact ? make("span", { class: "fact" }, fact) : null),
  days ? bars(days) : null,
]

export default function ({ data, parentElement: root, setTriggerValue }) {
  root.pick = (id) => setTriggerValue("picked", id)
  root.check = () => {
    for (const label of root.cards) label.firstChild.checked = label.className === data.current
  }
  if (!root.cards) {
    root.cards = data.cards.map(({ id }) => {
      const input = make("input", { type: "radio", name: "status" })
      const send = () => {
        root.pick(id)
        root.timer = setTimeout(() => root.check(), ANSWER_MS)
      }
      input.addEventListener("change", () => {
        clearTimeout(root.timer)
        if (input.matches(":focus-visible")) root.timer = setTimeout(send, KEYS_MS)
        else send()
      })
      return make("label", { class: id }, input, make("div", { class: "card", "aria-hidden": "true" }))
    })
    root.append(make("div", { role: "radiogroup", "aria-label": "Status" }, ...root.cards))
  }
  root.check()
  for (const [at, shown] of data.cards.entries()) {
    const [input, place] = root.cards[at].children
    const now = JSON.stringify(shown)
    if (place.dataset.now === now) continue
    place.dataset.now = now
    input.setAttribute("aria-label", shown.words)
    place.replaceChildren(...card(shown).filter(Boolean))
  }
}
