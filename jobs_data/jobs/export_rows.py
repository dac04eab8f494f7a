"""The rows of an export: all jobs of a view, from one transaction, in constant memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice, pairwise
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

FIRST_PIECES: Final = 2
"""How many pieces the first statement reads; they are sent before any other is read."""

PIECES_TOGETHER: Final = 25
PACKET_BYTES: Final = 16 * 1024 * 1024
"""The usual limit of one value from a server."""

FIRST_REPORTS: Final = 100
"""Of how many jobs all columns are read first, so that the first come at once."""

REPORTS_TOGETHER: Final = 1_000
TEXTS_TOGETHER: Final = 2_000_000
"""How much long text, in the database's own measure, the reports read at a time have, but for one
that has more alone."""

LONG_TEXT: Final = 1_000
"""From this length on, a text counts as long."""

FEW_JOBS: Final = 20_000
"""Up to this many jobs the database sorts by date, within a fifth of a second."""

EXPORT_SECONDS: Final = 3_600
"""How long an export may take: its statement ends only when the client has read everything."""


Who = tuple[str, str, str]
"""A job's name, status and owner: the same object for all jobs with the same ones."""

ExportedJob = tuple[Who, str, str]
"""A job, and when it was created and completed: as the platform has these times, without a zone, and
empty where it has none."""


@contextmanager
def exporting(
    database: Database, view: ListView, order: CreationOrder | None = None
) -> Iterator[Exporting]:
    """Open the one transaction of an export of all jobs of a view's filter, in its order.

    By date, `order` is what is known of the order; without it the database sorts. Before its survey
    has ended, jobs come by id, sorted by date among their neighbours: exact where no job is further
    from its id's place than half a piece, which is PIECE_JOBS jobs or what fits into a packet of the
    server. A database of at most FEW_JOBS jobs sorts instead. Raises DatabaseUnavailable.
    """
    with database.reading(EXPORT_SECONDS, silence=LONGEST_SILENCE_SECONDS) as connection:
        yield Exporting(connection, database, view, order)


_Row = tuple[str, int, str, str | None]
"""When a job was created, its id, its user, status and name in one text, and when it completed."""


class Exporting:
    """Reads the jobs of an export, in constant memory."""

    def __init__(
        self,
        connection: Connection,
        database: Database,
        view: ListView,
        order: CreationOrder | None,
    ) -> None:
        """Read in a transaction: see `exporting`."""
        self._connection = connection
        self._database = database
        self._view = view
        source = source_of(database, view.sort)
        has_object = view.sort in {Sort.DATE, Sort.DURATION}
        self._source = source if has_object else source.outerjoin(object_, object_.c.id == job.c.id)
        self._now = datetime.now(UTC)
        self._where = matching(view.filter, database, self._now)
        self._terms = read_status_names(connection, database)
        self._owners: dict[int | None, str] = {}
        is_by_id = order is not None and view.sort is Sort.DATE and not database.is_sqlite
        # One export follows one order, also if it turns out stale later.
        self._known = order.known if order and is_by_id else None
        self._is_surveyed = self._known is not None
        if order and is_by_id and not self._is_surveyed and not order.is_too_mixed:
            order.keep_surveyed()
            self._known = self._by_id()

    def jobs(self) -> Iterator[list[ExportedJob]]:
        """Yield the jobs, some thousands at a time."""
        jobs = self._jobs_in_one_value() if self._known else 0
        if not self._known or not jobs:
            yield from self._sorted()
            return
        user_ids = self._connection.execute(select(job.c.user_id).distinct()).scalars().all()
        names = owner_names(self._connection, self._database, user_ids)
        self._owners = {i: names.get(i, values.SYSTEM_OWNER) for i in user_ids}
        pieces = self._each_in_one_value(self._pieces(self._known, jobs))
        who = lru_cache(maxsize=10_000)(self._who_of_key)
        for rows in self._merged(self._known, pieces):
            yield [
                (who(key, end is not None), "" if time.startswith(_NEVER) else time, end or "")
                for time, _, key, end in rows
            ]

    def reports(self, outcomes: Outcomes | None) -> Iterator[list[tuple[JobReport, Outcome | None]]]:
        """Yield all columns of the jobs, without outputs, at most a thousand jobs at a time.

        Fewer where their texts are long. Each comes with the outcome of a finished job, which is read
        if `outcomes` does not know it. Where the database sorts, memory grows by the eight bytes of
        each job's id.
        """
        for ids in self._ids():
            finished = read_finished(self._connection, job.c.id.in_(ids))
            found = read_outcomes_of(self._connection, self._database, finished, outcomes)
            for reports in self._reports(ids):
                yield [(report, found.get(report.id)) for report in reports]

    def _ids(self) -> Iterator[list[int]]:
        """Yield the ids of all jobs, at most a thousand at a time."""
        if self._known:
            pieces = self._pieces(self._known, PIECE_JOBS)
            batches = self._merged(self._known, map(self._read, pieces))
            ids: Iterable[list[int]] = ([row[1] for row in rows] for rows in batches)
        else:
            statement = select(job.c.id).select_from(self._source).where(*self._where)
            statement = statement.order_by(*in_order(self._database, self._view, self._now))
            chunks = self._stream(statement, EXPORT_CHUNK_ROWS)
            # Fetch all ids first: reading the jobs needs the same connection.
            ids = [np.fromiter((row.id for rows in chunks for row in rows), np.int64).tolist()]
        together = FIRST_REPORTS
        for batch in ids:
            first = 0
            while first < len(batch):
                yield batch[first : first + together]
                first, together = first + together, REPORTS_TOGETHER

    def _by_id(self) -> IdOrder | None:
        """Return the order by ids alone; None where the database soon has sorted all jobs."""
        few = select(job.c.id).limit(FEW_JOBS + 1).subquery("few")
        if self._connection.execute(select(func.count()).select_from(few)).scalar_one() <= FEW_JOBS:
            return None
        return IdOrder(end=self._connection.execute(select(func.max(job.c.id))).scalar_one() + 1)

    def _jobs_in_one_value(self) -> int:
        """Return how many jobs fit into one value of the server, with room for as many more."""
        self._connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {PACKET_BYTES}")
        sizes = "SELECT LEAST(@@group_concat_max_len, @@max_allowed_packet)"
        at_most = self._connection.exec_driver_sql(sizes).scalar_one() // JOB_BYTES
        return int(min(PIECE_JOBS, at_most // 2))

    def _pieces(self, known: IdOrder, jobs: int) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions of the jobs in order, about `jobs` at a time, in the list's order."""
        if self._is_surveyed:
            marks = known.marks[:: max(1, jobs // strays.MARK_JOBS)].tolist()
            edges = [0, *marks, known.end]
            in_order: Iterable[int] = edges if self._view.is_reversed else edges[::-1]
        else:
            in_order = self._edges(known.end, jobs)
        for edge, following in pairwise(in_order):
            yield is_in_order(known, min(edge, following), max(edge, following))

    def _edges(self, end: int, jobs: int) -> Iterator[int]:
        """Yield ids with `jobs` jobs between them, in the list's order, from one end to the other."""
        is_reversed = self._view.is_reversed
        edge: int | None = 0 if is_reversed else end
        while edge is not None:
            yield edge
            following = job.c.id >= edge if is_reversed else job.c.id < edge
            ids = select(job.c.id).where(following).limit(1).offset(jobs if is_reversed else jobs - 1)
            ids = ids.order_by(job.c.id if is_reversed else job.c.id.desc())
            edge = self._connection.execute(ids).scalar()
        yield end if is_reversed else 0

    def _merged(self, known: IdOrder, pieces: Iterable[Iterable[_Row]]) -> Iterator[list[_Row]]:
        """Yield the rows of the pieces in order, with strays and newest jobs merged in.

        Each job comes once, also if a job was inserted below the newest ids since the survey. Without a
        survey, each piece is sorted together with the one before it.
        """
        is_reversed = self._view.is_reversed
        if not self._is_surveyed:
            before: list[_Row] = []
            for piece in pieces:
                rows = sorted([*before, *piece], reverse=not is_reversed)
                yield rows[: len(before)]
                before = rows[len(before) :]
            yield before
            return
        loose = sorted(self._read(is_loose(known)), reverse=is_reversed)  # the next one comes last
        for piece in pieces:
            rows = sorted(piece, reverse=not is_reversed)
            if not rows:
                continue
            last, in_order = rows[-1][:2], len(rows)
            while loose and (loose[-1][:2] < last if is_reversed else loose[-1][:2] > last):
                rows.append(loose.pop())
            yield rows if len(rows) == in_order else sorted(rows, reverse=not is_reversed)
        yield loose[::-1]

    def _read(self, which: ColumnElement[bool]) -> list[_Row]:
        ended = cast(job.c.completed_at, String())
        rows = select(created_text(), job.c.id, _KEY, ended).select_from(with_object())
        return [(*row,) for row in self._connection.execute(rows.where(*self._where, which))]

    def _each_in_one_value(self, pieces: Iterator[ColumnElement[bool]]) -> Iterator[Iterable[_Row]]:
        """Yield the rows of each piece, while the server already reads the next of them.

        Drivers are slow for each row, but fast for one value of a megabyte. The value is JSON, so
        that a name cannot be mistaken for anything else: one flat list, which is read fastest.
        """
        ended = func.coalesce(func.concat('"', job.c.completed_at, '"'), "null")
        row = func.concat('"', created_text(), '",', job.c.id, ",", func.json_quote(_KEY), ",", ended)
        jobs = select(func.group_concat(row)).select_from(with_object()).where(*self._where)
        together = FIRST_PIECES
        while some := list(islice(pieces, together)):
            together = PIECES_TOGETHER
            with closing(self._stream(union_all(*map(jobs.where, some)), 1)) as chunks:
                for [(value,)] in chunks:
                    flat = json.loads(f"[{value or ''}]", strict=False)
                    yield zip(flat[::4], flat[1::4], flat[2::4], flat[3::4], strict=True)

    def _sorted(self) -> Iterator[list[ExportedJob]]:
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
                        self._who(name, status_id, has_ended, values.owner_called(*names)),
                        str(time or ""),
                        str(end or ""),
                    )
                    for name, status_id, has_ended, time, end, *names in rows
                ]

    def _reports(self, ids: Sequence[int]) -> Iterator[list[JobReport]]:
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

    def _who_of_key(self, key: str, has_ended: bool) -> Who:
        user_id, status_id, *name = key.split("|", 2)
        owner = self._owners[int(user_id) if user_id else None]
        status = int(status_id) if status_id else None
        return self._who(name[0] if name else None, status, has_ended, owner)

    def _who(self, name: str | None, status_id: int | None, has_ended: bool, owner: str) -> Who:
        status = label_of(status_id, state_of(status_id, has_ended), self._terms)
        return values.name_called(name), status, owner


_NEVER: Final = str(BEFORE_ALL_TIMES)

_KEY: Final = func.concat_ws(
    "|", func.coalesce(job.c.user_id, ""), func.coalesce(job.c.status_id, ""), job.c.name
)
"""A job's user and status, and its name if it has one: thousands of jobs share them."""
