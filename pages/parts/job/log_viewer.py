"""A log: its lines with numbers, levels and times; find, filter, follow, and a link to each line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs.log_lines import LogLine
from jobs_data.plain_text import cut_line, visible
from jobs_data.platform import times

_HERE: Final = Path(__file__).parent
_VIEWER: Final = st.components.v2.component(
    "log_viewer",
    html='<div class="bar"></div><p class="notice" role="status"></p><div class="log"></div>',
    js=(_HERE / "log_viewer.js").read_text("utf-8"),
    css=(_HERE / "log_viewer.css").read_text("utf-8"),
)


@dataclass(frozen=True)
class Log:
    """What a viewer shows. Texts typed, filter and scroll position stay as long as its id does."""

    id: str
    label: str
    lines: Sequence[LogLine]
    follows: bool
    """Whether it shows its end, until the user scrolls up: more lines are to come."""


@dataclass(frozen=True)
class Position:
    """Where a viewer opens."""

    line: int | None = None
    """The number of a line; without one, the first error or else the end."""
    seq: int = 0
    """Another number means that the user asks for the line again."""


def log_viewer(
    key: str,
    log: Log,
    position: Position,
    zone: ZoneInfo,
    *,
    on_earlier: Callable[[], None] | None = None,
    on_later: Callable[[], None] | None = None,
) -> None:
    """Show a log; the buttons above and below its lines call `on_earlier` and `on_later`, if given."""
    _VIEWER(
        key=key,
        data={
            "log": log.id,
            "label": log.label,
            "zone": zone.key,
            "lines": [_line(line, zone) for line in log.lines],
            "follows": log.follows,
            "line": position.line,
            "seq": position.seq,
            "earlier": on_earlier is not None,
            "later": on_later is not None,
        },
        on_earlier_change=on_earlier or _nothing,
        on_later_change=on_later or _nothing,
    )


def _line(line: LogLine, zone: ZoneInfo) -> list[Any]:
    # The component shows the clock of `2026-11-25 09:14:02 (Europe/Berlin)`, and all of it as tooltip.
    time = "" if line.time is None else times.shown(line.time, zone).partition(" (")[0]
    prefix, message = (visible(cut_line(text)[0]) for text in (line.prefix, line.message))
    return [line.number, str(line.level), time, prefix, message]


def _nothing() -> None:
    """Take what another run's button sent."""
