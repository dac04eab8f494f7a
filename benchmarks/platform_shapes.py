"""What the platform's own screen asks of the database, written here from how it works.

It counts five times, the last time over all the joins, and then sorts the whole join to take one page
of it with LIMIT and OFFSET.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Final

from pymysql.cursors import Cursor

from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform.status import State
from tests.support.mariadb import MariaDB

ROUNDS: Final = 3
PAGE_ROWS: Final = 10

JOINS: Final = """
    FROM job
    JOIN object ON object.id = job.id
    LEFT JOIN user ON user.id = job.user_id
    LEFT JOIN actor_i18n ON actor_i18n.id = job.user_id AND actor_i18n.culture = 'en'
    LEFT JOIN term_i18n ON term_i18n.id = job.status_id AND term_i18n.culture = 'en'
    LEFT JOIN slug ON slug.object_id = job.object_id
    LEFT JOIN ahg_job_execution ON ahg_job_execution.job_id = job.id
"""
COUNTS: Final = (
    "SELECT count(*) FROM job",
    "SELECT count(*) FROM job WHERE status_id = 183",
    "SELECT count(*) FROM job WHERE status_id = 184",
    "SELECT count(*) FROM job WHERE status_id = 185",
)
COLUMNS: Final = """
    job.id, job.name, job.status_id, job.completed_at, job.object_id, job.download_path,
    object.created_at, user.username, actor_i18n.authorized_form_of_name, term_i18n.name AS status,
    slug.slug, ahg_job_execution.started_at, ahg_job_execution.duration
"""


@dataclass(frozen=True)
class Shape:
    """A view of the list that both screens have, and what the platform's asks for it."""

    name: str
    view: ListView
    where: str = ""
    order: str = "object.created_at DESC"

    def statements(self) -> tuple[str, ...]:
        """Return the platform's six statements for the view."""
        offset = (self.view.page - 1) * PAGE_ROWS
        return (
            *COUNTS,
            f"SELECT count(*) {JOINS} {self.where}",
            f"SELECT {COLUMNS} {JOINS} {self.where} ORDER BY {self.order} "
            f"LIMIT {PAGE_ROWS} OFFSET {offset}",
        )


FIRST_PAGE: Final = Shape("First page by date", ListView(limit=PAGE_ROWS))
BY_NAME: Final = Shape(
    "First page by name", ListView(sort=Sort.NAME, limit=PAGE_ROWS), order="job.name ASC"
)
FAILED_ONLY: Final = Shape(
    "Failed only",
    ListView(filter=JobFilter(State.FAILED), limit=PAGE_ROWS),
    where="WHERE job.status_id = 185",
)
PAGE_50_000: Final = Shape("Page 50,000", ListView(page=50_000, limit=PAGE_ROWS))
SHAPES: Final = (FIRST_PAGE, BY_NAME, FAILED_ONLY, PAGE_50_000)


def seconds_of(server: MariaDB, database: str, shape: Shape, rounds: int = ROUNDS) -> float:
    """Return the seconds that the platform's statements for a view take: the median of some rounds."""
    with server.cursor(database) as cursor:
        _run(cursor, shape)  # the first one finds nothing in the server's memory
        return median(_run(cursor, shape) for _ in range(rounds))


def _run(cursor: Cursor, shape: Shape) -> float:
    began = time.perf_counter()
    for statement in shape.statements():
        cursor.execute(statement)
        cursor.fetchall()
    return time.perf_counter() - began
