"""How a CSV export writes cells and times, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from jobs_data.platform.times import zone_named


class Separator(StrEnum):
    """The separator of two cells, as an address spells it."""

    COMMA = "comma"
    SEMICOLON = "semicolon"
    TAB = "tab"

    @property
    def character(self) -> str:
        """Return the character itself."""
        return {Separator.COMMA: ",", Separator.SEMICOLON: ";", Separator.TAB: "\t"}[self]


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV writes cells and times."""

    separator: Separator = Separator.COMMA
    zone: ZoneInfo | None = None
    """Times are written without an offset in this zone, which the header names: spreadsheets read
    `2026-06-15 12:00:00` as a date. None: as `csv_chunks` writes them."""


STANDARD: Final = CsvFormat()


def parse_format(params: Mapping[str, str]) -> CsvFormat:
    """Return the format that an address asks for; a bad value falls back to its default.

    `separator` names a Separator; `times=local` writes times in the IANA zone `zone`, or in UTC.
    """
    separator = params.get("separator")
    return CsvFormat(
        Separator(separator) if separator in set(Separator) else Separator.COMMA,
        zone_named(params.get("zone")) if params.get("times") == "local" else None,
    )
