"""What jobs were about or did, in one line for each: the list shows it under their names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case

from jobs_data import plain_text
from jobs_data.jobs.notes import read_descriptions
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import byte_length, first_characters, last_characters
from jobs_data.platform.tables import job
from jobs_data.reasons.closing import read_closing
from jobs_data.reasons.parameters import read_parameters

LINE_CHARACTERS: Final = 200
PART_CHARACTERS: Final = 2_000
"""How much of the beginning and of the end of an output is read."""

_FILE_PARAMETERS: Final = ("file", "filename", "filepath", "uploadpath", "location", "csvfile")


def output_ends() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return the beginning of a job's output, and the end of one that is longer."""
    end = last_characters(job.c.output, PART_CHARACTERS)
    tail = case((byte_length(job.c.output) > PART_CHARACTERS, end))
    return (
        first_characters(job.c.output, PART_CHARACTERS).label("output_head"),
        tail.label("output_tail"),
    )


def read_what_they_did(
    connection: Connection, database: Database, rows: Sequence[Mapping[Any, Any]]
) -> dict[int, str]:
    """Return what the jobs of a page did, by their ids, in LINE_CHARACTERS at most.

    The description if there is one, else the file or the record that a job was about, else what the
    end of its output says; jobs without any are left out. `rows` have the columns of
    `columns.job_columns` and `output_ends`. Raises what the database driver raises, inside
    `Database.reading`.
    """
    said = read_descriptions(connection, database, [row["id"] for row in rows], PART_CHARACTERS)
    for row in rows:
        if row["id"] in said:
            continue
        head = values.text(row["output_head"])[:PART_CHARACTERS]
        tail = values.text(row["output_tail"])[-PART_CHARACTERS:]
        said[row["id"]] = (
            file_name(read_parameters(head))
            or slug_in_words(values.text(row["slug"]))
            or read_closing(tail or head)
        )
    lines = ((job_id, _on_one_line(text)) for job_id, text in said.items())
    return {job_id: line for job_id, line in lines if line}


def file_name(parameters: Sequence[tuple[str, str]]) -> str:
    """Return the name of the file among the parameters of a job, without its folder; empty without."""
    for name, value in parameters:
        if name.lower() in _FILE_PARAMETERS:
            return re.split(r"[/\\]", _name_within(value).rstrip("/\\"))[-1]
    return ""


def slug_in_words(slug: str) -> str:
    """Return a slug such as `ministry-of-health` as words: `Ministry of health`."""
    words = slug.replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _name_within(value: str) -> str:
    """Return a parameter's text, or of an uploaded file's JSON the name that the user gave it."""
    if not value.startswith("{"):
        return value
    try:
        file = json.loads(value)
    except (ValueError, RecursionError):
        return ""
    name = file.get("name")
    return name if isinstance(name, str) else ""


def _on_one_line(text: str) -> str:
    text = plain_text.encodable(text[:PART_CHARACTERS])
    line = " ".join(plain_text.as_printed(text).split())
    line = f"{line[: LINE_CHARACTERS - 1]}…" if len(line) > LINE_CHARACTERS else line
    return plain_text.on_one_line(line)
