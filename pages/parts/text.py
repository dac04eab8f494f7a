"""Strangers' text on the screen: shown as it is, never read as Markdown or HTML."""

from __future__ import annotations

import html
import re

import streamlit as st

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is, for labels that only take Markdown."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def heading(text: str) -> None:
    """Show a text as the page's heading, as it is.

    `st.title` reads Markdown and makes links of bare addresses even where punctuation is escaped.
    """
    st.html(f"<h1 class='job-name'>{html.escape(text)}</h1>")
