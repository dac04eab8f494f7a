"""What a queued job and a batch show besides tables: facts, long texts, and the log as a timeline."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import json_layout, wording
from jobs_data.plain_text import as_printed, on_one_line, visible
from jobs_data.plain_text import panel as panel_text
from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.queues.model import Log, LongText, QueuedJob, QueueState
from pages.parts.shared.facts import show_facts
from pages.parts.shared.text import plain


@contextmanager
def panel() -> Iterator[None]:
    """Show a part of a page; where the database does not answer, a sentence stands in its place."""
    try:
        yield
    except DatabaseUnavailable as problem:
        st.error(plain(str(problem)), icon=":material/cloud_off:")


def show_times(moments: Mapping[str, datetime | None], zone: ZoneInfo, **others: str) -> None:
    """Show when what happened, and other facts of time; what is not known is left out."""
    known = {label: times.shown(moment, zone) for label, moment in moments.items() if moment}
    show_facts({**known, **others}, "Times")


def number(value: int | None) -> str:
    """Return a number as the screens write it; empty where it is not known."""
    return "" if value is None else f"{value:,}"


def what_follows(job: QueuedJob) -> str:
    """Return what will become of a job, without the moment; empty where nothing more will."""
    tried, of = job.attempts or 0, f" of {job.max_attempts}" if job.max_attempts else ""
    following = f"attempt {tried + 1}{of}"
    delayed = "It waits until its batch or its chain lets it start."
    if job.next_attempt:
        delayed = f"Then a worker may start {following}."
    failed = "It was given up: it will not be tried again by itself."
    if job.max_attempts and tried < job.max_attempts:
        failed = f"It failed after {tried} attempts{of}, and nothing says when next."
    sentences = {
        QueueState.WAITING: f"Waits for a worker, which will start {following}.",
        QueueState.DELAYED: delayed,
        QueueState.RUNNING: "A worker has taken it.",
        QueueState.FAILED: failed,
    }
    return sentences.get(job.state, "")


def show_progress(progress: float | None, text: str) -> None:
    """Show a bar with its message; the message alone where no share is told."""
    if progress is not None:
        st.progress(progress, text=plain(text) or None)
    elif text:
        st.text(on_one_line(text))


def show_long_text(
    label: str, icon: str, text: LongText, *, is_trace: bool = False, expanded: bool = False
) -> None:
    """Show a long text, folded: a trace as a terminal does, anything else whole, and JSON laid out.

    Nothing is shown where the text is empty.
    """
    if not text.text:
        return
    with st.expander(f"{label} · {wording.size(text.size)}", icon=icon, expanded=expanded):
        if text.is_cut:
            st.caption(
                f"This is the beginning, 200,000 characters, of {wording.size(text.size)}; "
                "the rest is left out here."
            )
        if is_trace:
            shown = panel_text(text.text).text
        else:
            # JSON has no control characters but in white space, which is laid out anew.
            is_json = (pretty := text.pretty) != text.text
            shown = visible(pretty if is_json else as_printed(pretty))
        st.code(shown, language=None, wrap_lines=True, height=_height(shown))


def show_log(log: Log, zone: ZoneInfo, missing: str) -> None:
    """Show events as a timeline, oldest first; `missing` says why there can be none."""
    if not log.events:
        st.caption(missing or "The queue has logged nothing of it.")
        return
    if log.is_cut:
        st.caption(f"The newest {len(log.events):,} events; older ones are left out here.")
    items = []
    before: datetime | None = None
    for event in log.events:
        moment, step = event.time, ""
        if moment is not None and before is not None and moment > before:
            step = f"<small>+{_step(moment - before)}</small>"
        before = moment or before
        details = html.escape(visible(json_layout.indented(event.details)))
        message = " ".join(as_printed(event.message).split("\n"))
        kind, message = (html.escape(on_one_line(text)) for text in (event.event, message))
        folded = f"<details><summary>Details</summary><pre>{details}</pre></details>"
        items.append(
            f"<li class='event-{kind}'><time>{html.escape(times.shown(moment, zone))}</time> {step}"
            f"<div><b>{kind}</b> {message}</div>{folded if details else ''}</li>"
        )
    st.html(f"<ol class='timeline'>{''.join(items)}</ol>")


def _step(between: timedelta) -> str:
    return wording.duration(int(between.total_seconds()))


def _height(text: str) -> int | Literal["content"]:
    return 400 if text.count("\n") > 18 or len(text) > 4_000 else "content"
