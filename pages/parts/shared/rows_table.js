// Draws rows as a real HTML table. Texts are untrusted: they become text nodes, never HTML.
// Rows are kept by their id, so that focus, scroll position and open menus survive a refresh.

// Drawn here, because no font is sure to have signs for them.
const PATHS = {
  delete: "M6 7v13h12V7M4 7h16M9 7V4h6v3M10 11v6M14 11v6",
  restore: "M4 9h10a5 5 0 0 1 0 10H8M4 9l4-4M4 9l4 4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  failed: "M12 3a9 9 0 1 0 .01 0M9 9l6 6M15 9l-6 6",
  slowest: "M12 3a9 9 0 1 0 .01 0M12 7v5l3 2",
  list: "M4 6h.01M8 6h12M4 12h.01M8 12h12M4 18h.01M8 18h12",
  columns: "M4 5h16v14H4zM9.5 5v14M14.5 5v14",
}

const elapsed = (seconds) => {
  const [days, rest] = [Math.floor(seconds / 86400), Math.floor(seconds % 86400)]
  const two = (number) => String(number).padStart(2, "0")
  const [hours, minutes] = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60)]
  if (days) return `${days} d ${two(hours)}:${two(minutes)}`
  if (hours) return `${hours}:${two(minutes)}:${two(rest % 60)}`
  return `${minutes}:${two(rest % 60)}`
}

const minutesAgo = (seconds) =>
  seconds < 60 ? "just now" : `${Math.floor(seconds / 60)} min ago`

// In a narrow column a time may stand below its day, and nothing else is broken.
const unbroken = (words) => words.replace(/ (?!\d\d:\d\d$)/g, "\u00a0")

const tick = (root) => {
  for (const time of root.querySelectorAll("time[data-since]")) {
    const words = elapsed(Math.max(0, (Date.now() - Number(time.dataset.since)) / 1000))
    if (time.textContent !== words) time.textContent = words
  }
  for (const time of root.querySelectorAll("time[data-at]")) {
    const seconds = (Date.now() - Number(time.dataset.at)) / 1000
    // Beyond an hour the server's words hold.
    if (seconds < 0 || seconds >= 3600) continue
    const words = unbroken(minutesAgo(seconds))
    if (time.textContent !== words) time.textContent = words
  }
}

const content = (cell, row, column, press) => {
  if (cell === undefined || cell === null || cell === "") return []
  if (typeof cell !== "object") return [String(cell)]
  const parts = []
  let words = cell.text ?? ""
  if (cell.since !== undefined) {
    words = make("time", { "data-since": cell.since, title: cell.title }, words)
  } else if (cell.at !== undefined) {
    words = make("time", { "data-at": cell.at, title: cell.title, datetime: new Date(cell.at).toISOString() }, unbroken(words))
  }
  if (cell.color) {
    const glyph = cell.icon ? make("span", { "aria-hidden": "true" }, `${cell.icon} `) : null
    parts.push(make("span", { class: `chip ${cell.color}`, title: cell.title }, glyph, words))
  } else if (column.main) {
    const link = make("a", { class: "main", href: row.href, title: cell.title }, words)
    link.addEventListener("click", (event) => {
      // With a modifier the browser opens a tab or a window by itself.
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
      event.preventDefault()
      if (!row.leaves) return press("opened", row.id)
      // Streamlit follows the address, as it does after Back. A callback that leaves would take two runs.
      history.pushState({}, "", row.href)
      dispatchEvent(new PopStateEvent("popstate"))
    })
    parts.push(link)
  } else if (cell.href) {
    const external = /^https?:/.test(cell.href) ? { target: "_blank", rel: "noopener" } : { download: " " }
    parts.push(make("a", { href: cell.href, title: cell.title, ...external }, words))
  } else {
    parts.push(make("span", { title: cell.title }, words))
  }
  if (cell.share !== undefined) {
    parts.unshift(make("progress", { max: 1, value: cell.share, "aria-label": column.label }))
  }
  if (cell.detail) {
    // Cut after a line or two: all of it is in the tooltip.
    parts.push(make("span", { class: `detail ${cell.tone ?? ""}`, title: cell.detail }, cell.detail))
  }
  return parts
}

const fill = (place, cell, row, column, press) => {
  const now = JSON.stringify([cell, row.href, row.leaves])
  if (place.dataset.now === now) return
  const hadFocus = place.contains(place.getRootNode().activeElement)
  place.dataset.now = now
  place.replaceChildren(...content(cell, row, column, press))
  if (hadFocus) place.querySelector("a, button")?.focus()
}

const drawActions = (place, row, data, press) => {
  const now = JSON.stringify(row.actions ?? [])
  if (place.dataset.now === now) return
  place.dataset.now = now
  place.replaceChildren(
    ...(row.actions ?? []).map((id) => {
      const action = data.actions.find((each) => each.id === id)
      const button = make(
        "button",
        { type: "button", class: "action", title: action.label, "aria-label": `${action.label}: ${row.label}` },
        icon(id),
        action.shows_label ? ` ${action.label}` : null,
      )
      button.addEventListener("click", () => press("pressed", { row: row.id, action: id }))
      return button
    }),
  )
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement
  const state = (root.rowsTable ??= { seq: 0, ticked: new Set(), changed: {} })
  state.data = data
  const press = (name, value) => setTriggerValue(name, value)

  const name = `heratio-jobs-columns:${data.key}`
  const hidden = () => {
    try {
      return new Set(JSON.parse(localStorage.getItem(name) ?? "null") ?? data.columns.filter((c) => c.hidden).map((c) => c.id))
    } catch {
      return new Set(data.columns.filter((column) => column.hidden).map((column) => column.id))
    }
  }

  if (!root.querySelector("table")) {
    root.append(make("table", { role: "table" }, make("thead", { role: "rowgroup" }), make("tbody", { role: "rowgroup" })))
    root.querySelector("table").addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      const from = event.target.closest?.("tbody tr")
      if (!step || !from || event.target.closest("details")) return
      const next = step > 0 ? from.nextElementSibling : from.previousElementSibling
      const cell = event.target.closest("td")
      const at = [...from.children].indexOf(cell)
      const target = next?.children[at]?.querySelector("a, button, input") ?? next?.querySelector("a.main")
      if (target) {
        event.preventDefault()
        target.focus()
      }
    })
  }
  const table = root.querySelector("table")
  table.setAttribute("aria-label", data.label)
  const [head, body] = [table.tHead, table.tBodies[0]]

  // A run that began before the last tick does not know of it: its ticks are out of date.
  if ((data.seq ?? 0) >= state.seq) [state.ticked, state.changed] = [new Set(data.ticked ?? []), {}]
  const shown = () => state.data.rows.map((row) => row.id)
  // All changes that no run has answered yet: the next message may take the place of the one before.
  const sendTicks = (ids, isTicked) => {
    state.seq = Math.max(state.seq, state.data.seq ?? 0) + 1
    for (const id of ids) {
      state.ticked[isTicked ? "add" : "delete"](id)
      state.changed[id] = isTicked
    }
    drawTicks()
    press("ticked", { changed: { ...state.changed }, seq: state.seq })
  }
  const drawTicks = () => {
    for (const row of body.rows) {
      const box = row.querySelector("input")
      if (box) box.checked = state.ticked.has(row.dataset.id)
      row.toggleAttribute("data-ticked", state.ticked.has(row.dataset.id))
    }
    const all = head.querySelector("input")
    if (!all) return
    const count = shown().filter((id) => state.ticked.has(id)).length
    all.checked = count > 0 && count === shown().length
    all.indeterminate = count > 0 && count < shown().length
  }

  const drawColumns = () => {
    const gone = hidden()
    for (const cell of table.querySelectorAll("[data-column]")) {
      cell.hidden = gone.has(cell.dataset.column)
    }
  }

  const headNow = JSON.stringify([data.columns, data.select, data.remembers])
  if (head.dataset.now !== headNow) {
    head.dataset.now = headNow
    const cells = []
    if (data.select) {
      const all = make("input", { type: "checkbox", "aria-label": "Select all rows of this page" })
      all.addEventListener("change", () => sendTicks(shown(), all.checked))
      cells.push(make("th", { class: "tick", role: "columnheader", scope: "col" }, all))
    }
    for (const column of data.columns) {
      const sort = { asc: "ascending", desc: "descending" }[column.sort]
      const arrow = { asc: " ↑", desc: " ↓" }[column.sort] ?? ""
      let label = column.label
      if (column.sort !== undefined && column.sort !== null) {
        label = make("button", { type: "button", class: "sort", title: column.help }, column.label, make("span", { "aria-hidden": "true" }, arrow))
        label.addEventListener("click", () => press("sorted", column.id))
      } else {
        label = make("span", { title: column.help }, column.label)
      }
      const th = make("th", { "data-column": column.id, class: `${column.kind ?? ""} ${column.phone ?? ""}`, role: "columnheader", scope: "col", "aria-sort": sort }, label)
      if (column.width) th.style.width = th.style.minWidth = column.width
      cells.push(th)
    }
    if (data.actions.length || data.remembers) {
      const last = make("th", { class: "actions", role: "columnheader", scope: "col" })
      if (data.remembers) last.append(chooser(data, name, hidden, drawColumns))
      else last.append(make("span", { class: "unseen" }, "Actions"))
      cells.push(last)
    }
    head.replaceChildren(make("tr", { role: "row" }, ...cells))
  }

  const known = new Map([...body.rows].map((row) => [row.dataset.id, row]))
  let place = body.firstElementChild
  for (const row of data.rows) {
    let line = known.get(row.id)
    known.delete(row.id)
    const shape = headNow
    if (line && line.dataset.shape !== shape) {
      if (place === line) place = line.nextElementSibling
      line.remove()
      line = undefined
    }
    if (!line) {
      line = make("tr", { role: "row", "data-id": row.id, "data-shape": shape })
      if (data.select) {
        const box = make("input", { type: "checkbox" })
        box.addEventListener("change", () => sendTicks([row.id], box.checked))
        line.append(make("td", { class: "tick", role: "cell" }, box))
      }
      for (const column of data.columns) {
        line.append(make("td", { "data-column": column.id, "data-label": column.label, class: `${column.kind ?? ""} ${column.phone ?? ""}`, role: "cell" }))
      }
      const sign = data.actions.length === 1 && !data.actions[0].shows_label ? "sign" : ""
      if (data.actions.length || data.remembers) line.append(make("td", { class: `actions ${sign}`, role: "cell" }))
    }
    line.className = row.tone ?? ""
    if (data.select) line.querySelector("input").setAttribute("aria-label", `Select ${row.label}`)
    for (const column of data.columns) {
      fill(line.querySelector(`td[data-column="${column.id}"]`), row.cells[column.id], row, column, press)
    }
    if (data.actions.length) drawActions(line.lastElementChild, row, data, press)
    if (line === place) place = place.nextElementSibling
    else body.insertBefore(line, place)
  }
  for (const line of known.values()) line.remove()
  drawTicks()
  drawColumns()

  tick(root)
  root.host?.setAttribute("data-drawn", "")  // for style sheets, which cannot see into a shadow
  const timer = setInterval(() => tick(root), 1000)
  return () => clearInterval(timer)
}

const chooser = (data, name, hidden, drawColumns) => {
  const boxes = data.columns
    .filter((column) => !column.main)
    .map((column) => {
      const box = make("input", { type: "checkbox" })
      box.checked = !hidden().has(column.id)
      box.addEventListener("change", () => {
        const gone = hidden()
        gone[box.checked ? "delete" : "add"](column.id)
        try {
          localStorage.setItem(name, JSON.stringify([...gone]))
        } catch {
          // This browser keeps nothing: the choice cannot be remembered.
        }
        drawColumns()
      })
      return make("label", {}, box, ` ${column.label}`)
    })
  const summary = make("summary", { title: "Columns", "aria-label": "Columns" }, icon("columns"))
  const details = make("details", {}, summary, make("div", { class: "menu" }, ...boxes))
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      details.open = false
      summary.focus()
    }
  })
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !details.contains(event.relatedTarget)) details.open = false
  })
  return details
}
