"""The outputs of the demo's past jobs, as their writers write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from jobs_data.demo.kinds import FINISHED, NO_DATE, NO_ROW, RETRY, STARTED, Kind, Writer
from jobs_data.demo.logs import (
    closing_text,
    exception_texts,
    log_line,
    parameters_text,
    step_text,
    translated,
)
from jobs_data.platform.status import COMPLETED

ERROR_MARK: Final = "[err] "
ATOM_CHARACTERS: Final = 65_534
"""AtoM keeps so much of an output, and loses the rest."""


@dataclass(frozen=True, slots=True)
class ErrorPlace:
    """Where a failed job keeps its error besides its output."""

    notes: int = 0
    """One for an error that the job found, three for an exception."""
    execution: bool = False


@dataclass(slots=True)  # not frozen, which would take twice as long for a million jobs
class PastJob:
    """One job before it is made into rows; `ended` is None while it is active."""

    id: int
    kind: Kind
    name: str | None
    status: int | None
    created: datetime
    started: datetime | None
    """None: no worker ever took it."""
    wrote: datetime
    """When it wrote its last line."""
    ended: datetime | None
    record_id: int | None
    user_id: int | None
    culture: str
    """Of its user: AtoM writes in that language."""
    failure: str | None
    error_place: ErrorPlace
    texts: Sequence[str]
    """The lines of its work; one that is no information begins with its level: `[err] `."""
    is_whole: bool
    """Whether its output has all that the platform writes, as that of a newer job."""


def output_of(rng: Random, past: PastJob) -> str | None:
    """Return the output of a job, None where it wrote nothing."""
    if past.started is None:
        return None
    match past.kind.writer:
        case Writer.ATOM:
            return _atom_output(past)[:ATOM_CHARACTERS]
        case Writer.HERATIO:
            return _heratio_output(past)
        case Writer.PACKAGE:
            return step_text(rng, past.kind) if past.status == COMPLETED else None


def _atom_output(past: PastJob) -> str:
    lines = []
    if past.texts or not past.ended:
        lines.append(_line(past, past.started or past.created, translated(STARTED, past.culture)))
        if past.is_whole and RETRY not in past.texts:  # it comes after the waiting
            lines.append(
                _line(
                    past,
                    past.started or past.created,
                    parameters_text(past.kind, past.id, past.record_id),
                )
            )
        lines += _spread(past, past.texts)
    if past.ended and past.failure and past.error_place.notes:
        errors = error_texts(past)
        lines += [_line(past, past.ended, text, "err") for text in errors]
        if len(errors) > 1:  # after an exception it writes no more
            return "".join(lines)
    if past.ended and (past.status == COMPLETED or past.error_place.notes):
        lines.append(_line(past, past.ended, translated(FINISHED, past.culture)))
    return "".join(lines)


def _heratio_output(past: PastJob) -> str:
    texts = [*past.texts, f"{ERROR_MARK}{past.failure}"] if past.failure else past.texts
    errors = sum(text.startswith(ERROR_MARK) for text in texts)
    rows = 120 if errors else past.id % 900 + 1
    closing = closing_text(past.kind, errors, 0 if past.failure else rows)
    if past.status == COMPLETED or (past.failure and past.kind.type == "import"):
        texts = [*texts, closing]
    return "".join(_spread(past, texts))


def error_texts(past: PastJob) -> list[str]:
    """Return what a failed job of AtoM writes last; each is an error note, too."""
    if not past.failure or not past.error_place.notes:
        return []
    return [past.failure] if past.error_place.notes == 1 else exception_texts(past.kind, past.failure)


def row_texts(count: int, culture: str) -> list[str]:
    """Return a line for each of `count` rows that failed, and one with a warning."""
    error, warning = (translated(text, culture) for text in (NO_ROW, NO_DATE))
    rows = [12 + 17 * number for number in range(count)]
    return [
        *(ERROR_MARK + error.format(n=row) for row in rows),
        *(f"[warning] {warning.format(n=row + 2)}" for row in rows[-1:]),
    ]


def _spread(past: PastJob, texts: Sequence[str]) -> list[str]:
    """Return lines of a job, spread evenly over the time until it wrote last."""
    began = past.started or past.created
    seconds = int((past.wrote - began).total_seconds())
    # An active job wrote its last line at `wrote`, an ended one wrote others after it.
    parts = len(texts) if past.ended else max(len(texts) - 1, 1)
    return [
        _line(past, began + timedelta(seconds=seconds * number // parts), text)
        for number, text in enumerate(texts)
    ]


def _line(past: PastJob, moment: datetime, text: str, level: str = "info") -> str:
    if text[0] == "[" and "] " in text:
        level, _, text = text[1:].partition("] ")
    return log_line(past.kind.writer, moment, past.id, past.name, text, level)
