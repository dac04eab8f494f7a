"""The table of every screen: rows that can be opened, selected, sorted and acted on.

It is an HTML table, so that the browser's own keyboard, zoom and screen reader support works. A message
from it names a row by its id, never by its position: a late press cannot mean another row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data.plain_text import on_one_line
from jobs_data.platform import times
from jobs_data.wording import relative_time
from pages.parts.shared.elements import ELEMENTS

Color = Literal["blue", "green", "red", "gray", "violet", "orange"]

FULL_PAGE: Final = 10
"""From this many rows on, a table keeps its place while it is being drawn."""

_HERE: Final = Path(__file__).parent
_TABLE: Final = st.components.v2.component(
    "rows_table",
    js=ELEMENTS + (_HERE / "rows_table.js").read_text("utf-8"),
    css=(_HERE / "rows_table.css").read_text("utf-8"),
)


@dataclass(frozen=True)
class Column:
    """One column; `kind` and `phone` are CSS classes of its cells."""

    id: str
    label: str
    kind: Literal["", "name", "number", "time"] = ""
    main: bool = False
    """Whether its text is the link that opens the row."""
    sort: Literal["asc", "desc", ""] | None = None
    """The order that the rows are in by this column; empty: they can be sorted by it; None: never."""
    phone: Literal["", "wide", "last", "below"] = ""
    """On a phone: shown, left out, at the end of the card's first line, or below its name."""
    hidden: bool = False
    """Whether it is hidden until the viewer chooses it."""
    help: str = ""
    width: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell with more than a text."""

    text: str
    title: str = ""
    """The tooltip."""
    detail: str = ""
    """What stands below it, cut after two lines; all of it is in the tooltip."""
    tone: Literal["", "red", "quiet"] = ""
    """How it stands below: red, or quiet, which at a desk is cut after one line."""
    href: str = ""
    color: Color | Literal[""] = ""
    """With a colour it is a chip."""
    icon: str = ""
    """A sign in front of a chip's text, so that colour is not needed to read it."""
    at: int | None = None
    """When it was, in milliseconds since 1970: the browser keeps "2 min ago" up to date."""
    since: int | None = None
    """When it began, in milliseconds since 1970: the browser shows the time elapsed."""
    share: float | None = None
    """From 0 to 1: a bar before the text."""


@dataclass(frozen=True)
class Action:
    """A button at the end of a row."""

    id: str
    """Also the name of its icon in rows_table.js."""
    label: str
    shows_label: bool = False
    """Whether its label stands beside its icon."""


@dataclass(frozen=True)
class Row:
    """A row; what its id means is known to the caller alone."""

    id: str
    label: str
    """What the row is called where its checkbox and buttons are read aloud."""
    cells: Mapping[str, Cell | str]
    href: str = ""
    """The address that its link has, for another tab."""
    actions: tuple[str, ...] = ()
    """The ids of the actions that it has, where the table offers them."""
    leaves: bool = False
    """Whether a press on its link leads there in this tab too; else it calls `on_open`."""


@dataclass(frozen=True)
class Selection:
    """Which rows are ticked; `on_tick` gets the ids that were ticked, and those that were unticked.

    Not all that are ticked: a press that selects more may be handled before an earlier tick.
    """

    ticked: Iterable[str]
    on_tick: Callable[[list[str], list[str]], None] = field(repr=False)


@dataclass(frozen=True)
class Handlers:
    """What a press in a table calls, before the next run of the page, as a button's callback."""

    on_open: Callable[[str], None] | None = None
    """Gets the id of the row whose link was pressed, unless that leads to the link's address."""
    on_action: Callable[[str, str], None] | None = None
    """Gets the id of a row and that of the action pressed."""
    on_sort: Callable[[str], None] | None = None
    """Gets the id of the column whose header was pressed."""


NO_HANDLERS: Final = Handlers()


def rows_table(
    key: str,
    label: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    handlers: Handlers = NO_HANDLERS,
    *,
    actions: Sequence[Action] = (),
    selection: Selection | None = None,
    remembers: bool = False,
) -> None:
    """Show rows; with `remembers` the viewer chooses columns, and their browser keeps the choice."""
    seq = f"{key}_seq"
    offered = {action.id for action in actions}

    def message(name: str) -> Any:
        return getattr(st.session_state[key], name, None)

    def opened() -> None:
        row = message("opened")
        if handlers.on_open and isinstance(row, str):
            handlers.on_open(row)

    def sorted_by() -> None:
        column = message("sorted")
        if handlers.on_sort and column in [each.id for each in columns]:
            handlers.on_sort(column)

    def pressed() -> None:
        press = message("pressed")
        if handlers.on_action and isinstance(press, Mapping):
            row, action = str(press.get("row", "")), press.get("action")
            if action in [each.id for each in actions]:
                handlers.on_action(row, str(action))

    def ticked() -> None:
        change = message("ticked")
        if selection and isinstance(change, Mapping):
            if isinstance(change.get("seq"), int):
                st.session_state[seq] = change["seq"]
            changed = change.get("changed")
            if isinstance(changed, Mapping):
                on, off = ([row for row in changed if changed[row] is to] for to in (True, False))
                selection.on_tick(on, off)

    with st.container(key="full_page" if remembers and len(rows) >= FULL_PAGE else f"{key}_rows"):
        _TABLE(
            key=key,
            data={
                "key": key,
                "label": label,
                "columns": [vars(column) for column in columns],
                "rows": [_row(row, offered) for row in rows],
                "actions": [vars(action) for action in actions],
                "select": selection is not None,
                "ticked": list(selection.ticked) if selection else [],
                "seq": st.session_state.get(seq, 0),
                "remembers": remembers,
            },
            on_opened_change=opened,
            on_sorted_change=sorted_by,
            on_pressed_change=pressed,
            on_ticked_change=ticked,
        )


def time_cell(moment: datetime | None, zone: ZoneInfo, now: datetime, **more: Any) -> Cell | str:
    """Return a time in words, with the exact one and its zone as the tooltip; empty for no time."""
    if moment is None or pd.isna(moment):
        return ""
    return Cell(
        relative_time(moment, now, zone),
        title=times.shown(moment, zone),
        at=int(moment.timestamp() * 1000),
        **more,
    )


def _row(row: Row, offered: Set[str]) -> dict[str, Any]:
    cells = {name: _cell(cell) for name, cell in row.cells.items()}
    return {
        "id": row.id,
        "label": on_one_line(row.label),
        "href": row.href,
        "leaves": row.leaves,
        "cells": cells,
        "actions": [action for action in row.actions if action in offered],
    }


def _cell(cell: Cell | str) -> str | dict[str, Any]:
    if isinstance(cell, str):
        return on_one_line(cell)
    shown = {name: value for name, value in vars(cell).items() if value not in ("", None)}
    # A character without a sign of its own could reverse what follows, or hide.
    return shown | {
        name: on_one_line(shown[name]) for name in ("text", "title", "detail") if name in shown
    }
