"""The rows of a batch as a receipt has them: table by table, as fast to write as to read.

The name of each table is a line before its rows. A row is a line with the number of its job, a space,
and a JSON array.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def as_content(tables: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the content of a batch of some tables' rows, which are lines, in the order of inserts."""
    return b"\n".join(part for name, rows in tables for part in (name.encode(), rows))


def job_lines(content: bytes) -> list[bytes]:
    """Return a JSON line for each job, by its number, without line breaks."""
    jobs: dict[int, dict[bytes, list[bytes]]] = {}
    table = b""
    for line in content.split(b"\n"):
        job_id, is_row, row = line.partition(b" ")
        if is_row:
            jobs.setdefault(int(job_id), {}).setdefault(table, []).append(row)
        else:
            table = line
    return [
        b'{"job": %d, "rows": {%s}}'
        % (job_id, b", ".join(b'"%s": [%s]' % (name, b", ".join(rows)) for name, rows in own.items()))
        for job_id, own in sorted(jobs.items())
    ]


def parse_line(line: bytes) -> dict[str, Any]:
    """Return what the line of a job has: `job`, its number, and `rows`, by table."""
    # A server that writes JSON may leave control characters as they are.
    parsed: dict[str, Any] = json.loads(line, strict=False)
    return parsed
