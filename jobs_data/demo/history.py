"""The past of a demo: its jobs in the order of their creation, a chunk of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from random import Random
from typing import Final

from jobs_data.demo.examples import EXAMPLES, RUNNING_ELSEWHERE, Example
from jobs_data.demo.kinds import (
    ATOM_KINDS,
    FILE_IMPORT,
    FREE_TEXT,
    FREE_TEXT_NAMES,
    KINDS,
    SEARCH_UPDATE,
    Kind,
    Writer,
)
from jobs_data.demo.logs import failure_text, stack_trace, step_text, translated
from jobs_data.demo.outputs import ErrorPlace, PastJob, error_texts, output_of, row_texts
from jobs_data.demo.result_files import ResultFile, result_path
from jobs_data.demo.rows import Chunk
from jobs_data.demo.surroundings import Surroundings
from jobs_data.demo.timeline import moments
from jobs_data.platform.status import CANCELLED, COMPLETED, ERROR, FINISHED_IDS
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

ODD_STATUSES: Final = (RUNNING_ELSEWHERE, CANCELLED, None)
COMPLETED_SHARE: Final = 0.955
FAILED_SHARE: Final = 0.035
ROWS_FAILED_SHARE: Final = 0.025
"""How many of the imports complete although some of their rows failed: 3 of 1,000 jobs."""
PUBLIC_TYPES: Final = ("csv_export", "xml_export")
"""What an anonymous visitor can start."""

LONG_OUTPUTS: Final = 5
LONG_OUTPUT_STEPS: Final = (5000, 8000)

WHOLE_OUTPUTS: Final = 3_000
"""How many of the newest jobs have whole outputs; those of older ones have fewer lines.

So a million jobs are created quickly and need little space.
"""

JOBS_WITH_FILES: Final = 800
"""How many of the newest jobs may still have their result files."""
MOST_FILES: Final = 150
EVERY_MISSING: Final = 20
"""One in this many of those files is missing, but none of the newest jobs."""
JOBS_WITH_LARGE_FILE: Final = 300
JOBS_WITH_HOSTILE_PATH: Final = 150
HOSTILE_PATH: Final = "downloads/jobs/../../../private/backup.zip"


ERROR_PLACES: Final = (
    ErrorPlace(notes=1),
    ErrorPlace(notes=3),
    ErrorPlace(notes=3),
    ErrorPlace(notes=1, execution=True),
    ErrorPlace(execution=True),
    ErrorPlace(execution=True),
)
"""Where jobs of AtoM keep their error."""
PLACE_BY_WRITER: Final = {
    Writer.HERATIO: ErrorPlace(),
    Writer.PACKAGE: ErrorPlace(execution=True),
}


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
        kinds = ATOM_KINDS if atom else KINDS
        self._kinds = iter(rng.choices(kinds, [kind.weight for kind in kinds], k=jobs))
        examples = [one for one in EXAMPLES if one.kind.writer is Writer.ATOM or not atom]
        self._examples = examples[: jobs // 20]
        self._error_places = [p for p in ERROR_PLACES if not (atom and p.execution)]
        self._long_outputs = {jobs * number // (LONG_OUTPUTS + 1) for number in range(LONG_OUTPUTS)}
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
        ages = [timedelta(minutes=one.age) for one in self._examples]
        for index, (created, burst) in enumerate(moments(self._rng, self._jobs, ages, self._now)):
            # Between two jobs the platform gives ids to other objects, in a burst to none.
            job_id += 1 if burst else 1 + int(self._rng.random() * 4)
            newer = self._jobs - index - 1
            if newer < len(self._examples):
                past = self._example(job_id, created, self._examples[newer])
            else:
                is_long = index in self._long_outputs
                past = self._past_job(job_id, created, burst, is_long, newer < WHOLE_OUTPUTS)
            self._add_job(chunk, past, newer)
            if chunk.jobs == size:
                yield chunk
                chunk = Chunk()
        if chunk.jobs:
            yield chunk

    def _past_job(
        self, job_id: int, created: datetime, burst: bool, is_long: bool, is_whole: bool
    ) -> PastJob:
        rng = self._rng
        kind = SEARCH_UPDATE if burst else next(self._kinds)
        if is_long:
            kind = FILE_IMPORT if self._atom else FREE_TEXT
        steps = rng.randint(*LONG_OUTPUT_STEPS) if is_long else self._usual_steps() or int(is_whole)
        status = self._status()
        user_id = None if kind.type == "import" else rng.choice(self._starters)
        culture = self._surroundings.cultures.get(user_id or 0, "en")
        rows_failed = kind.has_rows and status == COMPLETED and rng.random() < ROWS_FAILED_SHARE
        texts = [step_text(rng, kind, culture) for _ in range(steps)]
        if rows_failed:
            texts += row_texts(rng.randint(1, 6), culture)
        started = created + timedelta(seconds=int(rng.random() * 5))
        time = timedelta(seconds=int(rng.expovariate(1 / kind.typical_seconds)))
        ended = min(started + time, self._now)
        return PastJob(
            id=job_id,
            kind=kind,
            name=kind.name or next(self._free_names),
            status=status,
            created=created,
            started=min(started, self._now),
            wrote=ended,
            ended=ended,
            record_id=self._record_of(job_id, kind),
            user_id=user_id,
            culture=culture,
            failure=failure_text(rng, kind) if status == ERROR else None,
            error_place=PLACE_BY_WRITER.get(kind.writer) or rng.choice(self._error_places),
            texts=texts,
            is_whole=is_whole,
        )

    def _example(self, job_id: int, created: datetime, example: Example) -> PastJob:
        rng = self._rng
        kind = example.kind
        cultures = self._surroundings.cultures
        users = [i for i, own in cultures.items() if own == example.culture]
        usual = timedelta(seconds=kind.typical_seconds)
        time = timedelta(minutes=example.wrote) if example.wrote else usual
        started = created + timedelta(seconds=2)
        is_active = example.status not in FINISHED_IDS
        is_at_it = is_active and not example.wrote
        wrote = self._now if is_at_it else min(started + time, self._now)
        steps = [step_text(rng, kind, example.culture) for _ in range(2)]
        texts = steps if example.texts is None else example.texts
        return PastJob(
            id=job_id,
            kind=kind,
            name=example.name or kind.name,
            status=example.status,
            created=created,
            started=started if example.is_started else None,
            wrote=wrote,
            ended=None if is_active else wrote,
            record_id=self._record_of(job_id, kind),
            user_id=rng.choice(users) if users and kind.type != "import" else None,
            culture=example.culture,
            failure=failure_text(rng, kind) if example.status == ERROR else None,
            error_place=PLACE_BY_WRITER.get(kind.writer, ErrorPlace(notes=3)),
            texts=[*texts, *row_texts(example.row_errors, example.culture)],
            is_whole=True,
        )

    def _record_of(self, job_id: int, kind: Kind) -> int | None:
        if kind.type == "import":  # Heratio's imports name themselves
            return job_id
        return self._rng.choice(self._surroundings.record_ids) if kind.about_record else None

    def _status(self) -> int | None:
        chance = self._rng.random()
        if chance < COMPLETED_SHARE:
            return COMPLETED
        if chance < COMPLETED_SHARE + FAILED_SHARE:
            return ERROR
        return self._rng.choice(ODD_STATUSES)

    def _add_job(self, chunk: Chunk, past: PastJob, newer: int) -> None:
        created = str(past.created)
        ended = str(past.ended) if past.ended else None
        chunk.rows[object_].append((past.id, JOB_CLASS, created, ended or created))
        chunk.rows[job].append(
            (
                past.id,
                past.name,
                self._download_path(chunk, past, newer),
                ended,
                past.user_id,
                past.record_id,
                past.status,
                output_of(self._rng, past),
            )
        )
        if past.is_whole and past.started and past.kind.description:
            text = translated(past.kind.description, past.culture)
            text = text.format(n=past.id % 5000, title=self._title(past))
            self._add_note(chunk, past, None, text)
        for text in error_texts(past):
            self._add_note(chunk, past, ERROR_NOTE_TYPE_ID, text)
        if not self._atom:
            self._add_execution(chunk, past, newer)
        if past.user_id is None and past.kind.type in PUBLIC_TYPES:
            self._last_property_id += 1
            own = self._last_property_id
            chunk.rows[property_].append((own, past.id, None, "userToken", "en"))
            chunk.rows[property_i18n].append((own, "en", f"{past.id * 2_654_435_761 % 2**64:016x}"))

    def _title(self, past: PastJob) -> str:
        return self._surroundings.slugs.get(past.record_id or 0, "report")

    def _download_path(self, chunk: Chunk, past: PastJob, newer: int) -> str | None:
        """Return the path of the job's result, if any; add the file if it still exists."""
        rng = self._rng
        is_recent = newer < len(self._examples)
        suffix = past.kind.result
        if past.status != COMPLETED or not suffix or (rng.random() > 0.85 and not is_recent):
            return None
        if self._hostile_path_due and newer < JOBS_WITH_HOSTILE_PATH and not is_recent:
            self._hostile_path_due = False
            return HOSTILE_PATH
        title = self._title(past)
        is_heratios = past.kind.writer is Writer.HERATIO
        leading_slash = is_heratios or (not self._atom and rng.random() < 0.5)
        path = result_path(past.id, suffix, title, leading_slash=leading_slash)
        if is_recent or (newer < JOBS_WITH_FILES and self._results < MOST_FILES):
            self._results += 1
            if is_recent or self._results % EVERY_MISSING:
                large = self._large_file_due and newer < JOBS_WITH_LARGE_FILE and suffix == "zip"
                self._large_file_due = self._large_file_due and not large
                chunk.files.append(ResultFile(path, title, large))
        return path

    def _usual_steps(self) -> int:
        chance = self._rng.random()
        if chance < 0.3:
            return 0
        if chance < 0.85:
            return 1
        return self._rng.randint(2, 4) if chance < 0.99 else self._rng.randint(5, 60)

    def _add_note(self, chunk: Chunk, past: PastJob, type_id: int | None, text: str) -> None:
        self._last_note_id += 1
        chunk.rows[note].append((self._last_note_id, past.id, type_id, past.culture or "en"))
        chunk.rows[note_i18n].append((self._last_note_id, past.culture or "en", text))

    def _add_execution(self, chunk: Chunk, past: PastJob, newer: int) -> None:
        error = past.failure if past.error_place.execution else None
        is_left_out = error is None and newer >= len(self._examples) and self._rng.random() > 0.92
        # Heratio's own jobs keep no such record.
        if past.started is None or past.kind.writer is Writer.HERATIO or is_left_out:
            return
        chunk.rows[job_execution].append(
            (
                past.id,
                past.kind.type,
                str(past.started),
                str(past.ended) if past.ended else None,
                int((past.ended - past.started).total_seconds()) if past.ended else None,
                error,
                stack_trace(self._rng, past.kind, error) if error else None,
                str(past.created),
                str(past.wrote),
            )
        )
