"""The four counts above the list, which are its filter by status."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.jobs.list_page import JobsList
from jobs_data.platform.status import Alive, State
from pages.parts.jobs.beside import Beside
from pages.parts.jobs.filter_bar import has_numbers, is_searching
from pages.parts.shared.address import go_to, view_in_url
from pages.parts.shared.elements import ELEMENTS
from pages.parts.shared.look import room

KEY: Final = "status"
_ALL: Final = "all"
_LABELS: Final = {_ALL: "Total", "active": "Active", "completed": "Completed", "failed": "Failed"}

_HERE: Final = Path(__file__).parent
_CARDS: Final = st.components.v2.component(
    "counts",
    js=ELEMENTS + (_HERE / "counts.js").read_text("utf-8"),
    css=(_HERE / "counts.css").read_text("utf-8"),
)


def place() -> DeltaGenerator:
    """Return the place of the counts, which has their height before they are there."""
    return room("counts")


def show_counts(jobs: JobsList, beside: Beside) -> None:
    """Show how many jobs there are in each state, with bars of the last 14 days; a press filters.

    Beside them, but for a search, stand how many active jobs are silent, how many completed ones have
    errors, and how many failed today. What is not known yet is left out.
    """
    counts, facts = jobs.counts, _facts(jobs, beside)
    days = beside.trend.found if beside.trend else None
    numbers = {
        _ALL: counts.total,
        State.ACTIVE.value: counts.active,
        State.COMPLETED.value: counts.completed,
        State.FAILED.value: counts.failed,
    }
    more = "+" if is_searching(jobs) else ""  # the search finds more than it had found then

    def card(choice: str) -> dict[str, object]:
        label = _LABELS[choice]
        value, fact = f"{numbers[choice]:,}{more}" if has_numbers(jobs) else "", facts.get(choice, "")
        return {
            "id": choice,
            "title": label,
            "value": value or "–",
            "fact": fact,
            "words": " ".join(filter(None, [label, value, fact and f"· {fact}"])),
            "days": None if days is None else days["total" if choice == _ALL else choice].tolist(),
        }

    _CARDS(
        key=KEY,
        data={
            "current": jobs.view.filter.state or _ALL,
            "cards": [card(choice) for choice in _LABELS],
        },
        on_picked_change=_picked,
    )


def _facts(jobs: JobsList, beside: Beside) -> dict[str, str]:
    """Return a few words more of some states, where there is something to say of all jobs."""
    if beside.trend is None:
        return {}
    days, alive = beside.trend.found, beside.known_liveness
    facts = {
        State.ACTIVE.value: (0 if alive is None else alive.count(Alive.SILENT), "silent"),
        State.COMPLETED.value: (jobs.with_errors, "with errors"),
        State.FAILED.value: (0 if days is None else int(days["failed"].iloc[-1]), "today"),
    }
    return {state: f"{number:,} {words}" for state, (number, words) in facts.items() if number}


def _picked() -> None:
    choice = getattr(st.session_state[KEY], "picked", None)
    if isinstance(choice, str) and choice in _LABELS:
        go_to(view_in_url().with_state(None if choice == _ALL else State(choice)))
