"""The rows of an export: all jobs of a view, from one transaction, in constant memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from typing import Any, Final

import numpy as np
from sqlalchemy import ColumnElement, Connection, Executable, func, select, union_all

from jobs_data.jobs.creation_order import BEFORE_ALL_TIMES, Ids, Piece, Spans, created, within
from jobs_data.jobs.job_report import JobReport, read_reports
from jobs_data.jobs.paging import in_order, with_object
from jobs_data.jobs.view import ListView, Sort
from jobs_data.jobs.where import matching
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.engine import LONGEST_SILENCE_SECONDS
from jobs_data.platform.owners import owner_names, with_owner
from jobs_data.platform.status import label_of, state_of
from jobs_data.platform.status_names import read_status_names
from jobs_data.platform.tables import ERROR_NOTE_TYPE_ID, job, job_execution, note, note_i18n, object_

EXPORT_CHUNK_ROWS: Final = 2_000
PIECE_JOBS: Final = 4_000
JOB_BYTES: Final = 2_000
"""What one job may take in JSON: the longest name, six bytes a character, and the rest."""

PIECES_TOGETHER: Final = 25
PACKET_BYTES: Final = 16 * 1024 * 1024
"""What a server sends in one value, if nobody has set it lower."""

REPORTS_TOGETHER: Final = 1_000
TEXTS_TOGETHER: Final = 2_000_000
"""How much long text, in the database's own measure, the reports read at a time have, but for one
that has more alone."""

LONG_TEXT: Final = 1_000
"""From this on, in the same measure, a text counts as long."""

MAX_OVERLAP: Final = 5
EXPORT_SECONDS: Final = 3_600
"""How long an export may take: its statement ends only when its reader has read all of it."""


ExportedJob = tuple[str, str, str, str, str]
"""A job's name, status and owner, and when it was created and completed: as the platform has these
times, without a zone, and empty where it has none."""


def stream_jobs(database: Database, view: ListView) -> Iterator[list[ExportedJob]]:
    """Yield all jobs of a view's filter in its order, some thousands at a time.

    All come from one transaction, and memory does not grow with the number of jobs. Without jobs
    nothing, or empty lists, are yielded. Raises DatabaseUnavailable.
    """
    with database.reading(EXPORT_SECONDS, silence=LONGEST_SILENCE_SECONDS) as connection:
        exporting = _Exporting(connection, database, view)
        if spans := exporting.spans_to_follow():
            yield from exporting.in_pieces(spans)
        else:
            yield from exporting.in_order()


def stream_reports(database: Database, view: ListView) -> Iterator[list[JobReport]]:
    """Yield what is known of all jobs of a view's filter, without outputs, in its order.

    All come from one transaction, at most a thousand at a time, and fewer where their texts are long.
    Memory grows by the eight bytes of each job's id at most. Raises DatabaseUnavailable.
    """
    with database.reading(EXPORT_SECONDS, silence=LONGEST_SILENCE_SECONDS) as connection:
        exporting = _Exporting(connection, database, view)
        for ids in exporting.ids():
            for first in range(0, len(ids), REPORTS_TOGETHER):
                yield from exporting.reports(ids[first : first + REPORTS_TOGETHER].tolist())


class _Exporting:
    """The ways in which an export reads its jobs."""

    def __init__(self, connection: Connection, database: Database, view: ListView) -> None:
        self._connection = connection
        self._database = database
        self._view = view
        self._where = matching(view.filter, database)
        self._terms = read_status_names(connection, database)
        self._statuses: dict[tuple[int | None, bool], str] = {}

    def spans_to_follow(self) -> Spans | None:
        """Return the spans by which jobs are found piece by piece; None where all are to be sorted."""
        if self._view.sort is not Sort.DATE or self._database.is_sqlite:
            return None
        spans = self._database.survey.spans(self._database.reading, self._connection)
        # Where times do not follow ids, to sort all jobs once costs less than to look for each piece
        # among most of them.
        return spans if spans.overlap() <= MAX_OVERLAP else None

    def in_pieces(self, spans: Spans) -> Iterator[list[ExportedJob]]:
        """Yield jobs piece by piece."""
        self._connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {PACKET_BYTES}")
        sizes = "SELECT LEAST(@@group_concat_max_len, @@max_allowed_packet)"
        at_most = self._connection.exec_driver_sql(sizes).scalar_one() // JOB_BYTES
        user_ids = self._connection.execute(select(job.c.user_id).distinct()).scalars().all()
        names = owner_names(self._connection, self._database, user_ids)
        owners = {i: names.get(i, values.SYSTEM_OWNER) for i in user_ids}
        together: list[Piece] = []
        for piece in self._pieces(spans, min(PIECE_JOBS, at_most // 3 + 1)):
            if piece.at_most <= at_most:
                together.append(piece)
            if piece.at_most > at_most or len(together) == PIECES_TOGETHER:
                yield from self._each_in_one_value(together, owners)
                together = []
            if piece.at_most > at_most:
                yield from self.in_order(*_created_in(piece))
        yield from self._each_in_one_value(together, owners)

    def _pieces(self, spans: Spans, jobs: int) -> Iterable[Piece]:
        newest_first = spans.pieces(jobs)
        return reversed(list(newest_first)) if self._view.is_reversed else newest_first

    def _each_in_one_value(
        self, pieces: Sequence[Piece], owners: Mapping[int | None, str]
    ) -> Iterator[list[ExportedJob]]:
        """Yield the jobs of pieces, while the server already reads the next of them.

        The driver takes its time over every row, and next to none over a value of a megabyte. The
        value is JSON, so that no name can be taken for anything but a name.
        """
        if not pieces:
            return
        values = (
            func.json_quote(func.concat(created())),
            *(func.coalesce(column, "null") for column in (job.c.id, job.c.user_id, job.c.status_id)),
            func.coalesce(func.json_quote(job.c.name), "null"),
            func.coalesce(func.json_quote(func.concat(job.c.completed_at)), "null"),
        )
        in_one = func.group_concat(func.concat("[", func.concat_ws(",", *values), "]"))
        jobs = select(in_one).select_from(with_object()).where(*self._where)
        statement = union_all(*(jobs.where(*_created_in(piece)) for piece in pieces))
        with closing(self._stream(statement, 1)) as chunks:
            for [(value,)] in chunks:
                rows = json.loads(f"[{value or ''}]", strict=False)
                rows.sort(reverse=not self._view.is_reversed)
                yield [
                    (
                        _name(name),
                        self._status(status_id, end is not None),
                        owners[user_id],
                        "" if time == _NEVER else time,
                        end or "",
                    )
                    for time, _, user_id, status_id, name, end in rows
                ]

    def in_order(self, *where: ColumnElement[bool]) -> Iterator[list[ExportedJob]]:
        """Yield jobs row by row."""
        source, owner = with_owner(self._database, with_object(), job.c.user_id)
        has_ended = job.c.completed_at.is_not(None)
        times = (object_.c.created_at, job.c.completed_at)
        statement = (
            select(job.c.name, job.c.status_id, has_ended, *times, *owner)
            .select_from(source)
            .where(*self._where, *where)
            .order_by(*in_order(self._database, self._view))
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

    def ids(self) -> Iterator[Ids]:
        """Yield the ids of all jobs, piece by piece or all at once."""
        spans = self.spans_to_follow()
        statement = select(job.c.id).select_from(with_object()).where(*self._where)
        statement = statement.order_by(*in_order(self._database, self._view))
        for piece in self._pieces(spans, PIECE_JOBS) if spans else [None]:
            found = statement if piece is None else statement.where(*_created_in(piece))
            chunks = self._stream(found, EXPORT_CHUNK_ROWS)
            yield np.fromiter((row.id for rows in chunks for row in rows), dtype=np.int64)

    def reports(self, ids: Sequence[int]) -> Iterator[list[JobReport]]:
        """Yield what is known of some jobs, so many at a time as their texts allow."""
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
                select(note.c.object_id, func.length(note_i18n.c.content))
                .join_from(note, note_i18n, note_i18n.c.id == note.c.id)
                .where(note.c.type_id == ERROR_NOTE_TYPE_ID)
            )
        sizes: Counter[int] = Counter()
        for statement in texts:
            job_id, length = statement.selected_columns
            long = statement.where(job_id.in_(ids), length >= LONG_TEXT)
            for of, size in self._connection.execute(long):
                sizes[of] += size
        return sizes

    def _stream(self, statement: Executable, rows: int) -> Generator[Sequence[Any]]:
        """Yield so many rows at a time from a cursor that stays on the server."""
        options = {"stream_results": True, "yield_per": rows}
        result = self._connection.execute(statement, execution_options=options)
        try:
            yield from result.partitions()
        except GeneratorExit:
            # The reader has left. To end in order, PyMySQL would first fetch all the rest.
            self._connection.invalidate()
            raise

    def _status(self, status_id: int | None, has_ended: bool) -> str:
        known = self._statuses.get((status_id, has_ended))
        if known is None:
            known = label_of(status_id, state_of(status_id, has_ended), self._terms)
            self._statuses[status_id, has_ended] = known
        return known


_NEVER: Final = str(BEFORE_ALL_TIMES)

# Jobs share their names by the thousand.
_name: Final = lru_cache(maxsize=10_000)(values.name_called)


def _created_in(piece: Piece) -> list[ColumnElement[bool]]:
    where = [within(piece.ranges)]
    if piece.since is not None:
        where.append(created() >= piece.since)
    if piece.before is not None:
        where.append(created() < piece.before)
    return where
