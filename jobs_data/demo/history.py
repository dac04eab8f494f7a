"""The past of a demo: its jobs in the order of their creation, a chunk of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate, cycle
from random import Random
from typing import Final

from jobs_data.demo.kinds import FREE_TEXT, FREE_TEXT_NAMES, KINDS, SEARCH_UPDATE, Kind
from jobs_data.demo.logs import (
    failure_text,
    import_closing,
    import_output,
    log_line,
    stack_trace,
    step_lines,
)
from jobs_data.demo.result_files import ResultFile, result_path
from jobs_data.demo.rows import Chunk
from jobs_data.demo.surroundings import Surroundings
from jobs_data.demo.timeline import moments
from jobs_data.platform.status import COMPLETED, ERROR, FINISHED_IDS, IN_PROGRESS
from jobs_data.platform.tables import (
    ERROR_NOTE_TYPE_ID,
    JOB_CLASS,
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    property_,
    property_i18n,
)

RUNNING_ELSEWHERE: Final = 182
CANCELLED_ELSEWHERE: Final = 186
ODD_STATUSES: Final = (RUNNING_ELSEWHERE, CANCELLED_ELSEWHERE, None)
COMPLETED_SHARE: Final = 0.955
FAILED_SHARE: Final = 0.035

RECENT_STATUSES: Final = (
    IN_PROGRESS,
    COMPLETED,
    IN_PROGRESS,
    ERROR,
    RUNNING_ELSEWHERE,
    COMPLETED,
    COMPLETED,
    COMPLETED,
    None,
    *[COMPLETED] * 6,
    CANCELLED_ELSEWHERE,
)
"""The statuses of the newest jobs, newest first; the unfinished among them are active."""

_BY_NAME: Final = {kind.name: kind for kind in KINDS}
FAILED_IMPORT: Final = replace(FREE_TEXT, failures=FREE_TEXT.failures[:1])
RECENT_KINDS: Final = {
    1: _BY_NAME["arFindingAidJob"],
    3: FAILED_IMPORT,
    6: _BY_NAME["arInformationObjectCsvExportJob"],
}
"""The kinds of some of the newest jobs, by place, so that the list begins with results and a reason."""

LONG_OUTPUTS: Final = 6
LONG_OUTPUT_STEPS: Final = (3000, 6000)

JOBS_WITH_FILES: Final = 600
"""How many of the newest jobs may still have their result files."""
MOST_FILES: Final = 150
EVERY_MISSING: Final = 20
"""One in this many of those files is missing, but none of the newest jobs."""
JOBS_WITH_LARGE_FILE: Final = 300
JOBS_WITH_HOSTILE_PATH: Final = 150
HOSTILE_PATH: Final = "downloads/jobs/../../../private/backup.zip"


@dataclass(frozen=True, slots=True)
class ErrorPlace:
    """Where a failed job keeps its error text: at least at the end of its output."""

    notes: int = 0
    execution: bool = False


ERROR_PLACES: Final = (
    ErrorPlace(notes=1),
    ErrorPlace(notes=1),
    ErrorPlace(notes=2),
    ErrorPlace(notes=1, execution=True),
    ErrorPlace(execution=True),
    ErrorPlace(execution=True),
    ErrorPlace(),
)


@dataclass(frozen=True, slots=True)
class PastJob:
    """One job before it is made into rows; `ended` is None while it is active."""

    id: int
    kind: Kind
    name: str | None
    status: int | None
    created: datetime
    started: datetime
    ended: datetime | None
    record_id: int | None
    failure: str | None
    error_place: ErrorPlace | None


class History:
    """The jobs of one demo database; generated once, read once."""

    def __init__(
        self, rng: Random, jobs: int, now: datetime, surroundings: Surroundings, *, atom: bool
    ) -> None:
        """Prepare `jobs` jobs created up to `now`; with `atom`, as a plain AtoM keeps them."""
        self._rng = rng
        self._jobs = jobs
        self._now = now
        self._surroundings = surroundings
        self._atom = atom
        self._recent = min(len(RECENT_STATUSES), jobs // 20)
        self._error_places = [p for p in ERROR_PLACES if not (atom and p.execution)]
        self._long_outputs = {
            jobs * number // LONG_OUTPUTS - 1 for number in range(1, LONG_OUTPUTS + 1)
        }
        self._kind_weights = list(accumulate(kind.weight for kind in KINDS))
        self._free_names = cycle(FREE_TEXT_NAMES)
        self._starters = (None,) * 5 + surroundings.user_ids
        self._last_note_id = 0
        self._last_property_id = 0
        self._results = 0
        self._large_file_due = True
        self._hostile_path_due = True

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the jobs, oldest first, in chunks of at most `size` jobs."""
        job_id = self._surroundings.last_id
        chunk = Chunk()
        for index, (created, burst) in enumerate(
            moments(self._rng, self._jobs, self._recent, self._now)
        ):
            # Between two jobs the platform gives ids to other objects, in a burst to none.
            job_id += 1 if burst else 1 + int(self._rng.random() * 4)
            newer = self._jobs - index - 1
            past = self._past_job(job_id, created, burst, newer)
            self._add_job(chunk, past, newer, long_output=index in self._long_outputs)
            if chunk.jobs == size:
                yield chunk
                chunk = Chunk()
        if chunk.jobs:
            yield chunk

    def _past_job(self, job_id: int, created: datetime, burst: bool, newer: int) -> PastJob:
        rng = self._rng
        kind = SEARCH_UPDATE if burst else rng.choices(KINDS, cum_weights=self._kind_weights)[0]
        if newer < self._recent:
            kind = RECENT_KINDS.get(newer, kind)
        name = next(self._free_names) if kind is FREE_TEXT else kind.name
        status = self._status(newer)
        active = newer < self._recent and status not in FINISHED_IDS
        failed = status == ERROR
        place = rng.choice(self._error_places) if failed else None
        if kind is FAILED_IMPORT:
            name = FREE_TEXT_NAMES[0]
            place = ErrorPlace(notes=1) if self._atom else ErrorPlace(execution=True)
        started = created + timedelta(seconds=int(rng.random() * 5))
        ended = started + timedelta(seconds=int(kind.typical_seconds * rng.expovariate(1)))
        return PastJob(
            id=job_id,
            kind=kind,
            name=name,
            status=status,
            created=created,
            started=min(started, self._now),
            ended=None if active else min(ended, self._now),
            record_id=rng.choice(self._surroundings.record_ids) if kind.about_record else None,
            failure=failure_text(rng, kind) if failed else None,
            error_place=place,
        )

    def _status(self, newer: int) -> int | None:
        if newer < self._recent:
            return RECENT_STATUSES[newer]
        chance = self._rng.random()
        if chance < COMPLETED_SHARE:
            return COMPLETED
        if chance < COMPLETED_SHARE + FAILED_SHARE:
            return ERROR
        return self._rng.choice(ODD_STATUSES)

    def _add_job(self, chunk: Chunk, past: PastJob, newer: int, *, long_output: bool) -> None:
        rng = self._rng
        created = str(past.created)
        ended = str(past.ended) if past.ended else None
        chunk.rows[object_].append((past.id, JOB_CLASS, created, ended or created))
        chunk.rows[job].append(
            (
                past.id,
                past.name,
                self._download_path(chunk, past, newer),
                ended,
                rng.choice(self._starters),
                past.record_id,
                past.status,
                self._output(past, long_output),
            )
        )
        if past.error_place:
            self._add_notes(chunk, past, past.error_place.notes)
        if not self._atom:
            self._add_execution(chunk, past, newer)
        if rng.random() < 0.02:
            self._add_property(chunk, past)

    def _download_path(self, chunk: Chunk, past: PastJob, newer: int) -> str | None:
        """Return the path of the job's result, if any; add the file if it still exists."""
        rng = self._rng
        suffix = past.kind.result
        if past.status != COMPLETED or not suffix or (rng.random() > 0.85 and newer >= self._recent):
            return None
        if self._hostile_path_due and newer < JOBS_WITH_HOSTILE_PATH:
            self._hostile_path_due = False
            return HOSTILE_PATH
        title = self._surroundings.slugs.get(past.record_id or 0, "report")
        leading_slash = not self._atom and rng.random() < 0.5
        path = result_path(past.id, suffix, title, leading_slash=leading_slash)
        is_recent = newer < self._recent
        if is_recent or (newer < JOBS_WITH_FILES and self._results < MOST_FILES):
            self._results += 1
            if is_recent or self._results % EVERY_MISSING:
                large = self._large_file_due and newer < JOBS_WITH_LARGE_FILE and suffix == "zip"
                self._large_file_due = self._large_file_due and not large
                chunk.files.append(ResultFile(path, title, large))
        return path

    def _output(self, past: PastJob, long_output: bool) -> str | None:
        rng = self._rng
        steps = rng.randint(*LONG_OUTPUT_STEPS) if long_output else self._usual_steps()
        lines = []
        if steps or past.ended is None:
            steps = steps or 1
            ended = past.ended or self._now
            lines.append(log_line(past.started, past.id, past.name, "Job started."))
            lines += step_lines(rng, past.kind, past.id, past.name, past.started, ended, steps)
        if past.ended and past.status == COMPLETED:
            lines.append(log_line(past.ended, past.id, past.name, "Job finished."))
        if past.ended and past.failure and past.error_place:
            told_elsewhere = past.error_place.notes or past.error_place.execution
            text = "Job ended with an error." if told_elsewhere else past.failure
            lines.append(log_line(past.ended, past.id, past.name, text, "err"))
            if not told_elsewhere:
                lines.append(stack_trace(rng, past.kind, past.failure))
        if past.failure and (rows := self._imported(past)):
            return import_output(past.failure, rows)
        return "\n".join(lines) if lines else None

    def _imported(self, past: PastJob) -> int:
        """Return how many rows a failed import of Heratio imported, 0 for any other job."""
        is_one = past.kind.type == FREE_TEXT.type and past.error_place == ErrorPlace(execution=True)
        return 100 + past.id % 400 if is_one and not self._atom else 0

    def _usual_steps(self) -> int:
        chance = self._rng.random()
        if chance < 0.3:
            return 0
        if chance < 0.85:
            return 1
        return self._rng.randint(2, 4) if chance < 0.99 else self._rng.randint(5, 60)

    def _add_notes(self, chunk: Chunk, past: PastJob, count: int) -> None:
        texts = (past.failure, f"Not tried again; job {past.id} was given up.")
        for text in texts[:count]:
            self._last_note_id += 1
            chunk.rows[note].append((self._last_note_id, past.id, ERROR_NOTE_TYPE_ID, "en"))
            chunk.rows[note_i18n].append((self._last_note_id, "en", text))

    def _add_execution(self, chunk: Chunk, past: PastJob, newer: int) -> None:
        created = str(past.created)
        ended = str(past.ended) if past.ended else None
        error = past.failure if past.error_place and past.error_place.execution else None
        if error and (rows := self._imported(past)):
            error = import_closing(rows)
        if error is None and self._rng.random() > 0.92 and newer >= self._recent:
            return
        chunk.rows[job_execution].append(
            (
                past.id,
                past.kind.type,
                str(past.started),
                ended,
                int((past.ended - past.started).total_seconds()) if past.ended else None,
                error,
                stack_trace(self._rng, past.kind, error) if error else None,
                created,
                ended or created,
            )
        )

    def _add_property(self, chunk: Chunk, past: PastJob) -> None:
        self._last_property_id += 1
        chunk.rows[property_].append((self._last_property_id, past.id, "job", "parameters", "en"))
        value = f'{{"objectId": {past.record_id or "null"}, "culture": "en"}}'
        chunk.rows[property_i18n].append((self._last_property_id, "en", value))
