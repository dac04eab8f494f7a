"""Filters of one press: completed jobs with errors, and active jobs that need a look."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import JobFilter
from jobs_data.platform.status import Alive, State
from pages.parts.jobs.alive import NEEDS_A_LOOK
from pages.parts.jobs.beside import Beside
from pages.parts.shared.address import go_to, view_in_url
from pages.parts.shared.look import ALIVE_LOOKS, WITH_ERRORS, set_widget

KEY: Final = "quick"
_ERRORS: Final = "errors"
_CHOICES: Final = (_ERRORS, *(state.value for state in NEEDS_A_LOOK))


def in_force(job_filter: JobFilter) -> str | None:
    """Return the quick filter that a filter has, None where it has none."""
    if job_filter.state is State.COMPLETED and job_filter.has_errors and job_filter.alive is None:
        return _ERRORS
    is_active = job_filter.state in (None, State.ACTIVE)
    return job_filter.alive.value if is_active and job_filter.alive in NEEDS_A_LOOK else None


def without(job_filter: JobFilter) -> JobFilter:
    """Return a filter without its quick filter, which stands beside it as a pressed button."""
    if in_force(job_filter) is None:
        return job_filter
    return replace(job_filter, has_errors=None, alive=None)


def show_quick_filters(jobs: JobsList, beside: Beside) -> None:
    """Show those that find a job, with their number of all jobs, and the one in force.

    What is not known yet is left out.
    """
    current, numbers = in_force(jobs.view.filter), _numbers(jobs, beside)
    choices = [choice for choice in _CHOICES if numbers.get(choice) or choice == current]
    # The URL is the truth: the widget is set from it on every run and only ever writes to it.
    set_widget(KEY, current)
    if choices:
        st.pills(
            "Quick filters",
            choices,
            format_func=lambda choice: _label(choice, numbers.get(choice)),
            default=current,
            key=KEY,
            on_change=_picked,
            args=(current,),
            label_visibility="collapsed",
            wrap=False,
        )


def _numbers(jobs: JobsList, beside: Beside) -> dict[str, int]:
    """Return how many of all jobs each finds, as far as that is known."""
    numbers = {}
    if not jobs.view.filter.is_search:
        numbers[_ERRORS] = jobs.with_errors
    elif (with_errors := beside.with_errors.found) is not None:
        numbers[_ERRORS] = len(with_errors)
    if liveness := beside.known_liveness:
        numbers |= {state.value: liveness.count(state) for state in NEEDS_A_LOOK}
    return numbers


def _label(choice: str, number: int | None) -> str:
    alive = None if choice == _ERRORS else ALIVE_LOOKS[Alive(choice)]
    look, words = alive or WITH_ERRORS, alive.word if alive else "With errors"
    return f":{look.color}[{look.sign}] {words}" + ("" if number is None else f" {number:,}")


def _picked(shown: str | None) -> None:
    choice = st.session_state[KEY]
    if choice == shown:
        return  # Back has interrupted the run that showed it, and nothing was pressed
    view = view_in_url()
    wanted = replace(view.filter, state=None, has_errors=None, alive=None, below=None)
    if choice == _ERRORS:
        wanted = replace(wanted, state=State.COMPLETED, has_errors=True)
    elif choice:
        wanted = replace(wanted, state=State.ACTIVE, alive=Alive(choice))
    go_to(view.with_filter(wanted))
