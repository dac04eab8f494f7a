"""Tables of what was measured, printed and kept in a document."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.support.mariadb import MariaDB

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN: Final = "<!-- make bench writes from here -->"
END: Final = "<!-- to here -->"
HEADER: Final = ("What", "Ours", "Beside it", "Ratio", "Asked", "Reached")


@dataclass(frozen=True)
class Figure:
    """One line of the table; a figure that nothing is asked of has an empty `asked`."""

    what: str
    ours: str
    beside: str = ""
    """What it is compared with, and that figure."""
    ratio: str = ""
    asked: str = ""
    reached: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells, as HEADER names them."""
        verdict = {True: "yes", False: "**no**", None: ""}[self.reached]
        return self.what, self.ours, self.beside, self.ratio, self.asked, verdict


def faster(what: str, ours: float, theirs: float, beside: str, at_least: float) -> Figure:
    """Return a figure of two times in seconds, of which ours must be so many times shorter."""
    ratio = theirs / ours
    return Figure(
        what,
        seconds(ours),
        f"{beside} {seconds(theirs)}",
        f"{ratio:.1f} × faster",
        f"at least {at_least:g} × faster",
        ratio >= at_least,
    )


def within(what: str, ours: float, theirs: float, beside: str, at_most: float) -> Figure:
    """Return a figure of two times in seconds, of which ours may be so many times longer."""
    ratio = ours / theirs
    return Figure(
        what,
        seconds(ours),
        f"{beside} {seconds(theirs)}",
        f"{ratio:.2f} ×",
        f"at most {at_most:g} ×",
        ratio <= at_most,
    )


def limited(what: str, ours: float, at_most: float) -> Figure:
    """Return a figure of a time in seconds that must not be longer than a limit."""
    return Figure(what, seconds(ours), asked=f"at most {seconds(at_most)}", reached=ours <= at_most)


def seconds(value: float) -> str:
    """Return a time as people read it: in microseconds, milliseconds or seconds."""
    if value < 0.0001:
        return f"{value * 1e6:.0f} µs"
    if value < 0.01:
        return f"{value * 1000:.1f} ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s"


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value below which so many percent of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    return markdown([HEADER, *(figure.cells() for figure in figures)])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, the header first, as a Markdown table whose columns line up in a terminal, too."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def circumstances(server: MariaDB) -> str:
    """Return when and with what was measured, as the beginning of a sentence."""
    with server.cursor() as cursor:
        cursor.execute("SELECT version()")
        version = str((cursor.fetchone() or ("?",))[0])
    return (
        f"Measured on {datetime.now(UTC):%d %B %Y} with MariaDB {version}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores at a load of {os.getloadavg()[2]:.1f} "
        "over the last 15 minutes"
    )


def write_down(text: str, document: Path = DOCUMENT, begin: str = BEGIN) -> None:
    """Put a text between two of the document's markers; what stands around them stays."""
    before, _, rest = document.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{begin}\n\n{text}\n\n{END}{after}", "utf-8")
