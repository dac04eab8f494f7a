"""Whose the jobs were."""

from __future__ import annotations

from typing import Any, Final

from jobs_data import addresses
from jobs_data.jobs.view import ListView
from jobs_data.platform import values
from jobs_data.platform.tables import actor_i18n, user
from jobs_data.statistics.owners import Owners
from pages.parts.shared import address
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row
from pages.parts.statistics.panel import Scope, say_bound, show_rows

_COLUMNS: Final = [
    Column("owner", "User", kind="name", main=True),
    Column("total", "Jobs", kind="number", phone="below"),
    Column("completed", "Completed", kind="number", phone="below"),
    Column("failed", "Failed", kind="number", phone="below"),
]


def show_users(owners: Owners, scope: Scope) -> None:
    """Show how many jobs each user has; a row opens the list of them."""
    by_owner = owners.by_owner.rename(columns={"id": "user"})

    def jobs_of(owner: str) -> ListView:
        return scope.jobs(owners=(int(owner),))

    def row(found: dict[Any, Any]) -> Row:
        cells: dict[str, Cell | str] = {
            each: f"{found[each]:,}" for each in ("total", "completed", "failed")
        }
        cells["owner"] = Cell(found["owner"])
        user_id = str(found["user"])
        return Row(user_id, found["owner"], cells, href=addresses.list_url(jobs_of(user_id)))

    if by_owner.empty:
        scope.say_none("was created")
    else:
        handlers = Handlers(on_open=lambda owner: address.open_list(jobs_of(owner)))
        show_rows("users", _COLUMNS, by_owner, row, handlers)
    scope.say_lacking(user, f"every job counts as {values.SYSTEM_OWNER}'s")
    scope.say_lacking(actor_i18n, "users are called by their user names")
    say_bound(owners.bound, scope)
