"""What has ended since the viewer's last visit, in one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from pages.parts.shared.reads import Reading


@dataclass(frozen=True)
class Since:
    """What has ended since a visit, as it is being read."""

    visit: datetime
    reading: Reading[News]

    def show(self, now: datetime, zone: ZoneInfo) -> None:
        """Show it as far as it has been read; a press shows what failed."""
        if news := self.reading.found:
            with st.container(
                horizontal=True, vertical_alignment="center", width="content", key="since_visit"
            ):
                _show(news, _minute(self.visit), relative_time(self.visit, now, zone))


def begin(visit: datetime, database: Database) -> Since:
    """Begin to read what has ended since a visit."""
    return Since(visit, reads.begin(read_news, database, _minute(visit)))


def _minute(visit: datetime) -> datetime:
    return visit.replace(second=0, microsecond=0)


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
