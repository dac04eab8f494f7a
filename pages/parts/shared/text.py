"""Untrusted text on the screen: shown as it is, never read as Markdown or HTML, nothing hidden."""

from __future__ import annotations

import html
import re
from typing import Any, Final

import pandas as pd
import streamlit as st

from jobs_data.plain_text import on_one_line, visible

# What Markdown reads anywhere in a line, and at its beginning: lists, headings, quotes.
_INLINE: Final = re.compile(r"([\\`*\[\]<&$~]|(?<![^\W_])_|_(?![^\W_]))")
_BEGINNING: Final = re.compile(r"^(\d+(?=[.)]))?([-+#>.)])")
# Bare addresses, `:red[…]`, `:material/home:`, `:smile:`, and the arrow that stands for `->`. Streamlit
# finds most of these even where punctuation is escaped; an invisible joiner stops that.
_APART: Final = re.compile(r"(www|@|:(?=[\w+/:-])|[-<>~](?=[-=>]))", re.IGNORECASE)
_WORD_JOINER: Final = "\u2060"
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_ISOLATE: Final = "\u2068"
_END_OF_ISOLATE: Final = "\u2069"


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is, for labels and messages that only take Markdown."""
    apart = _APART.sub(rf"\1{_WORD_JOINER}", visible(" ".join(text.split())))
    escaped = _BEGINNING.sub(r"\1\\\2", _INLINE.sub(r"\\\1", apart))
    # A name in Hebrew or Arabic must not pull the figures behind it to its other side.
    return f"{_ISOLATE}{escaped}{_END_OF_ISOLATE}" if _RIGHT_TO_LEFT.search(text) else escaped


def heading(text: str) -> None:
    """Show a text as the page's heading, as it is.

    `st.title` reads Markdown and makes links of bare addresses even where punctuation is escaped.
    """
    st.html(f"<h1 class='job-name'>{html.escape(on_one_line(text))}</h1>")


def visible_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts have a sign for each character that has none, for a table or a chart.

    A grid would let a character that reverses what follows reverse the rest of its cell.
    """
    texts = frame.select_dtypes(["object", "string"])
    return frame.assign(**{str(name): texts[name].map(_cell) for name in texts})


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return on_one_line(value)
    return [on_one_line(text) for text in value] if isinstance(value, list) else value
