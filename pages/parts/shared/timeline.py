"""When a thing was where, with the time between; what goes on is counted on by the browser."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.platform import times

# The time that a job has been running is counted on from the server's: the browser's clock may differ.
_TIMELINE: Final = st.components.v2.component(
    "timeline",
    css="""
ol { display: flex; flex-wrap: wrap; margin: 0; padding: 0; list-style: none; row-gap: 0.5rem; }
li { display: flex; flex: 0 1 auto; align-items: center; }
li.waits { flex: 1 1 12rem; max-width: 22rem; }
.name { margin-right: 0.5rem; font-weight: 600; }
.name::before { content: "●"; margin-right: 0.4rem; color: var(--st-border-color); }
.blue::before { color: var(--st-blue-color); }
.green::before { color: var(--st-green-color); }
.red::before { color: var(--st-red-color); }
.wait { flex: 1; margin: 0 0.75rem; text-align: center; font-size: 0.875rem; white-space: nowrap; }
.wait::before, .wait::after {
  content: ""; display: inline-block; width: 100%; border-top: 1px solid var(--st-border-color);
}
.wait { display: flex; align-items: center; gap: 0.5rem; }
@media (max-width: 640px) {
  ol { flex-direction: column; row-gap: 0; }
  li, li.waits { display: block; flex: none; max-width: none; }
  .wait {
    margin: 0 0 0 0.3rem; padding-left: 0.75rem; border-left: 1px solid var(--st-border-color);
  }
  .wait::before, .wait::after { content: none; }
}
""",
    js="""
const element = (name, attributes, ...children) => {
  const made = Object.assign(document.createElement(name), attributes)
  made.append(...children)
  return made
}
const two = (number) => String(number).padStart(2, "0")
const clock = (seconds) => {
  const [days, hours, minutes] = [seconds / 86400, (seconds % 86400) / 3600, (seconds % 3600) / 60]
    .map(Math.floor)
  const day = days ? `${days} d ` : ""
  return `${day}${days || hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
export default function ({ data, parentElement }) {
  const shown = performance.now()
  const ticking = []
  let day = ""
  const steps = data.map(({ name, time, color, wait, elapsed }) => {
    // A date is repeated only where it is another one.
    const words = time.startsWith(day) ? time.slice(day.length) : time
    day = time.slice(0, 11)
    const step = element("li", { className: wait ? "waits" : "" },
      element("div", {}, element("span", { className: `name ${color}` }, name),
        element("time", { title: time }, words.replace(/ \\(.*/, ""))))
    if (elapsed !== null) {
      const ticks = element("span", {})
      ticking.push(() => {
        ticks.textContent = clock(Math.floor(elapsed + (performance.now() - shown) / 1000))
      })
      step.append(element("span", { className: "wait" }, element("span", {}, `${wait} `, ticks)))
    } else if (wait) {
      step.append(element("span", { className: "wait" }, element("span", {}, wait)))
    }
    return step
  })
  parentElement.querySelector("ol")?.remove()
  parentElement.append(element("ol", { ariaLabel: "Timeline" }, ...steps))
  const tick = () => ticking.forEach((each) => each())
  tick()
  const timer = setInterval(tick, 1000)
  return () => clearInterval(timer)
}
""",
)


def show_timeline(steps: Sequence[dict[str, Any]]) -> None:
    """Show steps, see `step`, in their order."""
    _TIMELINE(key="job_timeline", data=list(steps))


def step(name: str, moment: datetime | None, color: str, zone: ZoneInfo) -> dict[str, Any]:
    """Return one step; `wait` is the time until the next in words, `elapsed` the seconds so far."""
    return {
        "name": name,
        "time": times.shown(moment, zone) if moment else "",
        "color": color,
        "wait": "",
        "elapsed": None,
    }
