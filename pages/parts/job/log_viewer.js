// Shows a log. Its texts are untrusted: they become text nodes, never HTML.
// Lines stay the same elements over a refresh, so that selection, focus and scroll position survive.

const CHUNK = 200 // lines that are laid out together, or not at all while they are far out of sight
const MOST_MARKS = 5000 // matches that are coloured
const NEAR = 24 // pixels from the end that still are the end
const LEVELS = { error: "Error", warning: "Warning", info: "Info" }
// Drawn here, because no font is sure to have signs for them.
const PATHS = {
  error: "M12 3a9 9 0 1 0 .01 0M9 9l6 6M15 9l-6 6",
  warning: "M12 4L2.5 20h19zM12 10v4M12 17h.01",
  info: "M12 3a9 9 0 1 0 .01 0M12 11v5M12 8h.01",
  up: "M6 14l6-6 6 6",
  down: "M6 10l6 6 6-6",
  wrap: "M4 6h16M4 12h13a3 3 0 0 1 0 6h-4M15 16l-2 2 2 2M4 18h5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  follow: "M12 4v12M7 11l5 5 5-5M5 20h14",
}

const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`

export default function ({ data, parentElement: root, setTriggerValue }) {
  const viewer = (root.logViewer ??= new Viewer(root))
  viewer.move = (where) => setTriggerValue("move", where)
  viewer.show(data)
}

class Viewer {
  constructor(root) {
    this.root = root
    this.bar = root.querySelector(".bar")
    this.log = root.querySelector(".log")
    this.lines = []
    this.rows = []
    this.matches = []
    this.match = -1
    this.userAt = 0
    this.draw()
    this.listen()
  }

  draw() {
    const button = (id, label, pressed) => {
      const words = make("span", {}, label)
      const element = make("button", { type: "button", class: id, "aria-pressed": pressed }, PATHS[id] ? icon(id) : null, words)
      this[id] = element
      return element
    }
    this.find = make("input", { type: "search", placeholder: "Find", "aria-label": "Find in the log", title: "Press / to get here, Enter for the next match, Shift and Enter for the previous one", autocomplete: "off", spellcheck: "false" })
    this.notice = make("span", { class: "notice", role: "status" })
    this.count = make("span", { class: "count", role: "status" })
    for (const [id, label] of [["up", "Match above"], ["down", "Match below"]]) {
      this[id] = make("button", { type: "button", "aria-label": label, title: label }, icon(id))
    }
    this.bar.append(
      make("span", { class: "finding" }, this.find, this.up, this.down, this.count),
      button("only", "", "false"),
      button("wrap", "Wrap", "true"),
      button("copy", ""),
      button("follow", "Follow", "false"),
      this.notice,
    )
    const moves = (...places) => make("div", { class: "moves" }, ...places.map(([where, label]) => {
      const element = make("button", { type: "button" }, label)
      element.addEventListener("click", () => {
        element.parentElement.inert = true
        this.say("Loading…")
        this.move(where)
      })
      return element
    }))
    this.earlier = moves(["earlier", "Show earlier lines"], ["beginning", "Go to the beginning"])
    this.later = moves(["later", "Show later lines"], ["end", "Go to the end"])
    this.body = make("div", { class: "lines" })
    this.log.append(this.earlier, this.body, this.later)
    this.log.tabIndex = 0
    this.log.classList.add("wraps")
  }

  listen() {
    this.find.addEventListener("input", () => this.search(true))
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1)
      else if (event.key === "Escape" && this.find.value) {
        this.find.value = ""
        this.search()
      } else return
      event.preventDefault()
    })
    this.up.addEventListener("click", () => this.step(-1))
    this.down.addEventListener("click", () => this.step(1))
    this.only.addEventListener("click", () => this.keepingPlace(() => {
      this.toggle(this.only, "only")
      this.search()
      this.drawBar()
    }))
    this.wrap.addEventListener("click", () => this.keepingPlace(() => this.toggle(this.wrap, "wraps")))
    this.copy.addEventListener("click", async () => {
      const shown = this.shown()
      await copy(shown.map((at) => this.lines[at][3] + this.lines[at][4]).join("\n") + "\n")
      this.say(`${counted(shown.length, "line")} copied.`)
    })
    this.follow.addEventListener("click", () => this.setFollowing(!this.following))
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target === this.find) return
      event.preventDefault()
      this.find.focus()
      this.find.select()
    })
    this.body.addEventListener("click", (event) => {
      const link = event.target.closest("a.n")
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
      event.preventDefault()
      this.share(Number(link.dataset.n))
    })
    this.body.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (!step || !event.target.matches("a.n")) return
      event.preventDefault()
      let row = event.target.parentElement.at
      do row += step
      while (this.rows[row] && (!this.lines[row][0] || !this.isShown(row)))
      if (this.rows[row]) this.setStop(row).focus()
    })
    for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      this.log.addEventListener(kind, () => { this.userAt = Date.now() }, { passive: true })
    }
    this.log.addEventListener("scroll", () => {
      // What scrolls by itself, because lines were laid out or added, is not the user.
      if (this.data.follows && Date.now() - this.userAt < 1000) this.setFollowing(this.isAtEnd(), false)
    })
    // Lines far away have an estimated height until they come into sight.
    new ResizeObserver(() => this.settle()).observe(this.body)
  }

  show(data) {
    const isOther = data.log !== this.data?.log
    const isAsked = isOther || data.seq !== this.data.seq
    const add = () => {
      this.data = data
      this.log.setAttribute("aria-label", data.label)
      this.log.setAttribute("role", data.follows ? "log" : "region")
      if (isOther) this.body.replaceChildren()
      for (const name of ["earlier", "later"]) {
        this[name].hidden = !data[name]
        this[name].inert = false
      }
      this.say("")
      this.drawLines(data.lines, data.zone)
      this.search()
      this.drawBar()
    }
    if (isOther || this.following) add()
    else this.keepingPlace(add)
    if (isAsked) this.open(isOther)
    else if (!data.follows) this.setFollowing(false)
    else if (this.following) this.toEnd()
    this.root.host?.setAttribute("data-drawn", "")
  }

  open(isOther) {
    const { line, follows } = this.data
    const at = line === null ? -1 : this.lines.findIndex((one) => one[0] === line)
    const error = this.lines.findIndex((one) => one[1] === "error")
    this.setFollowing(at < 0 && follows)
    if (at >= 0) {
      if (!this.isShown(at)) this.toggle(this.only, "only")
      this.mark(at)
      this.setUrl(line)
      this.root.host?.scrollIntoView({ block: "nearest" })
    }
    else if (!follows) isOther && error >= 0 ? this.toRow(error) : this.toEnd()
  }

  // One element for each line, in chunks whose numbers do not change when lines are added before them.
  drawLines(lines, zone) {
    const known = new Map([...this.body.children].map((chunk) => [chunk.dataset.chunk, chunk]))
    this.lines = lines
    this.rows = []
    let [chunk, rows, last, day] = [null, [], 0, ""]
    const finish = () => {
      if (!chunk) return
      let place = chunk.firstElementChild
      for (const row of rows) {
        if (row === place) place = place.nextElementSibling
        else chunk.insertBefore(row, place)
      }
      while (place) {
        const next = place.nextElementSibling
        place.remove()
        place = next
      }
      chunk.style.setProperty("--lines", rows.length)
    }
    let position = this.body.firstElementChild
    let old = new Map()
    for (const [at, line] of lines.entries()) {
      last = line[0] ?? last
      const name = String(Math.floor(last / CHUNK))
      if (chunk?.dataset.chunk !== name) {
        finish()
        chunk = known.get(name) ?? make("div", { class: "chunk", "data-chunk": name })
        known.delete(name)
        if (chunk === position) position = position.nextElementSibling
        else this.body.insertBefore(chunk, position)
        old = new Map([...chunk.children].map((row) => [row.text, row]))
        rows = []
      }
      const date = line[2].slice(0, 10)
      if (date && date !== day) {
        day = date
        rows.push(this.row(old, `day ${date}`, () => make("div", { class: "day" }, `${date} (${zone})`)))
      }
      // Equal lines without a number have the next one's element: they look the same.
      const row = this.row(old, JSON.stringify(line), () => this.rowOf(line, zone))
      row.at = at
      rows.push(row)
      this.rows.push(row)
    }
    finish()
    for (const gone of known.values()) gone.remove()
    const stop = this.body.querySelector('a.n[tabindex="0"]')
    if (!stop) this.setStop(this.lines.findIndex((line) => line[0]))
  }

  row(old, text, build) {
    const found = old.get(text)
    old.delete(text)
    return found ?? Object.assign(build(), { text })
  }

  rowOf([number, level, time, prefix, message], zone) {
    const link = number
      ? make("a", { class: "n", href: this.addressOf(number), tabindex: -1, "data-n": number, "aria-label": `Link to line ${number}` })
      : make("span", { class: "n" })
    const word = LEVELS[level] ? make("span", { class: "level", title: prefix }, icon(level), make("span", {}, LEVELS[level])) : null
    const clock = time ? make("time", { title: `${time} (${zone})` }, time.slice(11)) : null
    return make("div", { class: `row ${level}` }, link, word, make("span", { class: "text", dir: "auto" }, message), clock)
  }

  drawBar() {
    const marked = (level) => this.lines.filter((line) => line[1] === level).length
    const [errors, warnings] = [marked("error"), marked("warning")]
    this.only.lastElementChild.textContent = `${warnings ? "Only errors and warnings" : "Only errors"} (${(errors + warnings).toLocaleString("en")})`
    this.only.hidden = !errors && !warnings && this.only.ariaPressed !== "true"
    this.copy.lastElementChild.textContent = `Copy ${counted(this.shown().length, "line")}`
    this.follow.hidden = !this.data.follows
  }

  toggle(button, name) {
    const isOn = button.ariaPressed !== "true"
    button.ariaPressed = String(isOn)
    this.log.classList.toggle(name, isOn)
  }

  isShown(at) {
    return this.only.ariaPressed !== "true" || ["error", "warning", "detail"].includes(this.lines[at][1])
  }

  shown() {
    return [...this.lines.keys()].filter((at) => this.isShown(at))
  }

  search(isTyped = false) {
    const before = this.matches[this.match]
    const key = before && `${this.lines[before.at]?.[0]} ${before.start}`
    const text = this.find.value
    this.matches = []
    if (text) {
      const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi")
      for (const at of this.shown()) {
        for (const found of this.lines[at][4].matchAll(pattern)) {
          this.matches.push({ at, start: found.index, end: found.index + found[0].length })
        }
      }
    }
    if (isTyped) {
      const top = this.firstInSight()
      this.match = this.matches.findIndex((match) => match.at >= top)
      if (this.match < 0) this.match = this.matches.length - 1
      this.toMatch()
    } else {
      this.match = this.matches.findIndex((match) => `${this.lines[match.at][0]} ${match.start}` === key)
    }
    this.drawMatches()
  }

  step(direction) {
    const many = this.matches.length
    if (!many) return
    this.match = this.match < 0 && direction < 0 ? many - 1 : (this.match + direction + many) % many
    this.toMatch()
    this.drawMatches()
  }

  toMatch() {
    const match = this.matches[this.match]
    if (!match) return
    this.setFollowing(false)
    this.setStop(match.at)
    this.toRow(match.at, match)
  }

  drawMatches() {
    const many = this.matches.length
    const place = this.match < 0 ? `${many.toLocaleString("en")} match${many === 1 ? "" : "es"}` : `${(this.match + 1).toLocaleString("en")} of ${many.toLocaleString("en")}`
    const where = this.earlier.hidden && this.later.hidden ? "" : " in this part"
    this.count.textContent = !this.find.value ? "" : `${many ? place : "No match"}${where}`
    this.up.disabled = this.down.disabled = !many
    if (!window.Highlight) return
    const from = Math.max(0, Math.min(this.match - MOST_MARKS / 2, many - MOST_MARKS))
    const near = this.matches.slice(from, from + MOST_MARKS)
    CSS.highlights.set("log-match", new Highlight(...near.map((match) => this.rangeOf(match))))
    const now = this.matches[this.match]
    CSS.highlights.set("log-match-now", new Highlight(...(now ? [this.rangeOf(now)] : [])))
    CSS.highlights.get("log-match-now").priority = 1
  }

  rangeOf({ at, start, end }) {
    const text = this.rows[at].querySelector(".text").firstChild
    const range = new Range()
    range.setStart(text, start)
    range.setEnd(text, end)
    return range
  }

  mark(at) {
    this.marked?.removeAttribute("aria-current")
    this.marked = this.rows[at]
    this.marked.setAttribute("aria-current", "true")
    this.setStop(at)
    this.toRow(at)
  }

  async share(number) {
    this.setFollowing(false)
    this.mark(this.lines.findIndex((line) => line[0] === number))
    this.setUrl(number)
    await copy(new URL(this.addressOf(number), location.href).href)
    this.say(`Link to line ${number.toLocaleString("en")} copied.`)
  }

  addressOf(number) {
    return `${this.data.address}&line=${number}`
  }

  setUrl(number) {
    const address = new URL(location.href)
    address.searchParams.set("line", number)
    history.replaceState(history.state, "", address)
  }

  // One number can be reached with Tab, the others from it with the arrow keys.
  setStop(at) {
    const link = this.rows[at]?.querySelector("a.n")
    if (!link) return null
    this.body.querySelector('a.n[tabindex="0"]')?.setAttribute("tabindex", -1)
    link.tabIndex = 0
    return link
  }

  say(words) {
    this.notice.textContent = words
    clearTimeout(this.silence)
    this.silence = setTimeout(() => { this.notice.textContent = "" }, 4000)
  }

  setFollowing(isOn, moves = true) {
    this.following = isOn
    this.follow.ariaPressed = String(isOn)
    this.follow.lastElementChild.textContent = isOn ? "Following" : "Follow"
    this.log.setAttribute("aria-live", isOn ? "polite" : "off")
    if (isOn && moves) this.toEnd()
    else if (!isOn && !this.target?.row) this.target = null
  }

  isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR
  }

  toEnd() {
    this.toRow(null)
  }

  toRow(at, match) {
    this.target = { row: this.rows[at], match, from: Date.now() }
    this.settle()
  }

  // Goes again to where it should be while the heights of lines around it become known.
  settle() {
    if (!this.target || (!this.following && this.userAt > this.target.from)) return
    const { row, match } = this.target
    if (!row) {
      this.log.scrollTop = this.log.scrollHeight
      return
    }
    const [box, line] = [this.log.getBoundingClientRect(), row.getBoundingClientRect()]
    const isInSight = line.top >= box.top && line.bottom <= box.bottom
    if (!match || !isInSight) this.log.scrollTop += line.top - box.top - Math.min(80, box.height / 4)
    if (match && !this.log.classList.contains("wraps")) {
      const word = this.rangeOf(match).getBoundingClientRect()
      if (word.left < box.left + 120 || word.right > box.right) this.log.scrollLeft += word.left - box.left - box.width / 3
    }
  }

  firstInSight() {
    const top = this.log.getBoundingClientRect().top
    let [low, high] = [0, this.rows.length]
    const shown = this.shown()
    high = shown.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.rows[shown[middle]].getBoundingClientRect().bottom > top) high = middle
      else low = middle + 1
    }
    return shown[low] ?? 0
  }

  // Changes lines or their heights, and leaves the first line in sight where it is.
  keepingPlace(change) {
    this.target = null
    const row = this.rows[this.firstInSight()]
    const before = row?.getBoundingClientRect().top
    change()
    const rect = row?.isConnected && row.getBoundingClientRect()
    if (this.following) this.toEnd()
    else if (rect && rect.height) this.log.scrollTop += rect.top - before
  }
}
