"""Refreshing: the button, the toggle, the timer behind it, and what is shown in an outage.

While the database is away, a page keeps what it has read last, says its age, and goes on asking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit_autorefresh import _component_func

from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong
from jobs_data.request_headers import REQUEST_HEADER
from jobs_data.settings import REFRESH_SECONDS
from pages.parts.shared.address import AUTO_PARAM, is_auto, is_leaving, put_into_url
from pages.parts.shared.text import plain

MISSING: Final = "is_missing"
"""In the session: whether this run could not read a part of the page, and has nothing in its place."""

T = TypeVar("T")

# Tells Python whether the tab is in front: the timer knows nothing of it and would go on asking the
# database for a page that nobody sees.
_TAB_WATCHER: Final = st.components.v2.component(
    "tab_watcher",
    js="""
export default function ({ setStateValue }) {
  const tell = () => setStateValue("hidden", document.hidden)
  document.addEventListener("visibilitychange", tell)
  if (document.hidden) tell()
  return () => document.removeEventListener("visibilitychange", tell)
}
""",
)


def updated_place() -> DeltaGenerator:
    """Return the place for when a page was read: in its first line, on a phone below that."""
    return st.container(horizontal=True, vertical_alignment="center", width="content", key="updated")


def refresh_controls(on_refresh: Callable[[], None] | None = None) -> None:
    """Show the toggle and the button; pressing either reruns the page, which reads again."""
    # The URL is the truth. Streamlit's own binding would refuse every other change of the URL.
    st.session_state[AUTO_PARAM] = is_auto()
    # No tooltip: when it waits, the line that `keep_refreshing` writes says why.
    st.toggle("Auto refresh", key=AUTO_PARAM, on_change=_toggled)
    refresh_button(on_refresh)


def refresh_button(on_refresh: Callable[[], None] | None = None) -> None:
    """Show the button that reads the page again."""
    st.button(
        "Refresh",
        key="refresh",
        icon=":material/refresh:",
        shortcut="U",
        on_click=on_refresh,
        wrap=False,
    )


def keep_refreshing(
    read_at: datetime,
    zone: ZoneInfo,
    *,
    paused_by: str = "",
    is_live: bool | None = None,
    look: Callable[[], datetime | None] | None = None,
    reruns: str = "app",
) -> None:
    """Mount the timer if it may run now, and say when the page was read and what holds it up.

    `paused_by` names what on the page forbids a refresh; empty where nothing does. `is_live` says
    whether the page refreshes by itself; None: where the toggle is on. Where a part of the page has
    nothing to show because the database is away, it tries again whatever the toggle says.

    A refresh runs the page again. With `look` it does so only where there is news: `look` reads what
    the page shows, and returns when that was read, or None where the page has to show something else.
    `reruns` is what then runs: the page, or a fragment's key.
    """
    updated = f"Updated {read_at.astimezone(zone):%H:%M:%S} ({zone.key})"
    wanted = is_auto() if is_live is None else is_live
    is_missing = st.session_state.pop(MISSING, False)
    if not (is_missing or wanted):
        st.caption(updated, width="content")
        return
    if _is_hidden():
        paused_by = "this tab is in the background"
    if paused_by:
        st.caption(f"{updated} · auto refresh waits while {paused_by}", width="content")
        return
    watch = _Watch(read_at, None if is_missing else look, reruns)
    if watch.look:
        _watch_in_fragment(watch, zone)
    else:
        _show_watch(watch, zone)


@dataclass
class _Watch:
    """What the timer of one run of a page does."""

    read_at: datetime
    look: Callable[[], datetime | None] | None
    reruns: str

    def fired(self) -> None:
        """Look for news; called before each run that the timer begins."""
        run = get_script_run_ctx()
        if self.look is None or run is None or len(run.fragment_ids_this_run or ()) != 1:
            return  # more than the timer's fragment runs: something was pressed at the same moment
        if is_leaving():
            return
        try:
            read_at = self.look()
        except DatabaseUnavailable:  # this is no place for it: the page reads again, and shows it
            read_at = None
        if read_at is None:
            st.rerun(self.reruns)
        self.read_at = read_at


@st.fragment
def _watch_in_fragment(watch: _Watch, zone: ZoneInfo) -> None:
    """Let the timer run this alone, unless there is news."""
    _show_watch(watch, zone)


def _show_watch(watch: _Watch, zone: ZoneInfo) -> None:
    at = f"{watch.read_at.astimezone(zone):%H:%M:%S}"
    st.caption(f"Updated {at} ({zone.key}) · again every {REFRESH_SECONDS} seconds", width="content")
    _timer(on_fire=watch.fired)


def show_problem(problem: DatabaseUnavailable) -> None:
    """Show why a page cannot be shown, and try again by itself, whatever the toggle says."""
    st.session_state.pop(MISSING, None)
    st.error(plain(str(problem)), icon=":material/cloud_off:")
    st.button("Try again", icon=":material/refresh:")
    if number := st.context.headers.get(REQUEST_HEADER, ""):
        st.caption(f"Request {number}")
    if _is_hidden("problem_tab"):
        st.caption("Tries again when this tab is in front.")
        return
    st.caption(f"Tries again every {REFRESH_SECONDS} seconds.")
    _timer("problem_timer")


def last_good(name: str, asked: object, read: Callable[[], T]) -> T:
    """Return what is read; where that cannot be, what this session has read last, and say so above it.

    `asked` says what of it is wanted: only the same can stand in for it. Raises what `read` raises
    where there is none.
    """
    key = f"good_{name}"
    try:
        found = read()
    except DatabaseUnavailable as problem:
        seen: tuple[object, T, datetime] | None = st.session_state.get(key)
        if seen is None or seen[0] != asked:
            # What took too long is not asked for again and again by itself.
            st.session_state[MISSING] = not isinstance(problem, TookTooLong)
            raise
        show_age(seen[2], problem)
        return seen[1]
    read_at: Any = getattr(found, "read_at", None)
    st.session_state[key] = (asked, found, read_at or datetime.now(UTC))
    return found


def last_read_at(name: str, asked: object) -> datetime:
    """Return when what `last_good` has shown was read; now, where it has shown nothing."""
    seen: tuple[object, object, datetime] | None = st.session_state.get(f"good_{name}")
    return seen[2] if seen and seen[0] == asked else datetime.now(UTC)


def show_age(read_at: datetime, problem: DatabaseUnavailable) -> None:
    """Say how old something is that cannot be read again, and why it cannot."""
    zone = times.zone_named(st.context.timezone)
    at = read_at.astimezone(zone)
    is_of_today = at.date() == datetime.now(zone).date()
    shown = f"{at:%H:%M:%S}" if is_of_today else f"{at:%Y-%m-%d %H:%M:%S}"
    st.warning(f"As of {shown} ({zone.key}). {plain(str(problem))}", icon=":material/cloud_off:")


def _toggled() -> None:
    put_into_url({AUTO_PARAM: "true"} if st.session_state[AUTO_PARAM] else {}, (AUTO_PARAM,))


def _is_hidden(key: str = "tab") -> bool:
    return bool(_TAB_WATCHER(key=key, on_hidden_change=lambda: None).hidden)


def _timer(key: str = "timer", on_fire: Callable[[], None] | None = None) -> None:
    # Not `st_autorefresh`, which passes no callback on: only a callback can run another fragment.
    _component_func(interval=REFRESH_SECONDS * 1000, key=key, default=0, on_change=on_fire)
