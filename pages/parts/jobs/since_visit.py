"""What has ended since the viewer's last visit, in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs.view import EVERYTHING, Dates
from jobs_data.platform.database import Database
from jobs_data.platform.status import State
from jobs_data.statistics.news import News, read_news
from jobs_data.wording import relative_time
from pages.parts.shared import reads
from pages.parts.shared.address import go_to, view_in_url


def show_since(
    visit: datetime | None, database: Database, now: datetime, zone: ZoneInfo
) -> Callable[[], None]:
    """Show what has ended since a visit, nothing for a first one; a press shows what failed.

    The table does not wait for it: where it has not been read, the function returned does.
    """
    if visit is None:
        return lambda: None
    place = st.empty()
    minute = visit.replace(second=0, microsecond=0)
    reading = reads.begin(read_news, database, minute)

    def finish() -> None:
        reading.wait()
        if not reading.has_failed:
            with place.container(
                horizontal=True, vertical_alignment="center", width="content", key="since_visit"
            ):
                _show(reading.result(), minute, relative_time(visit, now, zone))

    if reading.is_done:
        finish()
        return lambda: None
    return finish


def _show(news: News, since: datetime, at: str) -> None:
    if not (news.completed or news.failed):
        return
    text = f"Since your last visit ({at}): {news.completed:,} completed"
    st.caption(text if news.failed else f"{text}, none failed", width="content")
    if news.failed:
        st.button(
            f":red[{news.failed:,} failed]",
            key="failed_since",
            type="tertiary",
            on_click=lambda: _show_failed(since),
        )


def _show_failed(since: datetime) -> None:
    failed = replace(EVERYTHING, state=State.FAILED, finished=Dates(since=since))
    go_to(view_in_url().with_filter(failed))
