"""When a job was queued, started and ended, and how long it waited and ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import wording
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.usual_duration import UsualDuration
from jobs_data.platform import times
from jobs_data.platform.status import State
from pages.parts.shared.look import LOOKS, status_word

# The time that a job has been running is counted on from the server's: the browser's clock may differ.
_TIMELINE: Final = st.components.v2.component(
    "job_timeline",
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


def show_timeline(job: JobReport, zone: ZoneInfo, now: datetime) -> None:
    """Show the steps of a job with the time between them, which runs on while the job does."""
    _TIMELINE(key="job_timeline", data=steps_of(job, zone, now))


def steps_of(job: JobReport, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """Return the known steps, each with the time until the next one."""
    line = job.timeline(now)
    is_active = job.state is State.ACTIVE
    steps = [_step("Queued", line.created, "", zone)]
    verb, seconds = "took", line.total_seconds
    if line.started:
        steps[0]["wait"] = _wait("waited", line.waited_seconds)
        steps.append(_step("Started", line.started, "", zone))
        verb, seconds = "ran", line.ran_seconds
    if is_active:
        steps[-1] |= {"wait": "" if seconds is None else "running for", "elapsed": seconds}
    else:
        steps[-1]["wait"] = _wait(verb, seconds)
        look = LOOKS[job.state]
        steps.append(_step(status_word(job.state, job.status), line.completed, look.color, zone))
    return steps


def _step(name: str, moment: datetime | None, color: str, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "name": name,
        "time": times.shown(moment, zone) if moment else "",
        "color": color,
        "wait": "",
        "elapsed": None,
    }


def _wait(verb: str, seconds: int | None) -> str:
    return "" if seconds is None else f"{verb} {wording.ran(seconds)}"


def usual_in_words(usual: UsualDuration) -> str:
    """Return how long the jobs of this name usually take; empty where too few have finished."""
    if usual.median_seconds is None or usual.p95_seconds is None:
        return ""
    median, p95 = wording.ran(usual.median_seconds), wording.ran(usual.p95_seconds)
    return f"Usually {median}; 95 % of the last {usual.runs} jobs of this name took at most {p95}."
