"""What the panels of the statistics share: the frame, the first rows, the numbers and the CSV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import pandas as pd
import streamlit as st
from sqlalchemy import Table

from jobs_data import csv_lines
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import HERATIO_ONLY
from jobs_data.statistics.period import NEWEST_JOBS
from jobs_data.wording import counted
from pages.parts.shared.page_state import page_state
from pages.parts.shared.text import plain, visible_cells

FEW_ROWS: Final = 6
MOST_ROWS: Final = 100


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


@contextmanager
def panel(title: str = "", help_text: str | None = None) -> Iterator[None]:
    """Show a panel; where its figures cannot be read, a sentence stands in its place."""
    if title:
        st.header(title, anchor=False, help=help_text)
    try:
        yield
    except DatabaseUnavailable as problem:
        st.warning(plain(str(problem)), icon=":material/hourglass_disabled:")


def first_rows(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a table shows: the first few, or those of the first hundred."""
    is_whole = table in page_state(StatisticsState).whole
    return frame.head(MOST_ROWS if is_whole else FEW_ROWS).reset_index(drop=True)


def below_rows(table: str, frame: pd.DataFrame, labels: dict[str, str]) -> None:
    """Offer the other rows of a table and a CSV of all."""
    whole = page_state(StatisticsState).whole
    with st.container(horizontal=True, vertical_alignment="center"):
        if table in whole:
            st.button(
                "Show fewer",
                key=f"fewer-{table}",
                type="tertiary",
                on_click=whole.discard,
                args=(table,),
            )
        elif len(frame) > FEW_ROWS:
            shown = min(MOST_ROWS, len(frame))
            label = f"Show all {shown}" if shown == len(frame) else f"Show {shown} of {len(frame):,}"
            st.button(label, key=f"more-{table}", type="tertiary", on_click=whole.add, args=(table,))
        csv_button(table, frame, labels)


def numbers(file: str, frame: pd.DataFrame, labels: dict[str, str]) -> None:
    """Offer a chart's figures as a folded table and as a CSV."""
    key = f"numbers-{file}"
    expander = st.expander("The numbers", key=key, type="compact", on_change="rerun")
    if expander.open:
        with expander:
            st.dataframe(
                visible_cells(frame[[*labels]].rename(columns=labels)),
                hide_index=True,
                alt=f"The numbers of {file}",
            )
            csv_button(file, frame, labels)


def csv_button(file: str, frame: pd.DataFrame, labels: dict[str, str]) -> None:
    """Offer a frame as a CSV, with the columns that have labels."""
    st.download_button(
        "CSV",
        data=lambda: to_csv(frame, labels),
        file_name=f"{file}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        help=f"{file}.csv, with times in UTC",
        on_click="ignore",
        key=f"csv-{file}",
    )


def to_csv(frame: pd.DataFrame, labels: dict[str, str]) -> bytes:
    """Return a frame as UTF-8 with a byte-order mark, texts defused, times in ISO 8601 and UTC."""
    rows = frame[[*labels]].itertuples(index=False, name=None)
    lines = "".join(csv_lines.line(_exported(value) for value in row) for row in rows)
    return csv_lines.header(labels.values()) + lines.encode()


def _exported(value: Any) -> Any:
    if not isinstance(value, str) and bool(pd.isna(value)):
        return None
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def say_has_more(has_more: bool) -> None:
    """Say that a panel looked at the newest jobs alone."""
    if has_more:
        st.caption(f"Only the newest {counted(NEWEST_JOBS)} of the period are counted here.")


def say_lacking(database: Database, table: Table, instead: str) -> None:
    """Say which optional table is missing, and what stands in for it."""
    if table.name not in database.tables:
        why = "on AtoM" if table.name in HERATIO_ONLY else "in a copy that was made without it"
        st.caption(f"This database has no table {table.name}, as is normal {why}: {instead}.")
