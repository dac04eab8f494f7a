"""The preview of retention rules: read in the background, shown, and confirmed as shown."""

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
from jobs_data.background import NotStarted
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.removal import retention
from jobs_data.removal.removal import Removal
from jobs_data.removal.retention import Preview, Rules
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.wording import counted
from pages.parts.removal import progress, undo
from pages.parts.shared.address import notify
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain, visible_cells
from pages.parts.shared.viewer import Viewer, get_viewer

AT_ONCE: Final = 2
"""How many previews are read at the same time, for all sessions: each may take a minute."""

QUICK_SECONDS: Final = 1
TABLE_HEIGHT: Final = 320

_pool: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tidying")


@dataclass(frozen=True)
class _Asked:
    """The preview that a session has asked for, and the rules that it is of."""

    rules: Rules
    words: str
    reading: Future[Preview]


def begin(rules: Rules, words: str) -> None:
    """Begin to read the preview of rules, which `words` tell; `show` shows it."""
    database, roots = get_services().database, get_services().result_roots
    read = partial(retention.read_preview, database, rules, datetime.now(UTC), roots=roots)
    _forget()
    st.session_state["preview"] = _Asked(rules, words, _pool.submit(read))
    st.session_state.pop("tidied", None)


def show(rules: Rules, zone: ZoneInfo, viewer: Viewer) -> None:
    """Show the preview of these rules, if it was asked for; one of other rules is forgotten."""
    asked: _Asked | None = st.session_state.get("preview")
    if asked is None:
        return
    if asked.rules != rules:
        _forget()
        return
    wait([asked.reading], QUICK_SECONDS)
    if not asked.reading.done():
        _waiting()
        return
    try:
        preview = asked.reading.result()
    except DatabaseUnavailable as problem:
        st.error(plain(str(problem)), icon=":material/cloud_off:")
        return
    if preview.total:
        _show(asked, preview, zone, viewer)
    else:
        st.info(preview.why_empty(rules), icon=":material/check:")
        _show_kept(preview, rules)


def show_undo(viewer: Viewer) -> None:
    """Offer to undo the removal that this session has confirmed here."""
    work: Removal | None = st.session_state.get("tidied")
    if work and work.receipt and not work.is_running:
        undo.undo_button(work.receipt, viewer)


def _forget() -> None:
    asked: _Asked | None = st.session_state.pop("preview", None)
    if asked:
        asked.reading.cancel()  # if it has not begun yet


@st.fragment(run_every=1.0)
def _waiting() -> None:
    asked: _Asked | None = st.session_state.get("preview")
    if asked is None or asked.reading.done():
        st.rerun()
    with st.spinner("Looking for the jobs …", show_time=True):
        wait([asked.reading], QUICK_SECONDS)
    st.caption(
        f"This takes up to {retention.PREVIEW_SECONDS} seconds. Nothing is removed by it, and you may "
        "leave this page meanwhile."
    )


def _show(asked: _Asked, preview: Preview, zone: ZoneInfo, viewer: Viewer) -> None:
    st.subheader(preview.headline(), anchor=False)
    st.markdown(f"Rules: {plain(asked.words)}.")
    st.text(
        f"{preview.span_sentence(zone)} As of {preview.read_at.astimezone(zone):%H:%M:%S} ({zone.key})."
    )
    by_name, samples = st.columns(2)
    with by_name:
        st.caption("By name and outcome")
        counts = preview.by_name[["jobs", "name", "status"]]
        _table(counts, zone, "Jobs that would go, by name and outcome")
    with samples:
        st.caption("Some of them, from the first to the last")
        reports = [addresses.report_url(job_id, {}) for job_id in preview.samples["id"]]
        shown = preview.samples.assign(id=reports)[["id", "name", "status", "completed", "result"]]
        _table(shown, zone, "Some of the jobs that would go")
    st.text(preview.result_files.sentence())
    _show_kept(preview, asked.rules)
    _confirm(asked, preview, viewer)


def _table(rows: pd.DataFrame, zone: ZoneInfo, alt: str) -> None:
    st.dataframe(
        visible_cells(rows),
        hide_index=True,
        height="content" if len(rows) <= retention.SAMPLES else TABLE_HEIGHT,
        alt=alt,
        lazy=False,
        column_config={
            "name": st.column_config.TextColumn("Job name", width=150),
            "status": st.column_config.TextColumn("Status", width=80),
            "jobs": st.column_config.NumberColumn("Jobs", width=80, format="localized"),
            "id": st.column_config.LinkColumn("Report", display_text=r"id=(\d+)", width=60),
            "completed": st.column_config.DatetimeColumn(
                "Completed", format="YYYY-MM-DD HH:mm", timezone=zone.key, width=125
            ),
            "result": st.column_config.TextColumn("Result file", width=80),
        },
    )


def _show_kept(preview: Preview, rules: Rules) -> None:
    st.caption(" ".join(preview.kept_sentences(rules)))


def _confirm(asked: _Asked, preview: Preview, viewer: Viewer) -> None:
    why_not = ""
    if not viewer.may_remove:
        why_not = "Only administrators may remove jobs; you may look at what would go."
    elif progress.is_running():
        why_not = "Jobs are being removed right now; wait until that is through."
    st.button(
        f"Remove {counted(preview.total)}",
        key="confirm_tidy",
        type="primary",
        icon=":material/delete_sweep:",
        on_click=_remove,
        args=(asked, preview),
        disabled=bool(why_not),
    )
    st.caption(
        why_not
        or "Exactly these jobs go: one that finishes from now on stays, and so does one that is not "
        "finished by then. Their rows are written to a receipt first; for "
        f"{counted(get_services().settings.receipts_days, 'day')} they can be restored from it."
    )


def _remove(asked: _Asked, preview: Preview) -> None:
    """Start to remove what was shown; the button may be pressed when something else is shown by now."""
    viewer = get_viewer()
    if st.session_state.get("preview") is not asked:
        return
    reason = Reason(viewer.name, Action.TIDY, asked.words)
    try:
        viewer.require_administrator()
        work = get_services().removals.start(preview.ids, reason)
    except (NotStarted, DatabaseUnavailable) as problem:
        notify(str(problem), is_good=False)
        return
    progress.watch(work)
    st.session_state["tidied"] = work
    _forget()
