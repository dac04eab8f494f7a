"""The preview of a clean-up: it follows the rules by itself, and is deleted exactly as shown."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import addresses
from jobs_data.background import StopSwitch
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.removal import retention
from jobs_data.removal.retention import Preview, Rules
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.wording import counted
from pages.parts.removal import progress, rule_form
from pages.parts.shared.address import notify
from pages.parts.shared.look import status_word
from pages.parts.shared.page_state import page_state
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain, visible_cells
from pages.parts.shared.viewer import Viewer

AT_ONCE: Final = 2
"""How many previews are read at the same time, for all sessions: each may take a minute."""

QUICK_SECONDS: Final = 1
TABLE_HEIGHT: Final = 320

_pool: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="preview")


@dataclass
class _Reading:
    rules: Rules
    words: str
    future: Future[Preview]
    switch: StopSwitch


@dataclass
class _State:
    reading: _Reading | None = None


def show(rules: Rules, words: str, zone: ZoneInfo, viewer: Viewer) -> None:
    """Show which jobs these rules delete, and the button; `words` say the rules for the receipt."""
    if progress.is_running():
        _bar("Jobs are being deleted. A new preview follows.")
        return
    reading = _begin(rules, words)
    wait([reading.future], QUICK_SECONDS)
    if not reading.future.done():
        _bar("Counting the jobs that match…")
        _waiting(reading)
        return
    try:
        preview = reading.future.result()
    except DatabaseUnavailable as problem:
        st.error(plain(str(problem)), icon=":material/cloud_off:")
        st.button("Try again", icon=":material/refresh:", on_click=forget)
        return
    if rules.filter.has_errors is not None:
        _show_limits(get_services().outcomes)
    if preview.total:
        _show_jobs(preview, zone)
        _show_bar(reading, preview, viewer)
    else:
        _bar(preview.why_empty(rules))
    st.caption(
        f"As of {preview.read_at.astimezone(zone):%H:%M:%S} ({zone.key}). "
        + " ".join(preview.kept_sentences(rules))
    )


def _show_limits(outcomes: Outcomes) -> None:
    """Say which errors in outputs are not known, and let the background go on."""
    outcomes.keep_reading()
    if limits := outcomes.limits:
        st.warning(limits, icon=":material/manage_search:")


def forget() -> None:
    """Stop reading the preview, or drop it; the next run reads a new one."""
    state = page_state(_State)
    if state.reading:
        state.reading.switch.set()
        state.reading.future.cancel()
    state.reading = None


def _begin(rules: Rules, words: str) -> _Reading:
    state = page_state(_State)
    if state.reading is None or state.reading.rules != rules:
        forget()
        services, switch = get_services(), StopSwitch()
        read = partial(
            retention.read_preview,
            services.database,
            rules,
            datetime.now(UTC),
            roots=services.result_roots,
            switch=switch,
            outcomes=services.outcomes,
        )
        state.reading = _Reading(rules, words, _pool.submit(read), switch)
    return state.reading


@st.fragment(run_every=1.0)
def _waiting(reading: _Reading) -> None:
    if reading.future.done():
        st.rerun()
    with st.spinner("Reading which jobs match…", show_time=True):
        wait([reading.future], QUICK_SECONDS)
    st.caption(f"This takes up to {retention.PREVIEW_SECONDS} seconds.")


def _show_jobs(preview: Preview, zone: ZoneInfo) -> None:
    st.text(f"{preview.headline()} {preview.span_sentence(zone)}")
    by_name, samples = st.columns([5, 6])
    with by_name:
        st.caption("By name and status")
        rows = preview.by_name[["jobs", "name", "status"]]
        # All are finished, and of these statuses screens say only that of failed jobs in another word.
        rows = rows.assign(status=[status_word(State.FAILED, status) for status in rows["status"]])
        _table(rows, zone, "Jobs to delete, by name and status")
    with samples:
        st.caption(f"Some of them, from the first to the last ({zone.key})")
        rows = preview.samples
        ended = rows[["state", "status", "errors"]].itertuples(index=False)
        rows = rows.assign(
            id=[addresses.report_url(job_id, {}) for job_id in rows["id"]],
            status=[status_word(State(state), status, errors) for state, status, errors in ended],
        )
        _table(
            rows[["id", "name", "status", "completed", "result"]], zone, "Some of the jobs to delete"
        )
    st.text(preview.result_files.sentence())


def _table(rows: pd.DataFrame, zone: ZoneInfo, alt: str) -> None:
    shown = rows.assign(name=rows["name"].map(human_name))
    st.dataframe(
        visible_cells(shown),
        hide_index=True,
        height="content" if len(rows) <= retention.SAMPLES else TABLE_HEIGHT,
        alt=alt,
        lazy=False,
        column_config={
            "name": st.column_config.TextColumn("Job name", width=130),
            "status": st.column_config.TextColumn("Status", width=130),
            "jobs": st.column_config.NumberColumn("Jobs", width=72, format="localized"),
            "id": st.column_config.LinkColumn("Job", display_text=r"id=(\d+)", width=60),
            "completed": st.column_config.DatetimeColumn(
                "Completed", format="YYYY-MM-DD HH:mm", timezone=zone.key, width=125
            ),
            "result": st.column_config.TextColumn("Result file", width=80),
        },
    )


def _bar(words: str) -> None:
    with st.bottom:
        st.text(words)


def _show_bar(reading: _Reading, preview: Preview, viewer: Viewer) -> None:
    jobs = counted(preview.total)
    days = counted(get_services().settings.receipts_days, "day")
    end = f"undo for {days}" if viewer.may_remove else "only administrators can delete them"
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="delete_bar"):
        st.markdown(f"**{jobs} will be deleted** · result files are kept · {end}", width="stretch")
        st.button(
            f"Delete {jobs}",
            key="delete_matching",
            type="primary",
            icon=":material/delete:",
            on_click=_delete,
            args=(reading, preview),
            disabled=not viewer.may_remove,
        )


def _delete(reading: _Reading, preview: Preview) -> None:
    """Begin to delete what was shown, unless the rules have changed since."""
    if rule_form.chosen_rules() != reading.rules or page_state(_State).reading is not reading:
        notify("The rules have just changed: nothing was deleted. Check the new number.", is_good=False)
        return
    forget()
    removals = get_services().removals
    progress.start(
        lambda viewer: removals.start(preview.ids, Reason(viewer.actor, Action.CLEAN_UP, reading.words))
    )
