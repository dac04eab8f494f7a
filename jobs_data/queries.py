"""Every SELECT of the app. Reads take a Database and answer with frames or small frozen values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    LargeBinary,
    Row,
    RowMapping,
    Select,
    and_,
    case,
    cast,
    collate,
    func,
    literal,
    null,
    or_,
    select,
)

from jobs_data import frames
from jobs_data.engine import Database, DatabaseUnavailable
from jobs_data.filters import (
    DEFAULT_PAGE_SIZE,
    JobFilter,
    ListView,
    Sort,
    clamp_limit,
    parse_number,
)
from jobs_data.owners import owner_names, with_owner
from jobs_data.platform import (
    ERROR_NOTE_TYPE_ID,
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    setting,
    setting_i18n,
    slug,
    term_i18n,
)
from jobs_data.spans import (
    BEFORE_ALL_TIMES,
    MAX_ID,
    Piece,
    Range,
    Window,
    count_by_span,
    created,
    within,
)
from jobs_data.status import COMPLETED, ERROR, FIXED_LABELS, State, is_in, label_of, state_of

FALLBACK_CULTURE: Final = "en"
OUTPUT_TAIL_BYTES: Final = 200_000
CUT_LINE_CHARACTERS: Final = 1_000
OUTPUT_CHUNK_CHARACTERS: Final = 1_000_000
EXPORT_CHUNK_ROWS: Final = 2_000
PIECE_JOBS: Final = 4_000
MAX_PIECE_JOBS: Final = 12_000
PACKET_BYTES: Final = 16 * 1024 * 1024
"""What a server sends in one value, if nobody has set it lower: 12,000 of the longest names."""

MAX_OVERLAP: Final = 5
EXPORT_SECONDS: Final = 3_600
"""How long an export may take: its statement ends only when its reader has read all of it."""

ERROR_TAIL_LINES: Final = 20

SHALLOW_JOBS: Final = 1_000
"""How far from the newest job a page may be to be looked for from there."""

SAMPLE_JOBS: Final = 5_000
BESIDE_SECONDS: Final = 4


@dataclass(frozen=True)
class Counts:
    """How many jobs there are in each state; `total` also counts those in none of the three."""

    total: int
    active: int
    completed: int
    failed: int

    @property
    def finished(self) -> int:
        """Return how many jobs may be removed."""
        return self.completed + self.failed

    @property
    def other(self) -> int:
        """Return how many jobs are neither active, completed nor failed."""
        return self.total - self.active - self.finished

    def matching(self, job_filter: JobFilter) -> int:
        """Return how many jobs a filter lets through."""
        match job_filter.state:
            case State.ACTIVE:
                return self.active
            case State.COMPLETED:
                return self.completed
            case State.FAILED:
                return self.failed
            case State.OTHER:
                return self.other
            case None:
                return self.total


@dataclass(frozen=True)
class JobsList:
    """One page of the list with its cards, all read at one moment."""

    view: ListView
    """The view as shown: its page lies within the pages there are, its limit is set."""
    counts: Counts
    rows: pd.DataFrame
    """See `frames.jobs_frame`."""
    status_labels: dict[State, str]
    """What the chips of the three main statuses say, in the configured culture."""
    read_at: datetime
    """When it was read, in UTC."""

    @property
    def limit(self) -> int:
        """Return the rows on a full page."""
        return self.view.limit or DEFAULT_PAGE_SIZE

    @property
    def matching(self) -> int:
        """Return how many jobs the filter lets through, on all pages."""
        return self.counts.matching(self.view.filter)

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one."""
        return max(1, -(-self.matching // self.limit))

    @property
    def first(self) -> int:
        """Return the position of the first row shown, counted from 1; 0 where there is none."""
        return (self.view.page - 1) * self.limit + 1 if self.matching else 0


@dataclass(frozen=True)
class ErrorText:
    """One text in which the platform says why a job failed, and where it was found."""

    source: str
    text: str


@dataclass(frozen=True)
class JobReport:
    """Everything the report shows of one job. Times are aware and in UTC; NULL texts are empty."""

    id: int
    name: str
    status_id: int | None
    status: str
    state: State
    owner: str
    created: datetime | None
    started: datetime | None
    completed: datetime | None
    duration_seconds: int | None
    duration_is_recorded: bool
    """Whether the platform recorded the duration; otherwise it is completed minus created."""
    type: str
    object_id: int | None
    slug: str
    download_path: str
    output: str
    """The output, or only its tail where it is larger than OUTPUT_TAIL_BYTES."""
    output_bytes: int
    """The size of the whole output in bytes of UTF-8."""
    output_is_tail: bool
    errors: tuple[ErrorText, ...]
    stack_trace: str


class Moment:
    """One moment of the database, in one transaction: all that is read from it agrees."""

    def __init__(self, database: Database, connection: Connection) -> None:
        """Speak of the moment that a transaction of `Database.reading` sees."""
        self._database = database
        self._connection = connection
        self._read_at = datetime.now(UTC)

    @cached_property
    def counts(self) -> Counts:
        """Return how many jobs there are."""
        return _counts(self._connection)

    def read(self, view: ListView) -> JobsList:
        """Return the page that a view asks for; one past the end becomes the last page.

        Raises what the database driver raises, inside `Database.reading`.
        """
        asked = replace(view, limit=view.limit or self._hits_per_page)
        newest = self._begin_newest(asked)  # before the counts: both take their time
        pages = max(1, -(-self.counts.matching(view.filter) // (asked.limit or 1)))
        shown = replace(asked, page=min(asked.page, pages))
        ids = newest() if newest and shown == asked else self._ids(shown)
        terms = self._status_names
        return JobsList(
            view=shown,
            counts=self.counts,
            rows=_frame_of(self._connection, self._database, ids, terms),
            status_labels={
                state: label_of(status_id, state, terms)
                for state, status_id in zip(
                    (State.ACTIVE, State.COMPLETED, State.FAILED), FIXED_LABELS, strict=True
                )
            },
            read_at=self._read_at,
        )

    @cached_property
    def _hits_per_page(self) -> int:
        return _hits_per_page(self._connection, self._database)

    @cached_property
    def _status_names(self) -> dict[int, str]:
        return _status_names(self._connection, self._database)

    def _begin_newest(self, view: ListView) -> Callable[[], list[int]] | None:
        """Begin to find a page that is near the newest job; None where there is another way to go."""
        limit = view.limit or DEFAULT_PAGE_SIZE
        wanted = view.page * limit
        if view.sort is not Sort.DATE or wanted > SHALLOW_JOBS or self._database.is_sqlite:
            return None
        find = _begin_newest(self._connection, self._database, view.filter, wanted)
        return lambda: find()[wanted - limit :]

    def _ids(self, view: ListView) -> list[int]:
        if newest := self._begin_newest(view):
            return newest()
        limit = view.limit or DEFAULT_PAGE_SIZE
        offset = (view.page - 1) * limit
        if view.sort is Sort.NAME:
            return _by_name(self._connection, self._database, view.filter, offset, limit)
        if self._database.is_sqlite:
            return _sorted_by_date(self._connection, view.filter, offset, limit)
        survey = self._database.survey
        spans = survey.spans(self._database.reading, self._connection, self.counts.total)
        where = _where(view.filter)
        if where:
            spans = spans.counting(count_by_span(self._connection, where))
        return _within(self._connection, view.filter, spans.window(offset, limit), limit)


def read_list(database: Database, view: ListView) -> JobsList:
    """Return the page of jobs that a view asks for with the counts, from one consistent read.

    A page past the end becomes the last page. Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        return Moment(database, connection).read(view)


def read_trend(database: Database, day_starts: Sequence[datetime]) -> pd.DataFrame:
    """Return the jobs created on each day as `frames.trend_frame`.

    `day_starts` are the aware starts of the days, oldest first. Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        return _trend(connection, database, day_starts)


def count_jobs(database: Database) -> Counts:
    """Return the counts alone, fresh from the database. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        return _counts(connection)


def read_jobs(database: Database, ids: Sequence[int]) -> pd.DataFrame:
    """Return those of a page's worth of ids that exist, as `frames.jobs_frame`, newest first.

    Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        terms = _status_names(connection, database)
        order = select(job.c.id).select_from(_with_object()).where(job.c.id.in_(ids))
        newest_first = connection.execute(order.order_by(*_newest_first())).scalars().all()
        return _frame_of(connection, database, newest_first, terms)


def read_report(database: Database, job_id: int) -> JobReport | None:
    """Return what is known of one job, or None where there is no such job.

    Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        statement = _report_columns(database).where(job.c.id == job_id)
        row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            return None
        terms = _status_names(connection, database)
        state = state_of(row["status_id"], row["has_ended"])
        notes = _error_notes(connection, database, job_id)
        return _report(row, notes, label_of(row["status_id"], state, terms), database)


def read_neighbours(database: Database, view: ListView, job_id: int) -> tuple[int | None, int | None]:
    """Return the ids of the jobs before and after one in a view's filter and order, None at an end.

    The job itself need not be in the filter: it may have finished since. Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        if view.sort is Sort.NAME:
            return (
                _next_by_name(connection, database, view.filter, job_id, backwards=True),
                _next_by_name(connection, database, view.filter, job_id),
            )
        here = connection.execute(
            select(job.c.id, object_.c.created_at).select_from(_with_object()).where(job.c.id == job_id)
        ).one_or_none()
        if here is None:
            return None, None
        return (
            _next_by_date(connection, database, view.filter, here, backwards=True),
            _next_by_date(connection, database, view.filter, here),
        )


def read_download_path(database: Database, job_id: int) -> str | None:
    """Return a job's download path, empty where it has none, or None where there is no such job.

    Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        row = connection.execute(select(job.c.download_path).where(job.c.id == job_id)).one_or_none()
        return None if row is None else frames.text(row.download_path)


def stream_output(database: Database, job_id: int) -> Iterator[str]:
    """Yield a job's whole output in pieces, so that no more than one of them is in memory.

    Each piece is a read of its own: a running job's output may grow meanwhile. Raises
    DatabaseUnavailable.
    """
    position = 1
    while True:
        piece = select(func.substr(job.c.output, position, OUTPUT_CHUNK_CHARACTERS))
        with database.reading() as connection:
            found = frames.text(connection.execute(piece.where(job.c.id == job_id)).scalar())
        if found:
            yield found
        if len(found) < OUTPUT_CHUNK_CHARACTERS:
            return
        position += OUTPUT_CHUNK_CHARACTERS


ExportedJob = tuple[str, str, str, str, str]
"""A job's name, status and owner, and when it was created and completed: as the platform has these
times, without a zone, and empty where it has none."""


def stream_jobs(database: Database, view: ListView) -> Iterator[list[ExportedJob]]:
    """Yield all jobs of a view's filter in its order, some thousands at a time.

    All come from one transaction, and memory does not grow with the number of jobs. Without jobs
    nothing, or empty lists, are yielded. Raises DatabaseUnavailable.
    """
    with database.reading(EXPORT_SECONDS) as connection:
        exporting = _Exporting(connection, database, view.filter)
        if view.sort is Sort.DATE and not database.is_sqlite:
            spans = database.survey.spans(database.reading, connection)
            # Where times do not follow ids, to sort all jobs once costs less than to look for each
            # piece among most of them.
            if spans.overlap() <= MAX_OVERLAP:
                connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {PACKET_BYTES}")
                yield from exporting.in_pieces(spans.pieces(PIECE_JOBS))
                return
        order = (_name_key(database), job.c.id.desc())
        yield from exporting.in_order(_newest_first() if view.sort is Sort.DATE else order)


class _Exporting:
    """The two ways in which an export reads its jobs."""

    def __init__(self, connection: Connection, database: Database, job_filter: JobFilter) -> None:
        self._connection = connection
        self._database = database
        self._where = _where(job_filter)
        self._terms = _status_names(connection, database)
        self._owners: dict[int | None, str] = {}
        self._statuses: dict[tuple[int | None, bool], str] = {}

    def in_pieces(self, pieces: Iterator[Piece]) -> Iterator[list[ExportedJob]]:
        """Yield the jobs of pieces; while one is written by us, the server reads the next."""
        with ThreadPoolExecutor(1, thread_name_prefix="export") as ahead:
            coming = ahead.submit(self._fetch, next(pieces, None))
            while True:
                piece, rows = coming.result()
                if piece is None:
                    return
                if rows is None:
                    yield from self.in_order(_newest_first(), *_created_in(piece))
                coming = ahead.submit(self._fetch, next(pieces, None))
                yield [
                    (
                        frames.name_called(name),
                        self._status(status_id, end is not None),
                        self._owners[user_id],
                        time or "",
                        end or "",
                    )
                    for _, _, user_id, status_id, name, time, end in rows or ()
                ]

    def _fetch(self, piece: Piece | None) -> tuple[Piece | None, list[Any] | None]:
        """Return a piece with its rows, newest first, or with None where they may be too many."""
        if piece is None or piece.at_most > MAX_PIECE_JOBS:
            return piece, None
        # The driver takes its time over every row, and next to none over one value of a megabyte.
        texts = (job.c.name, func.concat(object_.c.created_at), func.concat(job.c.completed_at))
        values = (
            func.json_quote(func.concat(created())),
            *(func.coalesce(column, "null") for column in (job.c.id, job.c.user_id, job.c.status_id)),
            *(func.coalesce(func.json_quote(text), "null") for text in texts),
        )
        in_json = func.group_concat(func.concat("[", func.concat_ws(",", *values), "]"))
        where = (*self._where, *_created_in(piece))
        statement = select(in_json).select_from(_with_object()).where(*where)
        found = self._connection.execute(statement).scalar()
        rows = sorted(json.loads(f"[{found or ''}]", strict=False), reverse=True)
        if unknown := {row[2] for row in rows} - self._owners.keys():
            names = owner_names(self._connection, self._database, unknown)
            self._owners |= {i: names.get(i, frames.SYSTEM_OWNER) for i in unknown}
        return piece, rows

    def in_order(
        self, order: Sequence[ColumnElement[Any]], *where: ColumnElement[bool]
    ) -> Iterator[list[ExportedJob]]:
        """Yield jobs row by row from a cursor that stays on the server."""
        source, owner = with_owner(self._database, _with_object(), job.c.user_id)
        has_ended = job.c.completed_at.is_not(None)
        times = (object_.c.created_at, job.c.completed_at)
        statement = (
            select(job.c.name, job.c.status_id, has_ended, *times, *owner)
            .select_from(source)
            .where(*self._where, *where)
            .order_by(*order)
        )
        result = self._connection.execution_options(
            stream_results=True, yield_per=EXPORT_CHUNK_ROWS
        ).execute(statement)
        try:
            for rows in result.partitions():
                yield [
                    (
                        frames.name_called(name),
                        self._status(status_id, has_ended),
                        frames.owner_called(*names),
                        str(time or ""),
                        str(end or ""),
                    )
                    for name, status_id, has_ended, time, end, *names in rows
                ]
        except GeneratorExit:
            # The reader has left. To end in order, the driver would first fetch all the rest.
            self._connection.invalidate()
            raise

    def _status(self, status_id: int | None, has_ended: bool) -> str:
        known = self._statuses.get((status_id, has_ended))
        if known is None:
            known = label_of(status_id, state_of(status_id, has_ended), self._terms)
            self._statuses[status_id, has_ended] = known
        return known


def _created_in(piece: Piece) -> list[ColumnElement[bool]]:
    where = [within(piece.ranges)]
    if piece.since is not None:
        where.append(created() >= piece.since)
    if piece.before is not None:
        where.append(created() < piece.before)
    return where


def _report(row: RowMapping, notes: Sequence[str], status: str, database: Database) -> JobReport:
    created = frames.utc(row["created_at"], database.timezone)
    completed = frames.utc(row["completed_at"], database.timezone)
    state = state_of(row["status_id"], row["has_ended"])
    recorded = row["duration"]
    # Clocks that disagree can put the end before the beginning: that is no duration.
    derived = None
    if created and completed and created <= completed:
        derived = int((completed - created).total_seconds())
    output, output_is_tail = frames.text(row["output"]), bool(row["has_more"])
    if output_is_tail:
        output = output.encode()[-OUTPUT_TAIL_BYTES:].decode(errors="ignore")
        # A tail begins in the middle of a line; the rest of that line says little, unless it is long.
        cut_line, _, whole_lines = output.partition("\n")
        output = whole_lines if len(cut_line) < CUT_LINE_CHARACTERS else output
    errors = [ErrorText("Error note", text) for text in notes]
    if message := frames.text(row["error_message"]).strip():
        errors.append(ErrorText("Error message", message))
    if state is State.FAILED and not errors and output.strip():
        last_lines = output.rstrip().splitlines()[-ERROR_TAIL_LINES:]
        errors.append(ErrorText("End of the output", "\n".join(last_lines)))
    return JobReport(
        id=row["id"],
        name=frames.name_of(row),
        status_id=row["status_id"],
        status=status,
        state=state,
        owner=frames.owner_of(row),
        created=created,
        started=frames.utc(row["started_at"], database.timezone),
        completed=completed,
        duration_seconds=recorded if recorded is not None else derived,
        duration_is_recorded=recorded is not None,
        type=frames.filled(row["type"]),
        object_id=row["object_id"],
        slug=frames.text(row["slug"]),
        download_path=frames.text(row["download_path"]),
        output=output,
        output_bytes=row["output_bytes"] or 0,
        output_is_tail=output_is_tail,
        errors=tuple(errors),
        stack_trace=frames.text(row["stack_trace"]).strip(),
    )


def _where(job_filter: JobFilter) -> list[ColumnElement[bool]]:
    return [] if job_filter.state is None else [is_in(job_filter.state)]


def _with_object() -> FromClause:
    return job.outerjoin(object_, object_.c.id == job.c.id)


def _newest_first() -> tuple[ColumnElement[Any], ...]:
    return created().desc(), job.c.id.desc()


def _name_key(database: Database) -> ColumnElement[str]:
    """Return what the order by name compares; never NULL, so that any two jobs have an order."""
    name = func.coalesce(job.c.name, "")
    # MySQL's collations sort without regard to case; SQLite has to be asked.
    return collate(name, "NOCASE") if database.is_sqlite else name


def _by_name(
    connection: Connection, database: Database, job_filter: JobFilter, offset: int, limit: int
) -> list[int]:
    """Return the ids of some jobs in the order of their names."""
    key = _name_key(database)
    where = _where(job_filter)
    in_order = select(job.c.id).order_by(key, job.c.id.desc()).limit(limit).offset(offset)
    # No name behind the last one wanted of a sample can be on the page: most names then need only
    # be compared, which takes half as long as to sort them.
    sample = select(key.label("name")).where(*where).order_by(*_id_order(job_filter)).limit(SAMPLE_JOBS)
    first_names = sample.subquery("sample")
    bound = connection.execute(
        select(first_names.c.name).order_by(first_names.c.name).limit(1).offset(offset + limit - 1)
    ).scalar()
    bounded = [] if bound is None else [key <= bound]
    return list(connection.execute(in_order.where(*where, *bounded)).scalars())


def _id_order(job_filter: JobFilter) -> tuple[ColumnElement[Any], ...]:
    """Return the order of descending ids, for a statement with a LIMIT."""
    if job_filter.state in {State.ACTIVE, State.OTHER}:
        # There are few of these, found by their status. The server would rather go through all jobs
        # from the newest on, because of the LIMIT; an expression is no order that it could follow.
        return ((job.c.id + 0).desc(),)
    return (job.c.id.desc(),)


def _sorted_by_date(
    connection: Connection, job_filter: JobFilter, offset: int, limit: int
) -> list[int]:
    """Return the ids of some jobs, newest first, by sorting all of them."""
    statement = select(job.c.id).select_from(_with_object()).where(*_where(job_filter))
    return list(
        connection.execute(statement.order_by(*_newest_first()).limit(limit).offset(offset)).scalars()
    )


def _within(connection: Connection, job_filter: JobFilter, window: Window, limit: int) -> list[int]:
    """Return the ids of some jobs, newest first, by sorting those of a window."""
    since = [] if window.since is None else [created() >= window.since]
    statement = (
        select(job.c.id)
        .select_from(_with_object())
        .where(*_where(job_filter), within(window.ranges), *since)
    )
    return list(
        connection.execute(
            statement.order_by(*_newest_first()).limit(limit).offset(window.skip)
        ).scalars()
    )


def _begin_newest(
    connection: Connection, database: Database, job_filter: JobFilter, wanted: int
) -> Callable[[], list[int]]:
    """Begin to find the newest jobs; what is returned waits for their ids, newest first.

    The largest ids nearly always are the newest jobs. Whether any other job is as new is looked up
    among the spans that reach into their time; before there has been a survey, among all objects, in
    a transaction of its own that runs beside this one's counts.
    """
    top = (
        select(job.c.id, object_.c.created_at)
        .select_from(_with_object())
        .where(*_where(job_filter))
        .order_by(*_id_order(job_filter))
        .limit(wanted)
    )
    found = [(row.created_at or BEFORE_ALL_TIMES, row.id) for row in connection.execute(top)]
    ids = [job_id for _, job_id in found]
    in_order = sorted(found, reverse=True) == found
    since = min((time for time, _ in found), default=BEFORE_ALL_TIMES)
    ranges = database.survey.reaching(since)

    def strays(connection: Connection) -> list[int]:
        if len(ids) < wanted:
            return []  # these are all that there are
        return _as_new(connection, job_filter, since, ids[-1], ranges, wanted)

    waiting = None if ranges is not None else _beside.submit(_in_transaction, database, strays)

    def newest() -> list[int]:
        try:
            others = waiting.result() if waiting else strays(connection)
        except DatabaseUnavailable:
            # It may wait for somebody who alters a table, and who waits for this transaction.
            others = strays(connection)
        if in_order and not others:
            return ids
        mixed = select(job.c.id).select_from(_with_object()).where(job.c.id.in_([*ids, *others]))
        return list(connection.execute(mixed.order_by(*_newest_first()).limit(wanted)).scalars())

    return newest


_beside: Final = ThreadPoolExecutor(2, thread_name_prefix="newest")


def _in_transaction(database: Database, read: Callable[[Connection], list[int]]) -> list[int]:
    with database.reading(BESIDE_SECONDS) as connection:
        return read(connection)


def _as_new(
    connection: Connection,
    job_filter: JobFilter,
    since: datetime,
    below: int,
    ranges: Sequence[Range] | None,
    wanted: int,
) -> list[int]:
    """Return the ids of the newest jobs below an id that were created since a time."""
    lower = [
        Range(r.first, min(r.last, below - 1))
        for r in (ranges or [Range(0, below - 1)])
        if r.first < below
    ]
    statement = _created_between(job_filter, since, None, lower)
    return list(connection.execute(statement.order_by(*_newest_first()).limit(wanted)).scalars())


def _next_by_date(
    connection: Connection,
    database: Database,
    job_filter: JobFilter,
    here: Row[Any, Any],
    *,
    backwards: bool = False,
) -> int | None:
    """Return the id of the next older job, or backwards the next newer one."""
    time = here.created_at or BEFORE_ALL_TIMES
    tied = created() == time
    if backwards:
        beyond = or_(created() > time, and_(tied, job.c.id > here.id))
        by_time, by_id = (created().asc(), job.c.id.asc()), job.c.id.asc()
        further = job.c.id > here.id
    else:
        beyond = or_(created() < time, and_(tied, job.c.id < here.id))
        by_time, by_id = (created().desc(), job.c.id.desc()), job.c.id.desc()
        further = job.c.id < here.id
    those = (
        select(job.c.id, object_.c.created_at)
        .select_from(_with_object())
        .where(*_where(job_filter), beyond)
        .limit(1)
    )
    if database.is_sqlite:
        return connection.execute(those.order_by(*by_time)).scalar()
    # The next id is a good guess. Nothing that is not between its time and ours can be nearer.
    guess = connection.execute(those.where(further).order_by(by_id)).one_or_none()
    if guess is None:
        ranges = database.survey.reaching(*((time, None) if backwards else (None, time)))
        those = those if ranges is None else those.where(within(ranges))
        return connection.execute(those.order_by(*by_time)).scalar()
    since, until = sorted((time, guess.created_at or BEFORE_ALL_TIMES))
    ranges = database.survey.reaching(since, until)
    statement = _created_between(job_filter, since, until, ranges or [Range(0, MAX_ID)])
    return connection.execute(statement.where(beyond).order_by(*by_time).limit(1)).scalar()


def _created_between(
    job_filter: JobFilter, since: datetime, until: datetime | None, ranges: Sequence[Range]
) -> Select[int]:
    """Select the ids of the jobs in some ranges that were created between two times, both included."""
    statement = select(job.c.id).where(*_where(job_filter))
    if until is not None:
        statement = statement.where(created() <= until)
    if since <= BEFORE_ALL_TIMES:
        # Jobs without a time, or without an object, are among them.
        return statement.select_from(_with_object()).where(within(ranges))
    # The objects first: few are of that time, and all the jobs would be looked at otherwise.
    return (
        statement.select_from(object_.join(job, job.c.id == object_.c.id))
        .prefix_with("STRAIGHT_JOIN")
        .where(within(ranges, object_.c.id), object_.c.created_at >= since)
    )


def _next_by_name(
    connection: Connection,
    database: Database,
    job_filter: JobFilter,
    job_id: int,
    *,
    backwards: bool = False,
) -> int | None:
    """Return the id of the next job in the order of names, or backwards of the one before."""
    key = _name_key(database)
    jobs = select(job.c.id).where(*_where(job_filter))
    by_id = job.c.id.asc() if backwards else job.c.id.desc()

    def first_called(name: str, *where: ColumnElement[bool]) -> int | None:
        found = jobs.where(key == name, *where).order_by(by_id).limit(1)
        return connection.execute(found).scalar()

    name = connection.execute(select(key).where(job.c.id == job_id)).scalar()
    if name is None:
        return None
    # Most names are those of many jobs, so that the next is found at once. Otherwise all are compared.
    tied = first_called(name, job.c.id > job_id if backwards else job.c.id < job_id)
    if tied is not None:
        return tied
    other_name = (
        select(func.max(key)).where(key < name)
        if backwards
        else select(func.min(key)).where(key > name)
    )
    next_name = connection.execute(other_name.where(*_where(job_filter))).scalar()
    return None if next_name is None else first_called(next_name)


def _frame_of(
    connection: Connection, database: Database, ids: Sequence[int], terms: dict[int, str]
) -> pd.DataFrame:
    """Return the jobs with some ids, in their order, as `frames.jobs_frame`."""
    rows = connection.execute(_columns(database).where(job.c.id.in_(ids))).mappings()
    by_id = {row["id"]: row for row in rows}
    return frames.jobs_frame([by_id[i] for i in ids if i in by_id], terms, database.timezone)


def _counts(connection: Connection) -> Counts:
    # Two statements that the index on status_id answers; counting completed_at IS NULL over all
    # jobs would read the whole table, so it is asked of the few unfinished ones alone.
    statuses = connection.execute(select(job.c.status_id, func.count()).group_by(job.c.status_id))
    by_status: dict[int | None, int] = dict(map(tuple, statuses))
    active = connection.execute(select(func.count()).where(is_in(State.ACTIVE))).scalar_one()
    return Counts(
        total=sum(by_status.values()),
        active=active,
        completed=by_status.get(COMPLETED, 0),
        failed=by_status.get(ERROR, 0),
    )


def _trend(connection: Connection, database: Database, day_starts: Sequence[datetime]) -> pd.DataFrame:
    """Count the jobs created on each day, by their state now."""
    created = object_.c.created_at
    naive = [start.astimezone(database.timezone).replace(tzinfo=None) for start in day_starts]
    # One CASE branch per day rather than a date function: it is the viewer's days that count.
    latest_first = [(created >= literal(start, created.type), day) for day, start in enumerate(naive)][
        ::-1
    ]
    day = case(*latest_first).label("day")
    ended = job.c.completed_at.is_not(None).label("ended")
    ranges = database.survey.reaching(naive[0])
    statement = (
        select(day, job.c.status_id, ended, func.count().label("jobs"))
        .select_from(job.join(object_, object_.c.id == job.c.id))
        .where(created >= literal(naive[0], created.type))
        .where(*([] if ranges is None else [within(ranges)]))
        .group_by("day", job.c.status_id, "ended")
    )
    counted = [
        (row.day, state_of(row.status_id, bool(row.ended)), row.jobs)
        for row in connection.execute(statement)
    ]
    return frames.trend_frame(counted, day_starts)


def _hits_per_page(connection: Connection, database: Database) -> int:
    if not {setting.name, setting_i18n.name} <= database.tables:
        return DEFAULT_PAGE_SIZE
    in_source_culture = setting_i18n.c.culture == setting.c.source_culture
    value = connection.execute(
        select(setting_i18n.c.value)
        .join_from(setting, setting_i18n, setting_i18n.c.id == setting.c.id)
        .where(setting.c.name == "hits_per_page", setting.c.scope.is_(None))
        .order_by(in_source_culture.desc(), setting.c.id)
        .limit(1)
    ).scalar()
    number = parse_number(frames.text(value))
    return DEFAULT_PAGE_SIZE if number is None or number < 1 else clamp_limit(number)


def _status_names(connection: Connection, database: Database) -> dict[int, str]:
    """Return the names of the three statuses, in the culture or else in English."""
    if term_i18n.name not in database.tables:
        return {}
    rows = connection.execute(
        select(term_i18n.c.id, term_i18n.c.culture, term_i18n.c.name).where(
            term_i18n.c.id.in_(FIXED_LABELS),
            term_i18n.c.culture.in_([FALLBACK_CULTURE, database.culture]),
        )
    ).all()
    # The configured culture comes last and so wins over the fallback.
    rows = sorted(rows, key=lambda row: row.culture == database.culture)
    return {row.id: name for row in rows if (name := frames.text(row.name).strip())}


def _columns(database: Database, source: FromClause = job) -> Select[Any]:
    """Select what the list, the report and the export show of each job.

    Tables that this database lacks are left out and their columns are NULL.
    """
    source = source.outerjoin(object_, object_.c.id == job.c.id)
    source, owner = with_owner(database, source, job.c.user_id)
    slug_text: ColumnElement[Any] = null()
    if slug.name in database.tables:
        source = source.outerjoin(slug, slug.c.object_id == job.c.object_id)
        slug_text = slug.c.slug
    return select(
        job.c.id,
        job.c.name,
        job.c.status_id,
        job.c.completed_at,
        # Asked of the database, because a completion time can be there and unreadable.
        job.c.completed_at.is_not(None).label("has_ended"),
        job.c.object_id,
        object_.c.created_at.label("created_at"),
        *owner,
        slug_text.label("slug"),
    ).select_from(source)


def _report_columns(database: Database) -> Select[Any]:
    """Select what the report shows of a job beyond the list's columns."""
    if database.is_sqlite:
        output_bytes = func.length(cast(job.c.output, LargeBinary))
        tail = func.substr(job.c.output, -OUTPUT_TAIL_BYTES)
    else:
        output_bytes = func.length(job.c.output)
        tail = func.right(job.c.output, OUTPUT_TAIL_BYTES)
    statement = _columns(database).add_columns(
        job.c.download_path,
        # At most as many characters as the tail may have bytes; the rest is cut off here.
        tail.label("output"),
        (output_bytes > OUTPUT_TAIL_BYTES).label("has_more"),
        output_bytes.label("output_bytes"),
    )
    present = database.columns.get(job_execution.name, frozenset())
    if present:
        statement = statement.outerjoin(job_execution, job_execution.c.job_id == job.c.id)
    columns = ("type", "started_at", "duration", "error_message", "stack_trace")
    return statement.add_columns(
        *(job_execution.c[name] if name in present else null().label(name) for name in columns)
    )


def _error_notes(connection: Connection, database: Database, job_id: int) -> list[str]:
    """Return the texts of a job's error notes, each once: in the culture, else English, else any."""
    if not {note.name, note_i18n.name} <= database.tables:
        return []
    rows = connection.execute(
        select(note.c.id, note_i18n.c.culture, note_i18n.c.content)
        .join_from(note, note_i18n, note_i18n.c.id == note.c.id)
        .where(note.c.object_id == job_id, note.c.type_id == ERROR_NOTE_TYPE_ID)
        .order_by(note.c.id)
    ).all()
    preference = {database.culture: 2, FALLBACK_CULTURE: 1}
    best_last = sorted(rows, key=lambda row: (row.id, preference.get(row.culture, 0)))
    texts = {row.id: content for row in best_last if (content := frames.text(row.content).strip())}
    return list(texts.values())
