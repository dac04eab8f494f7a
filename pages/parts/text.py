"""Strangers' text on the screen: shown as it is, never read as Markdown or HTML."""

from __future__ import annotations

import html
import re
from typing import Final

import streamlit as st

_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")
_MAKES_A_LINK: Final = re.compile(r"(www|:/|@)", re.IGNORECASE)
_WORD_JOINER: Final = "\u2060"


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is, for labels that only take Markdown."""
    # Bare addresses become links even where punctuation is escaped; an invisible joiner stops that.
    unlinked = _MAKES_A_LINK.sub(rf"\1{_WORD_JOINER}", " ".join(text.split()))
    return _PUNCTUATION.sub(r"\\\1", unlinked)


def heading(text: str) -> None:
    """Show a text as the page's heading, as it is.

    `st.title` reads Markdown and makes links of bare addresses even where punctuation is escaped.
    """
    st.html(f"<h1 class='job-name'>{html.escape(text)}</h1>")
