"""The rows of an export: all jobs of a view, from one transaction, in constant memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    String,
    cast,
    func,
    select,
    union_all,
)

from jobs_data.jobs import strays
from jobs_data.jobs.creation_order import (
    CreationOrder,
    created_text,
    is_in_order,
    is_loose,
    with_object,
)
from jobs_data.jobs.job_report import JobReport, read_reports
from jobs_data.jobs.outcomes import Outcome, Outcomes, read_finished, read_outcomes_of
from jobs_data.jobs.sorting import in_order, source_of
from jobs_data.jobs.strays import IdOrder
from jobs_data.jobs.view import ListView, Sort
from jobs_data.jobs.where import matching
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.engine import LONGEST_SILENCE_SECONDS
from jobs_data.platform.owners import owner_names, with_owner
from jobs_data.platform.status import label_of, state_of
from jobs_data.platform.status_names import read_status_names
from jobs_data.platform.tables import job, job_execution, note, note_i18n, object_
from jobs_data.platform.times import BEFORE_ALL_TIMES

EXPORT_CHUNK_ROWS: Final = 2_000
PIECE_JOBS: Final = 4_000
JOB_BYTES: Final = 2_000
"""The most bytes of one job in JSON: the longest name, six bytes a character, and the rest."""

PIECES_TOGETHER: Final = 25
PACKET_BYTES: Final = 16 * 1024 * 1024
"""The usual limit of one value from a server."""

REPORTS_TOGETHER: Final = 1_000
TEXTS_TOGETHER: Final = 2_000_000
"""How much long text, in the database's own measure, the reports read at a time have, but for one
that has more alone."""

LONG_TEXT: Final = 1_000
"""From this length on, a text counts as long."""

EXPORT_SECONDS: Final = 3_600
"""How long an export may take: its statement ends only when the client has read everything."""


ExportedJob = tuple[str, str, str, str, str]
"""A job's name, status and owner, and when it was created and completed: as the platform has these
times, without a zone, and empty where it has none."""


def stream_jobs(
    database: Database, view: ListView, order: CreationOrder | None = None
) -> Iterator[list[ExportedJob]]:
    """Yield all jobs of a view's filter in its order, some thousands at a time.

    All come from one transaction, in constant memory. `order` is the known order by date; without
    it the database sorts. Raises DatabaseUnavailable.
    """
    with database.reading(EXPORT_SECONDS, silence=LONGEST_SILENCE_SECONDS) as connection:
        exporting = _Exporting(connection, database, view, order or CreationOrder(database))
        yield from exporting.jobs()


def stream_reports(
    database: Database,
    view: ListView,
    order: CreationOrder | None = None,
    outcomes: Outcomes | None = None,
) -> Iterator[list[tuple[JobReport, Outcome | None]]]:
    """Yield all columns, without outputs, of all jobs of a view's filter in its order.

    Each with the outcome of a finished job, which is read if `outcomes` does not know it. All come
    from one transaction, at most a thousand at a time, and fewer where their texts are long. Where the
    database sorts, memory grows by the eight bytes of each job's id. Raises DatabaseUnavailable.
    """
    with database.reading(EXPORT_SECONDS, silence=LONGEST_SILENCE_SECONDS) as connection:
        exporting = _Exporting(connection, database, view, order or CreationOrder(database))
        for ids in exporting.ids():
            finished = read_finished(connection, job.c.id.in_(ids))
            found = read_outcomes_of(connection, database, finished, outcomes)
            for reports in exporting.reports(ids):
                yield [(report, found.get(report.id)) for report in reports]


_Row = list[Any]
"""When a job was created, its id, its owner and status, its name, and when it was completed."""


class _Exporting:
    """Reads the jobs of an export."""

    def __init__(
        self, connection: Connection, database: Database, view: ListView, order: CreationOrder
    ) -> None:
        self._connection = connection
        self._database = database
        self._view = view
        self._order = order
        source = source_of(database, view.sort)
        has_object = view.sort in {Sort.DATE, Sort.DURATION}
        self._source = source if has_object else source.outerjoin(object_, object_.c.id == job.c.id)
        self._now = datetime.now(UTC)
        self._where = matching(view.filter, database, self._now)
        self._terms = read_status_names(connection, database)
        self._statuses: dict[tuple[int | None, bool], str] = {}
        is_by_id = view.sort is Sort.DATE and not database.is_sqlite
        # None, not an order that turns out stale later: one export follows one order.
        self._known = order.find_out() if is_by_id else None

    def jobs(self) -> Iterator[list[ExportedJob]]:
        """Yield jobs by id if the order is known, else sorted by the database."""
        marks = self._marks_together() if self._known else 0
        if not self._known or not marks:
            yield from self.sorted()
            return
        user_ids = self._connection.execute(select(job.c.user_id).distinct()).scalars().all()
        names = owner_names(self._connection, self._database, user_ids)
        owners = {i: names.get(i, values.SYSTEM_OWNER) for i in user_ids}
        pieces = self._each_in_one_value(self._pieces(self._known, marks))
        for rows in self._merged(self._known, pieces):
            yield [
                (
                    _name(name),
                    self._status(status_id, end is not None),
                    owners[user_id],
                    "" if time.startswith(_NEVER) else time,
                    end or "",
                )
                for time, _, user_id, status_id, name, end in rows
            ]

    def ids(self) -> Iterator[list[int]]:
        """Yield the ids of all jobs, at most a thousand at a time."""
        if self._known:
            pieces = self._pieces(self._known, PIECE_JOBS // strays.MARK_JOBS)
            batches = self._merged(self._known, map(self._read, pieces))
            ids: Iterable[list[int]] = ([row[1] for row in rows] for rows in batches)
        else:
            statement = select(job.c.id).select_from(self._source).where(*self._where)
            statement = statement.order_by(*in_order(self._database, self._view, self._now))
            chunks = self._stream(statement, EXPORT_CHUNK_ROWS)
            # Fetch all ids first: reading the jobs needs the same connection.
            ids = [np.fromiter((row.id for rows in chunks for row in rows), np.int64).tolist()]
        for batch in ids:
            for first in range(0, len(batch), REPORTS_TOGETHER):
                yield batch[first : first + REPORTS_TOGETHER]

    def _marks_together(self) -> int:
        """Return how many marks' jobs fit into one value of the server, with room for as many more."""
        self._connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {PACKET_BYTES}")
        sizes = "SELECT LEAST(@@group_concat_max_len, @@max_allowed_packet)"
        at_most = self._connection.exec_driver_sql(sizes).scalar_one() // JOB_BYTES
        return int(min(PIECE_JOBS, at_most // 2) // strays.MARK_JOBS)

    def _pieces(self, known: IdOrder, marks: int) -> list[ColumnElement[bool]]:
        """Return the conditions of the jobs in order, `marks` marks at a time, in the list's order."""
        edges = [0, *known.marks[::marks].tolist(), known.end]
        pieces = [is_in_order(known, first, end) for first, end in pairwise(edges)]
        return pieces if self._view.is_reversed else pieces[::-1]

    def _merged(self, known: IdOrder, pieces: Iterable[Iterable[_Row]]) -> Iterator[list[_Row]]:
        """Yield the rows of the pieces in order, with strays and newest jobs merged in.

        Each job comes once, also if a job was inserted below the newest ids since the survey.
        """
        is_reversed = self._view.is_reversed
        loose = sorted(self._read(is_loose(known)), reverse=is_reversed)  # the next one comes last
        for piece in pieces:
            rows = sorted(piece, reverse=not is_reversed)
            if not rows:
                continue
            last = rows[-1][:2]
            while loose and (loose[-1][:2] < last if is_reversed else loose[-1][:2] > last):
                rows.append(loose.pop())
            yield sorted(rows, reverse=not is_reversed)
        yield loose[::-1]

    def _read(self, which: ColumnElement[bool]) -> list[_Row]:
        columns = (job.c.id, job.c.user_id, job.c.status_id, job.c.name)
        ended = cast(job.c.completed_at, String())
        rows = select(created_text(), *columns, ended).select_from(with_object())
        return [list(row) for row in self._connection.execute(rows.where(*self._where, which))]

    def _each_in_one_value(self, pieces: Sequence[ColumnElement[bool]]) -> Iterator[list[_Row]]:
        """Yield the rows of each piece, while the server already reads the next of them.

        Drivers are slow for each row, but fast for one value of a megabyte. The value is JSON, so
        that a name cannot be mistaken for anything else.
        """
        parts = (
            func.json_quote(created_text()),
            *(func.coalesce(column, "null") for column in (job.c.id, job.c.user_id, job.c.status_id)),
            func.coalesce(func.json_quote(job.c.name), "null"),
            func.coalesce(func.json_quote(func.concat(job.c.completed_at)), "null"),
        )
        in_one = func.group_concat(func.concat("[", func.concat_ws(",", *parts), "]"))
        jobs = select(in_one).select_from(with_object()).where(*self._where)
        for first in range(0, len(pieces), PIECES_TOGETHER):
            some = pieces[first : first + PIECES_TOGETHER]
            with closing(self._stream(union_all(*map(jobs.where, some)), 1)) as chunks:
                for [(value,)] in chunks:
                    yield json.loads(f"[{value or ''}]", strict=False)

    def sorted(self) -> Iterator[list[ExportedJob]]:
        """Yield jobs row by row, as the database sorts them."""
        source, owner = with_owner(self._database, self._source, job.c.user_id)
        has_ended = job.c.completed_at.is_not(None)
        times = (object_.c.created_at, job.c.completed_at)
        statement = (
            select(job.c.name, job.c.status_id, has_ended, *times, *owner)
            .select_from(source)
            .where(*self._where)
            .order_by(*in_order(self._database, self._view, self._now))
        )
        with closing(self._stream(statement, EXPORT_CHUNK_ROWS)) as chunks:
            for rows in chunks:
                yield [
                    (
                        _name(name),
                        self._status(status_id, has_ended),
                        values.owner_called(*names),
                        str(time or ""),
                        str(end or ""),
                    )
                    for name, status_id, has_ended, time, end, *names in rows
                ]

    def reports(self, ids: Sequence[int]) -> Iterator[list[JobReport]]:
        """Yield all columns of some jobs, as many at a time as their texts allow."""
        sizes = self._text_sizes(ids)
        together: list[int] = []
        size = 0
        for job_id in ids:
            size += sizes.get(job_id, 0)
            if together and size > TEXTS_TOGETHER:
                yield read_reports(self._connection, self._database, together, self._terms)
                together, size = [], sizes.get(job_id, 0)
            together.append(job_id)
        if together:
            yield read_reports(self._connection, self._database, together, self._terms)

    def _text_sizes(self, ids: Sequence[int]) -> Counter[int]:
        """Return how much long text each of some jobs has."""
        run = job_execution.c
        present = self._database.columns.get(job_execution.name, frozenset())
        texts = [
            select(job.c.id, func.length(job.c.download_path)),
            *(
                select(run.job_id, func.length(run[name]))
                for name in ("error_message", "stack_trace")
                if name in present
            ),
        ]
        if {note.name, note_i18n.name} <= self._database.tables:
            texts.append(
                select(note.c.object_id, func.length(note_i18n.c.content)).join_from(
                    note, note_i18n, note_i18n.c.id == note.c.id
                )
            )
        sizes: Counter[int] = Counter()
        for statement in texts:
            job_id, length = statement.selected_columns
            long = statement.where(job_id.in_(ids), length >= LONG_TEXT)
            for of, size in self._connection.execute(long):
                sizes[of] += size
        return sizes

    def _stream(self, statement: Executable, rows: int) -> Generator[Sequence[Any]]:
        """Yield rows in chunks from a cursor that stays on the server."""
        options = {"stream_results": True, "yield_per": rows}
        result = self._connection.execute(statement, execution_options=options)
        try:
            yield from result.partitions()
        except GeneratorExit:
            # The client has left. To end in order, PyMySQL would first fetch all the rest, and when
            # the connection is gone it still tries to: unless its result is marked as ended.
            unread = getattr(getattr(result, "cursor", None), "_result", None)
            if unread is not None:
                unread.unbuffered_active = False
            self._connection.invalidate()
            raise

    def _status(self, status_id: int | None, has_ended: bool) -> str:
        known = self._statuses.get((status_id, has_ended))
        if known is None:
            known = label_of(status_id, state_of(status_id, has_ended), self._terms)
            self._statuses[status_id, has_ended] = known
        return known


_NEVER: Final = str(BEFORE_ALL_TIMES)

# Thousands of jobs share a name.
_name: Final = lru_cache(maxsize=10_000)(values.name_called)
