"""Refreshing: the button, the toggle, the timer behind it, and when it must not run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from pages.parts.state import AUTO_PARAM

INTERVAL_SECONDS: Final = 15

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


def refresh_controls(on_refresh: Callable[[], None] | None = None) -> None:
    """Show the toggle and the button; pressing either reruns the page, which reads anew."""
    # No tooltip: when it waits, the line that `keep_refreshing` writes says why.
    st.toggle("Auto refresh", key=AUTO_PARAM, bind="query-params")
    st.button("Refresh", icon=":material/refresh:", shortcut="U", on_click=on_refresh, wrap=False)


def keep_refreshing(read_at: datetime, zone: ZoneInfo, *, paused_by: str = "") -> None:
    """Mount the timer if it may run now, and say when the page was read and what holds it up.

    `paused_by` names what on the page forbids a refresh; empty where nothing does.
    """
    updated = f"Updated {read_at.astimezone(zone):%H:%M:%S} ({zone.key})"
    if not st.session_state.get(AUTO_PARAM):
        st.caption(updated)
        return
    watcher = _TAB_WATCHER(key="tab", on_hidden_change=lambda: None)
    if watcher.hidden:
        paused_by = "this tab is in the background"
    if paused_by:
        st.caption(f"{updated} · auto refresh waits while {paused_by}")
        return
    st.caption(f"{updated} · again every {INTERVAL_SECONDS} seconds")
    st_autorefresh(interval=INTERVAL_SECONDS * 1000, key="timer")
