"""How jobs ended, a mark for each, and the words and signs of the outcomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import addresses
from jobs_data.jobs import where
from jobs_data.jobs.view import ListView
from jobs_data.plain_text import on_one_line
from jobs_data.platform import times
from jobs_data.platform.status import State
from jobs_data.statistics.name_history import NameHistory
from pages.parts.shared import address
from pages.parts.shared.look import LOOKS, WITH_ERRORS
from pages.parts.shared.rows_table import Cell

LOOKS_OF_OUTCOMES: Final = {where.WITH_ERRORS: WITH_ERRORS, **{str(s): LOOKS[s] for s in State}}
WORDS: Final = {
    State.COMPLETED.value: "Completed",
    where.WITH_ERRORS: "Completed with errors",
    State.FAILED.value: "Failed",
    State.ACTIVE.value: "Active",
    State.OTHER.value: "Ended otherwise",
}
"""The outcomes of `statistics.name_history` in words."""

_MARKS: Final = st.components.v2.component(
    "marks",
    css="""
ol { display: flex; flex-wrap: wrap; gap: 0.2rem; margin: 0; padding: 0; list-style: none; }
a {
  display: block; width: 1.6rem; line-height: 1.6rem; border-radius: 0.25rem;
  text-align: center; text-decoration: none;
}
a:hover, a:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
a[aria-current] { box-shadow: inset 0 0 0 2px currentcolor; }
.green { color: var(--st-green-text-color); background: var(--st-green-background-color); }
.red { color: var(--st-red-text-color); background: var(--st-red-background-color); }
.violet { color: var(--st-violet-text-color); background: var(--st-violet-background-color); }
.blue { color: var(--st-blue-text-color); background: var(--st-blue-background-color); }
.gray { color: var(--st-text-color); background: var(--st-gray-background-color); }
""",
    js="""
export default function ({ data, parentElement, setTriggerValue }) {
  const list = document.createElement("ol")
  list.ariaLabel = data.label
  for (const mark of data.marks) {
    const link = document.createElement("a")
    Object.assign(link, { href: mark.href, title: mark.title, className: mark.color })
    Object.assign(link, { ariaLabel: mark.title, textContent: mark.sign })
    if (mark.is_marked) link.ariaCurrent = "true"
    link.onclick = (event) => {
      // With a modifier the browser opens a tab or a window by itself.
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
      event.preventDefault()
      setTriggerValue("opened", mark.id)
    }
    const item = document.createElement("li")
    item.append(link)
    list.append(item)
  }
  parentElement.querySelector("ol")?.remove()
  parentElement.append(list)
}
""",
)


def show_marks(
    jobs: pd.DataFrame, zone: ZoneInfo, on_open: Callable[[int], None], marked: int | None
) -> None:
    """Show a mark for each row of `NameHistory.newest`, as a link to the job; one is marked."""

    def opened() -> None:
        job_id = st.session_state["marks"].opened
        if isinstance(job_id, int):
            on_open(job_id)

    def mark(job_id: int, outcome: str, at: pd.Timestamp, text: str) -> dict[str, object]:
        look = LOOKS_OF_OUTCOMES[outcome]
        facts = [f"Job {job_id}: {WORDS[outcome].lower()}", times.shown(at, zone), on_one_line(text)]
        return {
            "id": job_id,
            "sign": look.sign,
            "color": look.color,
            "title": " · ".join(fact for fact in facts if fact),
            "href": addresses.report_url(job_id, {}),
            "is_marked": job_id == marked,
        }

    rows = jobs[["id", "outcome", "at", "text"]].itertuples(index=False, name=None)
    label = "The newest jobs of this name, the oldest first"
    data = {"label": label, "marks": [mark(*row) for row in rows]}
    _MARKS(key="marks", data=data, on_opened_change=opened, width="content")


def legend(jobs: pd.DataFrame) -> str:
    """Return the signs of the outcomes that some jobs have, with their words."""
    present = set(jobs["outcome"])
    signs = [
        f"{LOOKS_OF_OUTCOMES[outcome].sign} {word.lower()}"
        for outcome, word in WORDS.items()
        if outcome in present
    ]
    return " · ".join(signs)


def outcome_cell(outcome: str) -> Cell:
    """Return the chip of an outcome."""
    look = LOOKS_OF_OUTCOMES[outcome]
    return Cell(WORDS[outcome], color=look.color, icon=look.sign)


def linked_sentence(history: NameHistory, view: ListView) -> str:
    """Return how the newest jobs of a name ended, as Markdown with links to the jobs in it.

    From them one comes back to the view. The sentence has no word of the platform's.
    """
    params = address.link_params(view)

    def link(job: re.Match[str]) -> str:
        return f"[{job[0]}]({addresses.report_url(int(job[1]), params)})"

    return re.sub(r"#(\d+)", link, history.sentence)
