"""A log: its lines with numbers, levels and times; find, filter, follow, and a link to each line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs.log_lines import LogLine
from jobs_data.plain_text import cut_line, visible
from jobs_data.platform import times
from pages.parts.shared.elements import ELEMENTS

_HERE: Final = Path(__file__).parent
_VIEWER: Final = st.components.v2.component(
    "log_viewer",
    html='<div class="bar"></div><div class="log"></div>',
    js=ELEMENTS + (_HERE / "log_viewer.js").read_text("utf-8"),
    css=(_HERE / "log_viewer.css").read_text("utf-8"),
)


class Move(StrEnum):
    """Another part of the log that the user asks for."""

    BEGINNING = "beginning"
    EARLIER = "earlier"
    LATER = "later"
    END = "end"


@dataclass(frozen=True)
class Log:
    """What a viewer shows. Find, filter and scroll position stay as long as its id does."""

    id: str
    label: str
    address: str
    """The address of the page, with a query; `line` is added for a link to a line."""
    lines: Sequence[LogLine]
    follows: bool
    """Whether more lines are to come: it shows its end until the user scrolls up."""
    has_earlier: bool
    has_later: bool


@dataclass(frozen=True)
class Position:
    """Where a viewer opens."""

    line: int | None = None
    """The number of a line; without one, the first error or else the end."""
    seq: int = 0
    """Another number means that the user asks for the place again."""


def log_viewer(
    key: str, log: Log, position: Position, zone: ZoneInfo, on_move: Callable[[Move], None]
) -> None:
    """Show a log; buttons above and below its lines call `on_move`, as a button's callback."""

    def moved() -> None:
        move = getattr(st.session_state[key], "move", None)
        if move in list(Move):
            on_move(Move(move))

    _VIEWER(
        key=key,
        data={
            "log": log.id,
            "label": log.label,
            "address": log.address,
            "zone": zone.key,
            "lines": [_line(line, zone) for line in log.lines],
            "follows": log.follows,
            "line": position.line,
            "seq": position.seq,
            "earlier": log.has_earlier,
            "later": log.has_later,
        },
        on_move_change=moved,
    )


def _line(line: LogLine, zone: ZoneInfo) -> list[Any]:
    # Of `2026-11-25 09:14:02 (Europe/Berlin)` the component shows the clock, and all as tooltip.
    time = "" if line.time is None else times.shown(line.time, zone).partition(" (")[0]
    prefix, message = (visible(cut_line(text)[0]) for text in (line.prefix, line.message))
    return [line.number, str(line.level), time, prefix, message]
