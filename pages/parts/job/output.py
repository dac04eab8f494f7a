"""What a job wrote, from its first error on, or its end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import streamlit as st

from jobs_data import addresses, json_layout, plain_text, wording
from jobs_data.jobs.job_report import JobReport
from jobs_data.platform.database import Database
from jobs_data.platform.status import State
from jobs_data.reasons.finding import error_lines
from jobs_data.reasons.lines import read_record
from pages.parts.shared.text import plain

TIMED_LINES: Final = 20
"""An output that has times has one among this many of its last lines."""

# Scrolls to a line and marks it, or follows the end until the viewer scrolls away from it.
_POSITION: Final = st.components.v2.component(
    "output_position",
    js="""
const [NEAR, ABOVE] = [40, 80]
const rangeOf = (code, line) => {
  const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT)
  const range = document.createRange()
  let [at, isOpen] = [0, false]
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let from = 0; from <= node.length; ) {
      if (at === line && !isOpen) { range.setStart(node, from); isOpen = true }
      const end = node.data.indexOf("\\n", from)
      if (isOpen) range.setEnd(node, end < 0 ? node.length : end)
      if (end < 0) break
      if (at === line) return range
      at += 1
      from = end + 1
    }
  }
  return isOpen ? range : null
}
export default function ({ data, parentElement }) {
  const state = (parentElement.position ??= {})
  const panel = document.querySelector(".st-key-output")
  const top = (one) => one.getBoundingClientRect().top
  const place = () => {
    const code = panel.querySelector("pre code")
    if (!code) return
    const pre = code.closest("pre")
    Object.assign(pre, { tabIndex: 0, role: "region", ariaLabel: "Output" })
    pre.onscroll = () => { state.atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < NEAR }
    const error = data.line === null ? null : rangeOf(code, data.line)
    if (error && window.Highlight) CSS.highlights.set("first-error", new Highlight(error))
    else CSS.highlights?.delete("first-error")
    if (state.job !== data.job) {
      Object.assign(state, { job: data.job, atEnd: !error })
      if (error) pre.scrollTop += top(error) - top(pre) - ABOVE
    }
    if (state.atEnd) pre.scrollTop = pre.scrollHeight
  }
  place()
  const observer = new MutationObserver(place)
  observer.observe(panel, { childList: true, characterData: true, subtree: true })
  return () => observer.disconnect()
}
""",
)


@dataclass(frozen=True)
class Output:
    """A job's output as the page shows it."""

    job: JobReport

    @cached_property
    def panel(self) -> plain_text.Panel:
        """Return the text; JSON has one value a line."""
        text = self.job.output
        return plain_text.panel(text if self.job.output_is_tail else json_layout.indented(text))

    @cached_property
    def errors(self) -> list[int]:
        """Return which lines of the text are errors."""
        return error_lines(self.panel.text, is_failed=self.job.state is State.FAILED)

    @property
    def has_times(self) -> bool:
        """Return whether its lines begin with times."""
        return any(read_record(line).has_time for line in self.panel.text.split("\n")[-TIMED_LINES:])


def show_outcome(output: Output) -> None:
    """Say where the job completed although its output has errors, and which the first is."""
    facts = output.job.facts
    if output.job.state is State.COMPLETED and facts.errors:
        which = "" if facts.errors == 1 else ", first"
        first = f"{which}: {plain(facts.first_error)}" if facts.first_error else "."
        errors = wording.counted(facts.errors, "error")
        st.warning(f"Completed with {errors}{first}", icon=":material/warning:")


def show_title(output: Output, database: Database) -> None:
    """Show the heading with how much of the output there is, and in which zone its times are."""
    job, shown = output.job, output.panel
    facts = [wording.size(job.output_bytes)]
    if not job.output.strip():
        facts = ["Nothing yet." if job.state is State.ACTIVE else "This job did not write any output."]
    if job.output_is_tail:
        facts = [f"The end of {facts[0]}: the beginning is left out"]
    if shown.left_out:
        facts.append(f"{shown.left_out:,} characters of long lines are left out")
    if output.has_times:
        facts.append(f"its times are in {database.timezone.key}, the platform's zone")
    st.header("Output", anchor=False, width="content")
    st.caption(" · ".join(facts), width="content")


def show_download(job: JobReport) -> None:
    """Show the link to the whole output, byte for byte."""
    if job.output.strip():
        st.link_button(
            "Download output",
            addresses.output_url(job.id),
            type="tertiary",
            icon=":material/download:",
        )


def show_text(output: Output) -> None:
    """Show the output at its first error, or else at its end."""
    if not output.job.output.strip():
        return
    with st.container(key="output"):
        st.code(output.panel.text, language=None, wrap_lines=True)
    # While a job runs, its newest lines matter more than an error that it went on after.
    follows = output.job.state is State.ACTIVE or not output.errors
    line = None if follows else output.errors[0]
    _POSITION(key="output_position", data={"job": output.job.id, "line": line})
