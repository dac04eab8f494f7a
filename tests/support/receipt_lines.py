"""Receipts as a test reads them: the JSON lines of the download."""

import json
from typing import Any

from jobs_data.store import receipts
from jobs_data.store.database import Store

Lines = list[dict[str, Any]]


def read_receipts(own: Store) -> dict[str, Lines]:
    """Return the lines of each receipt by its id, the oldest first."""
    found = receipts.list_receipts(own, "", 1, 1_000).items
    return {each.id: read_receipt(own, each.id) for each in reversed(found)}


def read_receipt(own: Store, receipt_id: str) -> Lines:
    """Return the lines of a receipt."""
    data = b"".join(receipts.stream(own, receipt_id))
    return [json.loads(line) for line in data.split(b"\n") if line]


def jobs_in(lines: Lines) -> dict[int, dict[str, Any]]:
    """Return the rows of each job in a receipt's lines, by its id."""
    return {line["job"]: line["rows"] for line in lines if "job" in line}


def outcomes_in(lines: Lines) -> dict[str, list[int]]:
    """Return the ids of a receipt by outcome."""
    found: dict[str, list[int]] = {}
    for line in lines:
        for outcome, ids in line.get("outcome", {}).items():
            found.setdefault(outcome, []).extend(ids)
    return found
