"""The newest jobs of a demo: each shows something that real jobs do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from jobs_data.demo.kinds import (
    CHECKSUMS,
    CSV_EXPORT,
    CSV_IMPORT,
    FILE_IMPORT,
    FINDING_AID,
    FREE_TEXT,
    HERATIO_FINDING_AID,
    INDEXING,
    NO_ROW,
    OBJECT_MOVE,
    RETRY,
    VALIDATION,
    Kind,
)
from jobs_data.platform.status import CANCELLED, COMPLETED, ERROR, IN_PROGRESS

RUNNING_ELSEWHERE: Final = 182
COPYING: Final = "Copying glass-negative-{n}.tif."
"""What a job writes that never comes to its end."""


@dataclass(frozen=True, slots=True)
class Example:
    """One job; its times are in minutes. It is active unless its status is of a finished job."""

    age: float
    """How long ago it was created."""
    kind: Kind
    status: int | None = COMPLETED
    name: str | None = None
    wrote: float | None = None
    """When after its start it ended or wrote last; else when that is usual, or now."""
    texts: tuple[str, ...] | None = None
    """What it wrote; None: some usual steps."""
    culture: str = "en"
    """Of its user; empty: an anonymous visitor."""
    row_errors: int = 0
    is_started: bool = True


EXAMPLES: Final = (
    Example(0.6, CSV_EXPORT, IN_PROGRESS),
    Example(1.7, OBJECT_MOVE, IN_PROGRESS, texts=(RETRY,) * 10),
    Example(3, FINDING_AID),
    Example(
        5,
        FREE_TEXT,
        name="Import: accessions-2026.csv",
        texts=(
            "Read 127 rows.",
            *(
                f"[err] {NO_ROW.format(n=row)}" if row % 17 == 12 else f"Row {row} imported."
                for row in range(2, 129)
            ),
        ),
    ),
    Example(9, replace(CSV_IMPORT, failures=CSV_IMPORT.failures[:1]), ERROR, texts=("Read 38 rows.",)),
    Example(14, FINDING_AID, None, is_started=False),
    Example(25, CSV_EXPORT, culture=""),
    Example(
        130,
        CSV_EXPORT,
        IN_PROGRESS,
        texts=("Exported 4811 descriptions.", *(COPYING.format(n=n) for n in range(312, 360))),
    ),
    Example(190, FILE_IMPORT, IN_PROGRESS, wrote=12, texts=("Importing 4811 records.", INDEXING)),
    Example(310, FILE_IMPORT, culture="fr", row_errors=3),
    # The second page.
    Example(320, FILE_IMPORT, ERROR, culture="pt"),
    Example(330, CHECKSUMS, RUNNING_ELSEWHERE, wrote=0.1),
    Example(335, CHECKSUMS),
    Example(340, FILE_IMPORT, texts=tuple(f"Row {row} imported." for row in range(2, 900)), wrote=14),
    Example(350, OBJECT_MOVE, CANCELLED, texts=("Moved; 12 descendants updated.",), wrote=0.1),
    Example(
        360,
        FREE_TEXT,
        name="Digitisation batch 📷 glass negatives ✅",
        texts=tuple(f"glass-negative-{n}.tif: derivatives made, checksum kept." for n in range(4000)),
        row_errors=2,
        wrote=30,
    ),
    Example(
        380,
        CSV_IMPORT,
        texts=(
            "\x1b[32mRead 48 rows.\x1b[0m",
            "\x1b[33mRow 7: no level of description.\x1b[0m",
            "\x1b[1;31mRow 9: kept without its creator.\x1b[0m",
        ),
        row_errors=1,
    ),
    Example(
        390,
        HERATIO_FINDING_AID,
        texts=(
            "Finding aid of 311 descriptions.",
            "[err] Description 512 has no title.",
            "[err] The logo /uploads/r/logo.png is missing.",
        ),
    ),
    Example(400, HERATIO_FINDING_AID),
    Example(
        410,
        VALIDATION,
        texts=(
            "Validating error.csv: 0 errors found, 0 warnings.",
            "The title “ERROR: illegible” in row 4 is fine; no error found.",
            "Report written to /downloads/jobs/error.csv",
        ),
    ),
    Example(
        420,
        CSV_IMPORT,
        texts=("Read error.csv: 31 rows, 0 errors.", "Row 8: scope is “Telegram: ERROR: no ship”."),
    ),
    Example(430, FILE_IMPORT, culture="pt", row_errors=5),
    Example(440, FILE_IMPORT, row_errors=1),
)
