"""Strangers' text on the screen: shown as it is, never read as Markdown or HTML."""

from __future__ import annotations

import html
import re
from typing import Final

import streamlit as st

# What Markdown reads anywhere in a line, and at its beginning: lists, headings, quotes.
_INLINE: Final = re.compile(r"([\\`*\[\]<&$~]|(?<![^\W_])_|_(?![^\W_]))")
_BEGINNING: Final = re.compile(r"^(\d+(?=[.)]))?([-+#>.)])")
# Bare addresses, `:red[…]`, `:material/home:`, `:smile:`, and the arrow that stands for `->`. Streamlit
# finds most of these even where punctuation is escaped; an invisible joiner stops that.
_APART: Final = re.compile(r"(www|@|:(?=[\w+/:-])|[-<>~](?=[-=>]))", re.IGNORECASE)
_WORD_JOINER: Final = "\u2060"


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is, for labels and messages that only take Markdown."""
    apart = _APART.sub(rf"\1{_WORD_JOINER}", " ".join(text.split()))
    return _BEGINNING.sub(r"\1\\\2", _INLINE.sub(r"\\\1", apart))


def heading(text: str) -> None:
    """Show a text as the page's heading, as it is.

    `st.title` reads Markdown and makes links of bare addresses even where punctuation is escaped.
    """
    st.html(f"<h1 class='job-name'>{html.escape(text)}</h1>")
