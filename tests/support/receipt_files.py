"""Receipts as a test reads them: with nothing but gzip and JSON."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

SUFFIX = ".jsonl.gz"


def read_receipt(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a receipt, up to where it was cut."""
    pieces: list[bytes] = []
    try:
        with gzip.open(path) as file:
            while piece := file.read1(1 << 16):
                pieces.append(piece)
    except (EOFError, zlib.error):
        pass
    text = b"".join(pieces)
    whole = text[: text.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.decode().split("\n") if line]


def read_receipts(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of each receipt in a folder by its id, the oldest first."""
    paths = sorted(folder.glob(f"*{SUFFIX}")) if folder.exists() else []
    return {path.name.removesuffix(SUFFIX): read_receipt(path) for path in paths}


def jobs_in(lines: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the rows of each job in a receipt's lines, by its id: the last that were written."""
    return {line["job"]: line["rows"] for line in lines if "job" in line}


def outcomes_in(lines: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Return the ids of a receipt by outcome."""
    found: dict[str, list[int]] = {}
    for line in lines:
        for outcome, ids in line.get("outcome", {}).items():
            found.setdefault(outcome, []).extend(ids)
    return found
