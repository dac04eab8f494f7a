"""What a queued job and a batch show besides tables: facts, steps, long texts and the log."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data import json_layout, wording
from jobs_data.plain_text import as_printed, on_one_line, visible
from jobs_data.plain_text import panel as panel_text
from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.queues.model import Batch, Log, LongText, QueuedJob, QueueState
from pages.parts.queues.looks import STATES, status_badge, status_of
from pages.parts.shared import refresh, timeline
from pages.parts.shared.reads import forget
from pages.parts.shared.text import heading, plain

MOST_EVENTS: Final = 20
"""How many events of a log are shown at once."""


@contextmanager
def panel() -> Iterator[None]:
    """Show a part of a page; where the database does not answer, a sentence stands in its place."""
    try:
        yield
    except DatabaseUnavailable as problem:
        st.error(plain(str(problem)), icon=":material/cloud_off:")


def show_head(title: str, thing: QueuedJob | Batch | None, facts: Iterable[str | None] = ()) -> None:
    """Show the status and the heading, below them one line of facts; the tab's title names both.

    Facts that are empty are left out.
    """
    word = f"{status_of(thing)[0]}: " if thing else ""
    st.set_page_config(page_title=on_one_line(f"{word}{title}"))
    with (
        st.container(horizontal=True, key="job_heading"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        if thing:
            status_badge(thing)
        heading(title)
    if known := [plain(fact) for fact in facts if fact]:
        st.markdown(" · ".join(known))


def show_controls(
    head: DeltaGenerator, read_at: datetime, zone: ZoneInfo, *, is_live: bool | None = None
) -> None:
    """Show in a page's first line, once all is read, when that was and the controls to refresh it.

    `is_live` says whether the page refreshes by itself; None: where its toggle is on.
    """
    with head:
        st.space("stretch")
        with refresh.updated_place():
            refresh.keep_refreshing(read_at, zone, is_live=is_live)
        (refresh.refresh_controls if is_live is None else refresh.refresh_button)(on_refresh=forget)


def show_steps(
    thing: QueuedJob | Batch, moments: Mapping[str, datetime | None], zone: ZoneInfo
) -> None:
    """Show when a job or a batch was where, with the time between; unknown steps are left out."""
    word, look = status_of(thing)
    named: dict[datetime, list[str]] = {}
    for name, moment in {**moments, word: thing.ended}.items():
        if moment is not None:
            named.setdefault(moment, []).append(name)
    steps: list[dict[str, Any]] = []
    verb, last, now = "waited", None, datetime.now(UTC)
    for moment, names in named.items():
        if last and moment > last:
            verb = "waits" if moment > now else verb
            steps[-1]["wait"] = f"{verb} {wording.ran((moment - last).total_seconds())}"
        color = look.color if word in names else ""
        steps.append(timeline.step(" and ".join(names).capitalize(), moment, color, zone))
        verb, last = "ran" if "Started" in names else verb, moment
    if thing.started and look is STATES[QueueState.RUNNING]:
        elapsed = (now - thing.started).total_seconds()
        steps[-1] |= {"wait": "running for", "elapsed": max(0, int(elapsed))}
    timeline.show_timeline(steps)


def number(value: int | None, unit: str = "") -> str:
    """Return a number as the screens write it; empty where it is not known."""
    return "" if value is None else f"{value:,} {unit}".rstrip()


def show_progress(progress: float | None, text: str) -> None:
    """Show a bar with its message; the message alone where the share is not known or is all."""
    if progress is not None and progress < 1:
        st.progress(progress, text=plain(text) or None)
    elif text:
        st.text(on_one_line(text))


def show_long_text(label: str, icon: str, text: LongText, *, is_trace: bool = False) -> None:
    """Show a long text, folded: a trace as a terminal does, anything else whole, and JSON laid out.

    Nothing is shown where the text is empty.
    """
    if not text.text:
        return
    with st.expander(f"{label} · {wording.size(text.size)}", icon=icon):
        if text.is_cut:
            st.caption(
                f"Only the first 200,000 characters of {wording.size(text.size)} are shown here."
            )
        if is_trace:
            shown = panel_text(text.text)
        else:
            # JSON has no control characters but in white space, which is laid out again.
            is_json = (pretty := text.pretty) != text.text
            shown = visible(pretty if is_json else as_printed(pretty))
        st.code(shown, language=None, wrap_lines=True, height=_height(shown))


def show_log(log: Log, zone: ZoneInfo, missing: str) -> None:
    """Show events as a timeline, oldest first, folded where many; `missing` says why there are none."""
    if not log.events:
        st.caption(missing or "The queue has logged nothing about it.")
        return
    if log.is_cut:
        st.caption(f"Only the newest {len(log.events):,} events are shown.")
    items = []
    before: datetime | None = None
    for event in log.events:
        moment, step = event.time, ""
        if moment is not None and before is not None and moment > before:
            step = f"<small>+{wording.ran((moment - before).total_seconds())}</small>"
        before = moment or before
        details = html.escape(visible(json_layout.indented(event.details)))
        message = " ".join(as_printed(event.message).split("\n"))
        kind, message = (html.escape(on_one_line(text)) for text in (event.event, message))
        folded = f"<details><summary>Details</summary><pre>{details}</pre></details>"
        items.append(
            f"<li class='event-{kind}'><time>{html.escape(times.shown(moment, zone))}</time> {step}"
            f"<div><b>{kind}</b> {message}</div>{folded if details else ''}</li>"
        )
    timeline = f"<ol class='timeline'>{''.join(items)}</ol>"
    if len(items) <= MOST_EVENTS:
        st.html(timeline)
        return
    with st.expander(wording.counted(len(items), "event"), icon=":material/history:"):
        st.html(timeline)


def _height(text: str) -> int | Literal["content"]:
    return 400 if text.count("\n") > 18 or len(text) > 4_000 else "content"
