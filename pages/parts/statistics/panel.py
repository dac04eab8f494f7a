"""What the panels of the statistics share: the frame, the rows, the numbers and the CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from sqlalchemy import Table

from jobs_data import csv_lines
from jobs_data.jobs.creation_counts import Bound
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import HERATIO_ONLY
from jobs_data.statistics.period import Period
from jobs_data.wording import counted
from pages.parts.shared import address
from pages.parts.shared.page_state import page_state
from pages.parts.shared.rows_table import Action, Column, Handlers, Row, rows_table
from pages.parts.shared.text import plain, visible_cells

FEW_ROWS: Final = 6
MOST_ROWS: Final = 100
LABELS: Final = {
    "id": "Job",
    "name": "Job name",
    "owner": "User",
    "outcome": "Outcome",
    "ended": "Ended",
    "took": "Took (s)",
    "pattern": "Error",
    "example": "Example",
    "jobs": "Jobs",
    "first": "First seen",
    "last": "Last seen",
    "is_new": "New",
    "state": "State",
    "since": "Running since",
    "wrote": "Last wrote",
    "seconds": "Runs for (s)",
    "usual": "Usual (s)",
    "limit": "Limit (s)",
    "day": "Day",
    "hour": "Hour",
    "runs": "Runs",
    "total": "Total",
    "completed": "Completed",
    "with_errors": "With errors",
    "failed": "Failed",
    "active": "Active",
    "median": "Median (s)",
    "p95": "95 % (s)",
    "slowest": "Slowest (s)",
    "slowest_job": "Slowest job",
    "change": "Change of the median",
}
"""What the columns of the panels' frames are called; those without a name are in no CSV."""


@dataclass
class StatisticsState:
    """What the page remembers."""

    whole: set[str] = field(default_factory=set)
    """The tables that show all their rows, not the first few alone."""
    sort: str = "runs"
    """The column that the names are sorted by."""
    is_ascending: bool = False

    def order_of(self, column: str) -> Literal["asc", "desc", ""]:
        """Return the order of a column as `rows_table` has it."""
        if column != self.sort:
            return ""
        return "asc" if self.is_ascending else "desc"

    def sort_by(self, column: str) -> None:
        """Sort by a column; by the same again, in the other order. A name begins at A."""
        self.is_ascending = not self.is_ascending if column == self.sort else column == "name"
        self.sort = column


@dataclass(frozen=True)
class Scope:
    """What the statistics are of."""

    database: Database
    period: Period
    zone: ZoneInfo
    now: datetime
    """When the page was asked for, aware."""

    def jobs(self, **wanted: Any) -> ListView:
        """Return the list of those jobs of the period that a filter wants."""
        return ListView(JobFilter(created=self.period.created(self.zone, self.now), **wanted))

    def say_none(self, what: str) -> None:
        """Say that there is nothing to show, and what to do about it."""
        where = "." if self.period.days is None else " in this period. Choose a longer one."
        st.info(f"No job {what}{where}", icon=":material/inbox:")

    def say_lacking(self, table: Table, instead: str) -> None:
        """Say that an optional table is missing, where it is, and what stands in for it."""
        if table.name not in self.database.tables:
            why = "on AtoM" if table.name in HERATIO_ONLY else "in a copy that was made without it"
            st.caption(f"This database has no table {table.name}, as is normal {why}: {instead}.")


@contextmanager
def panel(title: str = "", about: str | None = None) -> Iterator[None]:
    """Show a panel; where its figures cannot be read, a sentence stands in its place."""
    if title:
        st.header(title, anchor=False, help=about)
    try:
        yield
    except DatabaseUnavailable as problem:
        st.warning(plain(str(problem)), icon=":material/hourglass_disabled:")


def show_rows(
    table: str,
    columns: Sequence[Column],
    frame: pd.DataFrame,
    row: Callable[[dict[Any, Any]], Row],
    handlers: Handlers,
    actions: Sequence[Action] = (),
) -> None:
    """Show the first few rows of a frame, or a hundred, and a CSV of all; `table` names both."""
    whole = page_state(StatisticsState).whole
    shown = frame.head(MOST_ROWS if table in whole else FEW_ROWS)
    rows = [row(each) for each in shown.to_dict("records")]
    rows_table(
        f"rows-{table}", table.replace("-", " ").capitalize(), columns, rows, handlers, actions=actions
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(frame) > FEW_ROWS:
            most = min(MOST_ROWS, len(frame))
            more = f"Show all {most}" if most == len(frame) else f"Show {most} of {len(frame):,}"
            st.button(
                "Show fewer" if table in whole else more,
                key=f"more-{table}",
                type="tertiary",
                on_click=whole.symmetric_difference_update,
                args=({table},),
            )
        _csv_button(table, frame)


def numbers(file: str, frame: pd.DataFrame) -> None:
    """Offer a chart's figures as a folded table and as a CSV."""
    expander = st.expander("The numbers", key=f"numbers-{file}", type="compact", on_change="rerun")
    if expander.open:
        with expander:
            shown = frame[[name for name in frame if name in LABELS]].rename(columns=LABELS)
            st.dataframe(visible_cells(shown), hide_index=True, alt=f"The numbers of {file}")
            _csv_button(file, frame)


def open_job(job_id: str) -> None:
    """Leave for the page of the job whose row was pressed."""
    if job_id.isdecimal():
        address.open_job(ListView(), int(job_id))


def say_bound(bound: Bound | None, scope: Scope) -> None:
    """Say that a panel counts the newest jobs alone, and what to do about it."""
    if bound is None:
        return
    start, since = scope.period.start(scope.zone, scope.now), ""
    newest = f"the newest {counted(bound.jobs)}"
    if start and bound.since and bound.since < start:
        st.caption(f"Counted among {newest}, the oldest of which was created before this period.")
        return
    if bound.since:
        oldest = bound.since.astimezone(scope.zone)
        since = f", since {oldest.day} {oldest:%B %Y}"
    shorter = "" if scope.period is Period.WEEK else " A shorter period has fewer jobs."
    st.caption(f"Of {newest}{since}.{shorter}")


def channel(name: str, kind: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a channel of a chart: which column it shows, of which kind, under which title."""
    return {"field": name, "type": kind, "title": title, **more}


def to_csv(frame: pd.DataFrame) -> bytes:
    """Return a frame as UTF-8 with a byte-order mark, texts defused, times in ISO 8601 and UTC."""
    named = [name for name in frame if name in LABELS]
    rows = frame[named].itertuples(index=False, name=None)
    lines = "".join(csv_lines.line(_exported(value) for value in row) for row in rows)
    return csv_lines.header([LABELS[name] for name in named]) + lines.encode()


def _exported(value: Any) -> Any:
    if not isinstance(value, str) and bool(pd.isna(value)):
        return None
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _csv_button(file: str, frame: pd.DataFrame) -> None:
    st.download_button(
        "CSV",
        data=lambda: to_csv(frame),
        file_name=f"{file}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        help=f"{file}.csv, with times in UTC",
        on_click="ignore",
        key=f"csv-{file}",
    )
