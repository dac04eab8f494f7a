"""Every SELECT of the app. Reads take a Database and answer with frames or small frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    RowMapping,
    Select,
    case,
    cast,
    func,
    literal,
    null,
    select,
)

from jobs_data.jobs import frames
from jobs_data.jobs.counts import Counts, Found, read_counts, search
from jobs_data.jobs.creation_order import (
    within,
)
from jobs_data.jobs.folding import Folded, fold
from jobs_data.jobs.paging import OrderedJobs, newest_first, with_object
from jobs_data.jobs.view import DEFAULT_PAGE_SIZE, JobFilter, ListView, Sort, clamp_limit
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.owners import with_owner
from jobs_data.platform.status import FIXED_LABELS, State, label_of, state_of
from jobs_data.platform.tables import (
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
from jobs_data.url_values import parse_number

FALLBACK_CULTURE: Final = "en"
OUTPUT_TAIL_BYTES: Final = 200_000
CUT_LINE_CHARACTERS: Final = 1_000
OUTPUT_CHUNK_CHARACTERS: Final = 1_000_000
ERROR_TAIL_LINES: Final = 20
NEIGHBOURS_SECONDS: Final = 2


@dataclass(frozen=True)
class JobsList:
    """One page of the list with its cards, all read at one moment."""

    view: ListView
    """The view as shown: its page lies within the pages there are, its limit is set."""
    counts: Counts
    """Of all jobs, or, where the filter asks for more than a state, of those that it lets through."""
    rows: pd.DataFrame
    """See `frames.jobs_frame`."""
    status_labels: dict[State, str]
    """What the chips of the three main statuses say, in the configured culture."""
    read_at: datetime
    """When it was read, in UTC."""
    everything: Counts
    """How many jobs the database has, whatever the filter."""
    looked_at: int | None = None
    """At how many of them a search looked before its time was over; None where it looked at all."""
    folded: Folded | None = None
    """The lines, where the view folds repeated jobs: then `rows` is a `frames.folded_frame`."""

    @property
    def limit(self) -> int:
        """Return the rows on a full page."""
        return self.view.limit or DEFAULT_PAGE_SIZE

    @property
    def matching(self) -> int:
        """Return how many jobs the filter lets through, on all pages."""
        return self.counts.matching(self.view.filter.state)

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
    user_id: int | None
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
        self._found: dict[JobFilter, Found] = {}

    @cached_property
    def counts(self) -> Counts:
        """Return how many jobs there are."""
        return read_counts(self._connection)

    def found(self, job_filter: JobFilter) -> Found:
        """Return what a search for a filter's jobs finds, in whatever state they are."""
        wanted = job_filter.in_any_state
        if wanted not in self._found:
            self._found[wanted] = search(self._connection, self._database, wanted, self._read_at)
        return self._found[wanted]

    def read(self, view: ListView) -> JobsList:
        """Return the page that a view asks for; one past the end becomes the last page.

        Raises what the database driver raises, inside `Database.reading`.
        """
        limit = view.limit or self._hits_per_page
        asked = replace(view, limit=limit)
        if asked.fold and asked.sort is not Sort.DATE:
            asked = replace(asked, fold=False)  # what has the same name is together there anyway
        first = replace(asked, page=1, limit=2 * limit) if asked.fold else asked
        # Before the counts, because both take their time and can be at it together.
        newest = self._jobs(first).begin_newest()
        found = self.found(view.filter) if view.filter.is_search else Found(self.counts)
        matching_jobs = found.counts.matching(view.filter.state)
        pages = max(1, -(-matching_jobs // limit))
        shown = replace(asked, page=1 if asked.fold else min(asked.page, pages))
        if newest is None or (shown != asked and not asked.fold):
            by_span = found.by_span(view.filter.state) if view.filter.is_search else None
            jobs = self._jobs(first if asked.fold else shown, found.floor)
            ids = jobs.page(self.counts.total, matching_jobs, by_span)
        else:
            ids = newest()
        folded = None
        if asked.fold:
            folded = fold(self._connection, self._jobs(shown, found.floor), shown, ids)
            ids = [line[0] for line in folded.lines]
        terms = self._status_names
        rows = _frame_of(self._connection, self._database, ids, terms)
        return JobsList(
            view=shown,
            counts=found.counts,
            rows=self._lines(rows, folded) if folded else rows,
            status_labels={
                state: label_of(status_id, state, terms)
                for state, status_id in zip(
                    (State.ACTIVE, State.COMPLETED, State.FAILED), FIXED_LABELS, strict=True
                )
            },
            read_at=self._read_at,
            everything=self.counts,
            looked_at=found.looked_at,
            folded=folded,
        )

    def _lines(self, newest: pd.DataFrame, folded: Folded) -> pd.DataFrame:
        """Return the lines of a folded list as `frames.folded_frame`; `newest` has their first jobs."""
        line_of = {line[0]: line for line in folded.lines}
        lines = [line_of[job_id] for job_id in newest["id"]]
        last = [line[-1] for line in lines]
        asked = select(object_.c.id, object_.c.created_at).where(object_.c.id.in_(last))
        created = {row.id: row.created_at for row in self._connection.execute(asked)}
        return frames.folded_frame(
            newest, [len(line) for line in lines], map(created.get, last), self._database.timezone
        )

    def _jobs(self, view: ListView, floor: int | None = None) -> OrderedJobs:
        return OrderedJobs(self._connection, self._database, view, now=self._read_at, floor=floor)

    @cached_property
    def _hits_per_page(self) -> int:
        return _hits_per_page(self._connection, self._database)

    @cached_property
    def _status_names(self) -> dict[int, str]:
        return read_status_names(self._connection, self._database)


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
    """Return the counts alone, fresh from the primary. Raises DatabaseUnavailable."""
    with database.reading(primary=True) as connection:
        return read_counts(connection)


def read_jobs(database: Database, ids: Sequence[int]) -> pd.DataFrame:
    """Return those of a page's worth of ids that exist, as `frames.jobs_frame`, newest first.

    Asked of the primary: somebody is about to remove them. Raises DatabaseUnavailable.
    """
    with database.reading(primary=True) as connection:
        terms = read_status_names(connection, database)
        found = select(job.c.id).select_from(with_object()).where(job.c.id.in_(ids))
        in_order = connection.execute(found.order_by(*newest_first())).scalars().all()
        return _frame_of(connection, database, in_order, terms)


def read_report(database: Database, job_id: int) -> JobReport | None:
    """Return what is known of one job, or None where there is no such job.

    Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        statement = _report_columns(database).where(job.c.id == job_id)
        row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            return None
        terms = read_status_names(connection, database)
        notes = _error_notes(connection, database, [job_id])
        return _report(row, notes.get(job_id, ()), terms, database)


def read_reports(
    connection: Connection, database: Database, ids: Sequence[int], terms: dict[int, str]
) -> list[JobReport]:
    """Return what is known of those of some jobs that exist, but for their outputs, in the ids' order.

    `terms` are what `read_status_names` returns. Raises what the database driver raises, inside
    `Database.reading`.
    """
    statement = _report_columns(database, with_output=False).where(job.c.id.in_(ids))
    notes = _error_notes(connection, database, ids)
    reports = {
        row["id"]: _report(row, notes.get(row["id"], ()), terms, database)
        for row in connection.execute(statement).mappings()
    }
    return [reports[job_id] for job_id in ids if job_id in reports]


def read_neighbours(database: Database, view: ListView, job_id: int) -> tuple[int | None, int | None]:
    """Return the ids of the jobs before and after one in a view's filter and order, None at an end.

    The job itself need not be in the filter: it may have finished since. Raises DatabaseUnavailable,
    and TookTooLong soon: nobody should wait for a report because of the ways out of it.
    """
    with database.reading(NEIGHBOURS_SECONDS) as connection:
        jobs = OrderedJobs(connection, database, view)
        return jobs.next(job_id, backwards=True), jobs.next(job_id)


def read_download_path(database: Database, job_id: int) -> str | None:
    """Return a job's download path, empty where it has none, or None where there is no such job.

    Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        row = connection.execute(select(job.c.download_path).where(job.c.id == job_id)).one_or_none()
        return None if row is None else values.text(row.download_path)


def stream_output(database: Database, job_id: int) -> Iterator[str]:
    """Yield a job's whole output in pieces, so that no more than one of them is in memory.

    Each piece is a read of its own: a running job's output may grow meanwhile. Raises
    DatabaseUnavailable.
    """
    position = 1
    while True:
        piece = select(func.substr(job.c.output, position, OUTPUT_CHUNK_CHARACTERS))
        with database.reading() as connection:
            found = values.text(connection.execute(piece.where(job.c.id == job_id)).scalar())
        if found:
            yield found
        if len(found) < OUTPUT_CHUNK_CHARACTERS:
            return
        position += OUTPUT_CHUNK_CHARACTERS


def _report(
    row: RowMapping, notes: Sequence[str], terms: dict[int, str], database: Database
) -> JobReport:
    created = times.utc(row["created_at"], database.timezone)
    completed = times.utc(row["completed_at"], database.timezone)
    state = state_of(row["status_id"], row["has_ended"])
    recorded = row["duration"]
    # Clocks that disagree can put the end before the beginning: that is no duration.
    derived = None
    if created and completed and created <= completed:
        derived = int((completed - created).total_seconds())
    output, output_is_tail = values.text(row["output"]), bool(row["has_more"])
    if output_is_tail:
        output = output.encode()[-OUTPUT_TAIL_BYTES:].decode(errors="ignore")
        # A tail begins in the middle of a line; the rest of that line says little, unless it is long.
        cut_line, _, whole_lines = output.partition("\n")
        output = whole_lines if len(cut_line) < CUT_LINE_CHARACTERS else output
    errors = [ErrorText("Error note", text) for text in notes]
    if message := values.text(row["error_message"]).strip():
        errors.append(ErrorText("Error message", message))
    if state is State.FAILED and not errors and output.strip():
        last_lines = output.rstrip().splitlines()[-ERROR_TAIL_LINES:]
        errors.append(ErrorText("End of the output", "\n".join(last_lines)))
    return JobReport(
        id=row["id"],
        name=values.name_of(row),
        status_id=row["status_id"],
        status=label_of(row["status_id"], state, terms),
        state=state,
        user_id=row["user_id"],
        owner=values.owner_of(row),
        created=created,
        started=times.utc(row["started_at"], database.timezone),
        completed=completed,
        duration_seconds=recorded if recorded is not None else derived,
        duration_is_recorded=recorded is not None,
        type=values.filled(row["type"]),
        object_id=row["object_id"],
        slug=values.text(row["slug"]),
        download_path=values.text(row["download_path"]),
        output=output,
        output_bytes=row["output_bytes"] or 0,
        output_is_tail=output_is_tail,
        errors=tuple(errors),
        stack_trace=values.text(row["stack_trace"]).strip(),
    )


def _frame_of(
    connection: Connection, database: Database, ids: Sequence[int], terms: dict[int, str]
) -> pd.DataFrame:
    """Return the jobs with some ids, in their order, as `frames.jobs_frame`."""
    rows = connection.execute(_columns(database).where(job.c.id.in_(ids))).mappings()
    by_id = {row["id"]: row for row in rows}
    return frames.jobs_frame([by_id[i] for i in ids if i in by_id], terms, database.timezone)


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
    number = parse_number(values.text(value))
    return DEFAULT_PAGE_SIZE if number is None or number < 1 else clamp_limit(number)


def read_status_names(connection: Connection, database: Database) -> dict[int, str]:
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
    return {row.id: name for row in rows if (name := values.text(row.name).strip())}


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


def _report_columns(database: Database, *, with_output: bool = True) -> Select[Any]:
    """Select what the report shows of a job beyond the list's columns."""
    statement = _columns(database).add_columns(
        job.c.user_id, job.c.download_path, *_output_columns(database, is_wanted=with_output)
    )
    present = database.columns.get(job_execution.name, frozenset())
    if present:
        statement = statement.outerjoin(job_execution, job_execution.c.job_id == job.c.id)
    columns = ("type", "started_at", "duration", "error_message", "stack_trace")
    return statement.add_columns(
        *(job_execution.c[name] if name in present else null().label(name) for name in columns)
    )


def _output_columns(database: Database, *, is_wanted: bool) -> list[ColumnElement[Any]]:
    output_bytes: ColumnElement[Any]
    tail: ColumnElement[Any]
    if not is_wanted:
        output_bytes = tail = null()
    elif database.is_sqlite:
        output_bytes = func.length(cast(job.c.output, LargeBinary))
        tail = func.substr(job.c.output, -OUTPUT_TAIL_BYTES)
    else:
        output_bytes = func.length(job.c.output)
        tail = func.right(job.c.output, OUTPUT_TAIL_BYTES)
    return [
        # At most as many characters as the tail may have bytes; the rest is cut off here.
        tail.label("output"),
        (output_bytes > OUTPUT_TAIL_BYTES).label("has_more"),
        output_bytes.label("output_bytes"),
    ]


def _error_notes(
    connection: Connection, database: Database, ids: Sequence[int]
) -> dict[int, list[str]]:
    """Return the texts of jobs' error notes, each once: in the culture, else English, else any."""
    if not {note.name, note_i18n.name} <= database.tables:
        return {}
    rows = connection.execute(
        select(note.c.id, note.c.object_id, note_i18n.c.culture, note_i18n.c.content)
        .join_from(note, note_i18n, note_i18n.c.id == note.c.id)
        .where(note.c.object_id.in_(ids), note.c.type_id == ERROR_NOTE_TYPE_ID)
        .order_by(note.c.id)
    ).all()
    preference = {database.culture: 2, FALLBACK_CULTURE: 1}
    best_last = sorted(rows, key=lambda row: (row.id, preference.get(row.culture, 0)))
    best = {
        (row.object_id, row.id): content
        for row in best_last
        if (content := values.text(row.content).strip())
    }
    texts: dict[int, list[str]] = {}
    for (job_id, _), content in best.items():
        texts.setdefault(job_id, []).append(content)
    return texts
