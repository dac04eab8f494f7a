"""The texts of a job that a part of a search with a prefix reads, in SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, String, and_, case, func, or_, select

from jobs_data.jobs.search_words import Part, Within
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import contains
from jobs_data.platform.status import ERROR
from jobs_data.platform.tables import (
    ERROR_NOTE_TYPE_ID,
    job,
    job_execution,
    note,
    note_i18n,
    property_,
    property_i18n,
)

PARAMETERS: Final = "Parameters: {"
"""What a job of AtoM writes before its parameters, which are JSON in one line of its output."""

PARAMETERS_LABEL: Final = "Parameters"

PARAMETERS_WITHIN: Final = 65_535
"""In how much of the beginning of an output that line is looked for."""

_this: Final = job.alias("this_job")
"""The job itself once more: its output is read after all other conditions, because it may be long."""


Conditions = tuple[ColumnElement[bool], ...]
IdRange = tuple[int, int]
"""The first and the last id of some jobs."""


@dataclass(frozen=True)
class Text:
    """One text of jobs, and the words to find in it."""

    label: str
    """What it is, for the screen."""
    words: str
    text: ColumnElement[Any]
    source: FromClause
    job_id: ColumnElement[int]
    """Which job a row of the source belongs to."""
    rows: Conditions = ()
    """Which rows of the source count."""
    jobs: Conditions = ()
    """Of which jobs it is read."""

    @property
    def is_found(self) -> ColumnElement[bool]:
        """Return whether a row of the source counts and has the words."""
        return and_(*self.rows, contains(self.text, self.words))

    @property
    def mentions(self) -> ColumnElement[bool]:
        """Return whether a row of `job` has the words in this text."""
        if self.source is _this:
            # No EXISTS: the server could turn it into a search of all outputs.
            of_this = select(self.is_found).where(_this.c.id == job.c.id).correlate(job)
            return and_(*self.jobs, of_this.scalar_subquery())
        found = select(self.job_id).select_from(self.source).where(self.is_found)
        return and_(*self.jobs, job.c.id.in_(found))

    def jobs_within(self, within: IdRange) -> Select[int]:
        """Select the ids of the jobs of a range that have the words in this text."""
        if self.source is _this:
            return select(job.c.id.label("id")).where(job.c.id.between(*within), self.mentions)
        found = select(self.job_id.label("id")).select_from(self.source)
        return found.where(self.job_id.between(*within), self.is_found)


def texts_of(part: Part, database: Database, with_errors: ColumnElement[bool]) -> Iterator[Text]:
    """Yield the texts that a part of a search reads, without those that this database lacks.

    `with_errors` is whether the output of a completed job has errors.
    """
    words = part.words
    match part.within:
        case Within.ERROR:
            yield from _notes(database, "Error note", words, (note.c.type_id == ERROR_NOTE_TYPE_ID,))
            for name, label in (("error_message", "Error message"), ("stack_trace", "Stack trace")):
                if name in database.columns.get(job_execution.name, ()):
                    text, job_id = job_execution.c[name], job_execution.c.job_id
                    yield Text(label, words, text, job_execution, job_id)
            has_failed = func.coalesce(job.c.status_id, 0) == ERROR
            yield _output("Output", words, _this.c.output, (or_(has_failed, with_errors),))
        case Within.OUTPUT:
            yield _output("Output", words, _this.c.output)
        case Within.NOTE:
            yield from _notes(database, "Note", words)
        case Within.PARAMETER:
            # PHP writes JSON in ASCII, and slashes with a backslash.
            in_json = json.dumps(words)[1:-1].replace("/", "\\/")
            for spelling in dict.fromkeys((words, in_json)):
                output = _this.c.output
                # First, because finding the line takes longer.
                first = (contains(output, spelling),)
                yield Text(PARAMETERS_LABEL, spelling, _parameters(output), _this, _this.c.id, first)
                yield from _properties(database, spelling)


def _output(label: str, words: str, text: ColumnElement[Any], jobs: Conditions = ()) -> Text:
    return Text(label, words, text, _this, _this.c.id, jobs=jobs)


def _parameters(output: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the line of an output that has the job's parameters; NULL without one."""
    beginning = func.substr(output, 1, PARAMETERS_WITHIN)
    at = func.instr(beginning, PARAMETERS)
    rest = func.substr(beginning, at + len(PARAMETERS) - 1, type_=String())
    return case((at > 0, func.substr(rest, 1, func.instr(rest.concat("\n"), "\n"))))


def _notes(database: Database, label: str, words: str, rows: Conditions = ()) -> Iterator[Text]:
    if {note.name, note_i18n.name} <= database.tables:
        source = note.join(note_i18n, note_i18n.c.id == note.c.id)
        yield Text(label, words, note_i18n.c.content, source, note.c.object_id, rows)


def _properties(database: Database, words: str) -> Iterator[Text]:
    if {property_.name, property_i18n.name} <= database.tables:
        source = property_.join(property_i18n, property_i18n.c.id == property_.c.id)
        named = (property_.c.name == "parameters",)
        yield Text(PARAMETERS_LABEL, words, property_i18n.c.value, source, property_.c.object_id, named)
