"""When a viewer was last here, which their browser alone remembers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import streamlit as st

from jobs_data.url_values import parse_number
from pages.parts.shared.viewer import Viewer

# At each load of the page the browser answers when the visit before this one ended. A load within half
# an hour after the last one belongs to the same visit.
_KNOWN: Final = "last_visit"
_VISIT: Final = st.components.v2.component(
    "visit",
    js="""
export default function ({ data, setStateValue }) {
  const name = `heratio-jobs-visit:${data.viewer}`
  window.heratioJobsVisits ??= {}
  const visits = window.heratioJobsVisits
  try {
    const [before, seen] = (localStorage.getItem(name) ?? "").split(" ")
    if (!(name in visits)) {
      visits[name] = Date.now() - Number(seen) < 1_800_000 ? before : seen ?? ""
    }
    localStorage.setItem(name, `${visits[name]} ${Date.now()}`)
    // Each answer costs a run of the page: none where there is nothing new to say.
    if (visits[name] && visits[name] !== data.known) setStateValue("before", visits[name])
  } catch {
    // This browser keeps nothing.
  }
}
""",
)


def last_visit(viewer: Viewer) -> datetime | None:
    """Return when the visit before this one ended, as this browser knows it, aware and in UTC.

    None for a first visit, where the browser keeps nothing, and in the first run of a load, which a
    second one follows as soon as the browser has answered.
    """
    known = st.session_state.get(_KNOWN, "")
    visit = _VISIT(
        key="visit", data={"viewer": viewer.name, "known": known}, on_before_change=lambda: None
    )
    if visit.before:
        known = st.session_state[_KNOWN] = visit.before
    return visit_at(known, datetime.now(UTC))


def visit_at(kept: Any, now: datetime) -> datetime | None:
    """Return the time that a browser says it kept, or None where that makes no sense."""
    milliseconds = parse_number(kept) if isinstance(kept, str) else None
    if milliseconds is None or not 0 < milliseconds <= now.timestamp() * 1000:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
