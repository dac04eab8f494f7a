"""Whose the jobs were."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.tables import actor_i18n, user
from jobs_data.statistics.owners import Owners
from jobs_data.statistics.period import Period
from pages.parts.shared import address
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, rows_table
from pages.parts.statistics.panel import below_rows, first_rows, say_has_more, say_lacking

_COLUMNS: Final = [
    Column("owner", "User", kind="name", main=True),
    Column("total", "Jobs", kind="number", phone="last"),
    Column("completed", "Completed", kind="number", phone="wide"),
    Column("failed", "Failed", kind="number", phone="wide"),
]


def show_users(
    database: Database, owners: Owners, period: Period, zone: ZoneInfo, now: datetime
) -> None:
    """Show how many jobs each user has; a row opens the list of them."""
    by_owner, created = owners.by_owner, period.created(zone, now)

    def jobs_of(owner: str) -> ListView:
        return ListView(JobFilter(owners=(int(owner),), created=created))

    def row(found: dict[Any, Any]) -> Row:
        share = found["total"] / by_owner["total"].max()
        return Row(
            str(found["id"]),
            found["owner"],
            {
                "owner": Cell(found["owner"]),
                "total": Cell(f"{found['total']:,}", share=share),
                "completed": f"{found['completed']:,}",
                "failed": f"{found['failed']:,}",
            },
            href=addresses.list_url(jobs_of(found["id"])),
        )

    if by_owner.empty:
        st.info("No job was created in this period.", icon=":material/inbox:")
    else:
        rows_table(
            "users",
            "Jobs by user",
            _COLUMNS,
            [row(found) for found in first_rows("users", by_owner).to_dict("records")],
            Handlers(on_open=lambda owner: address.open_list(jobs_of(owner))),
        )
        below_rows(
            "users",
            by_owner,
            {"owner": "User", "total": "Jobs", "completed": "Completed", "failed": "Failed"},
        )
    say_lacking(database, user, f"every job counts as {values.SYSTEM_OWNER}'s")
    say_lacking(database, actor_i18n, "users are called by their user names")
    say_has_more(owners.has_more)
