"""Everything that a job's page shows."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    func,
    null,
    select,
)

from jobs_data import plain_text
from jobs_data.jobs.columns import job_columns, with_run
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.durations import why_unknown
from jobs_data.jobs.failure_reasons import find_in_texts, needs_more_output, read_around_errors
from jobs_data.jobs.notes import Note, read_notes
from jobs_data.jobs.outcomes import read_finished, read_outcomes_of
from jobs_data.jobs.paging import OrderedJobs
from jobs_data.jobs.started_by import read_started_by
from jobs_data.jobs.view import ListView
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import (
    byte_length,
    character_length,
    first_characters,
    in_utf8,
    last_characters,
)
from jobs_data.platform.status import State, label_of, state_of
from jobs_data.platform.status_names import read_status_names
from jobs_data.platform.tables import job
from jobs_data.reasons.finding import Weight
from jobs_data.reasons.lines import lines_of, read_record
from jobs_data.reasons.outputs import LEAST_CUT_BYTES, LINE_CHARACTERS, OutputFacts, read_output
from jobs_data.reasons.parameters import read_parameters

OUTPUT_TAIL_BYTES: Final = 200_000
OUTPUT_HEAD_CHARACTERS: Final = 20_000
"""How much of the beginning of a longer output is read for its parameters."""

CUT_LINE_CHARACTERS: Final = 1_000
OUTPUT_READ_BYTES: Final = 8_000_000
"""How much of an output one statement reads: the server reads everything up to there each time."""

OUTPUT_PIECE_BYTES: Final = 1_000_000
EXCERPT_LINES: Final = 20
"""How many of the last lines of a text are shown, where the reason is among them."""

EXCERPT_LINES_BEFORE: Final = 6
EXCERPT_LINES_AFTER: Final = 8
EXCERPT_COLUMNS: Final = 1_000
EXCERPT_COLUMNS_AROUND: Final = 300
"""How much of the reason's line is shown, and of the lines around it."""

NEIGHBOURS_SECONDS: Final = 2
COMPARED_ERRORS: Final = 20
"""Of more error texts, only the first are merged: each is compared with each."""


@dataclass(frozen=True)
class ErrorText:
    """One text in which the platform says why a job failed, and where it was found."""

    source: str
    """Where it was found; of a text that was found more than once, all places, with commas."""
    text: str
    reason_line: int | None = None
    """Which of the text's `lines_of` is the reason, from 0; None where it is in another text."""

    @property
    def excerpt(self) -> ErrorText:
        """Return the reason's line with some around it, or else its first lines; long lines are cut."""
        lines = lines_of(self.text)
        line = self.reason_line or 0
        last = max((at for at, one in enumerate(lines) if one.strip()), default=0)
        first = max(0, min(line - EXCERPT_LINES_BEFORE, last + 1 - EXCERPT_LINES))
        shown = lines[first : min(line + EXCERPT_LINES_AFTER, last) + 1]
        cut = (
            _cut(one, EXCERPT_COLUMNS if at == line else EXCERPT_COLUMNS_AROUND)
            for at, one in enumerate(shown, first)
        )
        reason_line = None if self.reason_line is None else line - first
        return ErrorText(self.source, "\n".join(cut), reason_line)

    @property
    def marked(self) -> str:
        """Return the text with a mark before the line that is the reason, where there are others."""
        lines = lines_of(self.text)
        if self.reason_line is None or len(lines) == 1:
            return self.text
        return "\n".join(
            f"{'▶' if at == self.reason_line else ' '} {one}" for at, one in enumerate(lines)
        )


@dataclass(frozen=True)
class Timeline:
    """When a job was queued, started and ended. Times are aware and in UTC.

    Seconds are None where one of their two times is missing, before the other, or not to be trusted:
    before `times.EARLIEST`, or in the future.
    """

    created: datetime | None
    started: datetime | None
    """Also None if the platform does not record it, as on AtoM."""
    completed: datetime | None
    waited_seconds: int | None
    """From created to started."""
    ran_seconds: int | None
    """From started to completed; of an active job, until now."""
    total_seconds: int | None
    """From created to completed; of an active job, until now."""


@dataclass(frozen=True)
class JobReport:
    """Everything the report shows of one job. Times are aware and in UTC; NULL texts are empty."""

    id: int
    name: str
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
    duration_unknown: str
    """Why a job that has ended has no duration; empty where it has one, and while it runs."""
    type: str
    object_id: int | None
    slug: str
    download_path: str
    output: str
    """The output's lines as a terminal shows them, or only the tail where it is larger than
    OUTPUT_TAIL_BYTES."""
    output_bytes: int
    """The size of the whole output in bytes of UTF-8."""
    errors: tuple[ErrorText, ...]
    """`read_report` has each text once: equal ones, and one inside another, are merged."""
    stack_trace: str
    reason: str = ""
    """Why the job failed, in one line; empty if unknown or not read."""
    more_errors: int = 0
    """How many more errors its output has than the reason."""
    notes: tuple[Note, ...] = ()
    """All notes but those of errors, the oldest first."""
    started_by: str = ""
    """A user, a visitor or the system; empty if not read."""
    facts: OutputFacts = field(default_factory=lambda: read_output(""))
    """What the output says, with the parameters; of a long one what its beginning and its end say.

    Of a finished job `read_report` counts errors and warnings as the list does: `jobs.outcomes`.
    """

    @property
    def description(self) -> str:
        """Return the notes without a type, with a blank line between them."""
        return "\n\n".join(note.text for note in self.notes if note.type_id is None)

    @property
    def further_errors(self) -> tuple[ErrorText, ...]:
        """Return the error texts that say more than the reason; without a failure, the first error."""
        said = self.reason if self.state is State.FAILED else self.facts.first_error
        return tuple(error for error in self.errors if _message(error) != said)

    def timeline(self, now: datetime) -> Timeline:
        """Return how long it waited and ran, for an active job until `now`, which is aware."""
        end = now if self.state is State.ACTIVE else self.completed
        return Timeline(
            created=self.created,
            started=self.started,
            completed=self.completed,
            waited_seconds=_seconds(self.created, self.started, now),
            ran_seconds=_seconds(self.started, end, now),
            total_seconds=_seconds(self.created, end, now),
        )

    @property
    def output_is_tail(self) -> bool:
        """Return whether the beginning of the output is left out."""
        return self.output_bytes > OUTPUT_TAIL_BYTES


def read_report(database: Database, job_id: int) -> JobReport | None:
    """Return one job; None if it does not exist. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        terms = read_status_names(connection, database)
        found = read_reports(connection, database, [job_id], terms, with_output=True)
        if not found:
            return None
        who = read_started_by(connection, database, job_id)
        report = replace(found[0], started_by=who or found[0].owner)
        report = _with_counts(connection, database, _with_facts(connection, report))
        report = _with_reason(connection, report)
        return _without_repetition(report)


def read_reports(
    connection: Connection,
    database: Database,
    ids: Sequence[int],
    terms: dict[int, str],
    *,
    with_output: bool = False,
) -> list[JobReport]:
    """Return the jobs with some ids that exist, in the order of the ids.

    `terms` are what `read_status_names` returns. Raises what the database driver raises, inside
    `Database.reading`.
    """
    now = datetime.now(UTC)
    statement = _report_columns(database, now, with_output=with_output).where(job.c.id.in_(ids))
    rows = {row["id"]: row for row in connection.execute(statement).mappings()}
    notes = read_notes(connection, database, ids)
    return [_report(rows[i], notes.get(i, ()), terms, database, now) for i in ids if i in rows]


def read_neighbours(
    database: Database, view: ListView, job_id: int, order: CreationOrder | None = None
) -> tuple[int | None, int | None]:
    """Return the ids of the jobs before and after one in a view's filter and order, None at an end.

    The job itself need not be in the filter: it may have finished since. Raises DatabaseUnavailable,
    and TookTooLong soon: the page must not wait for its Previous and Next buttons.
    """
    with database.reading(NEIGHBOURS_SECONDS) as connection:
        jobs = OrderedJobs(connection, database, view, order or CreationOrder(database))
        return jobs.next(job_id, backwards=True), jobs.next(job_id)


def read_download_path(database: Database, job_id: int) -> str | None:
    """Return a job's download path, empty without one, or None if the job does not exist.

    Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        row = connection.execute(select(job.c.download_path).where(job.c.id == job_id)).one_or_none()
        return None if row is None else values.text(row.download_path)


def stream_output(database: Database, job_id: int) -> Generator[bytes]:
    """Yield a job's whole output in UTF-8, byte for byte, in pieces of about a megabyte.

    Eight are in memory at most. Each eight megabytes are one read: a running job's output may grow
    between reads. Raises DatabaseUnavailable.
    """
    # Bytes, to limit what the server sends: a character may have four of them.
    output = in_utf8(job.c.output)
    position, is_end = 1, False
    while not is_end:
        some = select(func.substr(output, position, OUTPUT_READ_BYTES)).where(job.c.id == job_id)
        with database.reading() as connection:
            found: bytes = connection.execute(some).scalar() or b""
        is_end = len(found) < OUTPUT_READ_BYTES
        for first in range(0, len(found), OUTPUT_PIECE_BYTES):
            yield found[first : first + OUTPUT_PIECE_BYTES]
        position += len(found)


def _report(
    row: RowMapping, notes: Sequence[Note], terms: dict[int, str], database: Database, now: datetime
) -> JobReport:
    created = times.utc(row["created_at"], database.timezone)
    started, completed = (
        times.utc(row[name], database.timezone, after=created)
        for name in ("started_at", "completed_at")
    )
    state = state_of(row["status_id"], row["has_ended"])
    is_unknown = row["seconds"] is None and (row["has_ended"] or row["duration"] is not None)
    output_bytes = row["output_bytes"] or 0
    output = _output(values.text(row["output"]), is_tail=output_bytes > OUTPUT_TAIL_BYTES)
    errors = [ErrorText("Error note", n.text) for n in notes if n.is_error]
    if message := _stripped(row["error_message"]):
        errors.append(ErrorText("Error message", message))
    return JobReport(
        id=row["id"],
        name=values.name_of(row),
        status=label_of(row["status_id"], state, terms),
        state=state,
        user_id=row["user_id"],
        owner=values.owner_of(row),
        created=created,
        started=started,
        completed=completed,
        duration_seconds=row["seconds"],
        duration_is_recorded=row["duration"] is not None,
        duration_unknown=why_unknown(created, completed, row["duration"], now) if is_unknown else "",
        type=values.filled(row["type"]),
        object_id=row["object_id"],
        slug=values.text(row["slug"]),
        download_path=values.text(row["download_path"]),
        output=output,
        output_bytes=output_bytes,
        errors=tuple(errors),
        stack_trace=_stripped(row["stack_trace"]),
        notes=tuple(n for n in notes if not n.is_error),
    )


def _output(text: str, *, is_tail: bool) -> str:
    if not is_tail:
        return plain_text.as_printed(text)
    text = plain_text.as_printed(text.encode()[-OUTPUT_TAIL_BYTES:].decode(errors="ignore"))
    # A tail begins in the middle of a line; the rest of that line says little, unless it is long, or
    # there is nothing else.
    cut_line, _, whole_lines = text.partition("\n")
    return whole_lines if len(cut_line) < CUT_LINE_CHARACTERS and whole_lines.strip() else text


def _with_facts(connection: Connection, report: JobReport) -> JobReport:
    """Return the job with what its output says."""
    characters, head = len(report.output), ""
    if report.output_bytes >= LEAST_CUT_BYTES:
        beginning = first_characters(job.c.output, OUTPUT_HEAD_CHARACTERS)
        statement = select(character_length(job.c.output), beginning).where(job.c.id == report.id)
        if row := connection.execute(statement).one_or_none():
            characters, head = row[0] or 0, values.text(row[1])
    size = report.output_bytes
    if not report.output_is_tail:
        facts = read_output(report.output, characters=characters, size=size)
        return replace(report, facts=facts)
    before_tail = head.encode()[: size - OUTPUT_TAIL_BYTES].decode(errors="ignore")
    facts = read_output(before_tail, report.output, characters=characters, size=size)
    return replace(report, facts=replace(facts, parameters=read_parameters(head)))


def _with_counts(connection: Connection, database: Database, report: JobReport) -> JobReport:
    """Return the job with the errors and warnings that the list counts, noted ones included."""
    finished = read_finished(connection, job.c.id == report.id)
    outcome = read_outcomes_of(connection, database, finished, None).get(report.id)
    if outcome is None:
        return report
    facts = replace(report.facts, errors=outcome.errors, warnings=outcome.warnings)
    if outcome.errors and not facts.first_error and report.errors:
        facts = replace(facts, first_error=_cut(_message(report.errors[0]), LINE_CHARACTERS))
    return replace(report, facts=facts)


def _with_reason(connection: Connection, report: JobReport) -> JobReport:
    """Return the job with the reason for its failure, and the text around it among its errors."""
    if report.state is not State.FAILED and not report.errors:
        return report
    texts = [*(error.text for error in report.errors), report.stack_trace]
    found = find_in_texts(texts, report.output)
    is_whole = not report.output_is_tail
    if not is_whole and needs_more_output(found, texts):
        around = read_around_errors(connection, [report.id], OUTPUT_READ_BYTES).get(report.id, "")
        around = around.rstrip("\r")
        found = find_in_texts(texts, f"{around}\n…\n{report.output}")
        if found and found.at == len(texts):
            found = found.within(len(lines_of(around)))
    if found is None or (report.state is not State.FAILED and found.reason.weight <= Weight.VAGUE):
        return report
    errors = list(report.errors)
    if found.at < len(errors):
        errors[found.at] = replace(errors[found.at], reason_line=found.reason.line)
    else:
        is_trace = found.at < len(texts)
        whole = ErrorText(
            "Stack trace" if is_trace else "Output", "\n".join(found.lines), found.reason.line
        )
        errors.insert(0, whole.excerpt)
    is_reason = found.reason.weight > Weight.FINE
    return replace(
        report,
        errors=tuple(errors if is_reason else (replace(error, reason_line=None) for error in errors)),
        reason=found.reason.text if is_reason else "",
        more_errors=found.reason.others if is_whole else 0,
    )


def _without_repetition(report: JobReport) -> JobReport:
    """Return the job with each error text once, and the stack trace only if it is not one of them."""
    errors, trace = list(report.errors), report.stack_trace
    if trace and any(_words(error.text) == _words(trace) for error in errors):
        errors.append(ErrorText("Stack trace", trace))
        trace = ""
    compared = list(enumerate(errors[:COMPARED_ERRORS]))
    kept: list[tuple[int, ErrorText]] = []
    for at, error in sorted(compared, key=lambda one: -len(one[1].text)):
        around = next((k for k, (_, one) in enumerate(kept) if _contains(one.text, error.text)), None)
        if around is None:
            kept.append((at, error))
        else:
            first, longer = kept[around]
            kept[around] = min(first, at), _merged(longer, error)
    once = [error for _, error in sorted(kept, key=itemgetter(0))]
    return replace(report, errors=(*once, *errors[COMPARED_ERRORS:]), stack_trace=trace)


def _merged(longer: ErrorText, inside: ErrorText) -> ErrorText:
    """Return a text with the sources and the reason of another text that it contains."""
    sources = dict.fromkeys((*longer.source.split(", "), *inside.source.split(", ")))
    line = longer.reason_line
    if line is None and inside.reason_line is not None:
        reason = _words(lines_of(inside.text)[inside.reason_line])
        where = (at for at, one in enumerate(lines_of(longer.text)) if reason in _words(one))
        line = next(where, None)
    return ErrorText(", ".join(sources), longer.text, line)


def _contains(text: str, other: str) -> bool:
    """Return whether a text contains another one as whole words; one word as a whole line."""
    words = _words(other)
    if " " in words:
        return f" {words} " in f" {_words(text)} "
    return words in (line.strip() for line in lines_of(text))


def _message(error: ErrorText) -> str:
    return read_record(_words(error.text)).message


def _words(text: str) -> str:
    return " ".join(text.split())


def _seconds(first: datetime | None, last: datetime | None, now: datetime) -> int | None:
    if first is None or last is None or not times.EARLIEST.replace(tzinfo=UTC) <= first <= last:
        return None
    return int((last - first).total_seconds()) if last <= now + times.CLOCK_TOLERANCE else None


def _report_columns(database: Database, now: datetime, *, with_output: bool) -> Select[Any]:
    """Select what a job's page shows beyond the list's columns."""
    # At most as many characters as the tail may have bytes; `_report` cuts off the rest.
    tail = last_characters(job.c.output, OUTPUT_TAIL_BYTES) if with_output else null()
    output_bytes = byte_length(job.c.output) if with_output else null()
    names = ("type", "started_at", "duration", "error_message", "stack_trace")
    return with_run(job_columns(database), database, names, now).add_columns(
        *(job.c.user_id, job.c.download_path, tail.label("output"), output_bytes.label("output_bytes"))
    )


def _cut(line: str, characters: int) -> str:
    return f"{line[:characters]}…" if len(line) > characters else line


def _stripped(value: Any) -> str:
    return values.text(value).strip()
