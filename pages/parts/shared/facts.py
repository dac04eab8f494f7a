"""Facts of one thing: a label and a text each, side by side."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from jobs_data.plain_text import on_one_line


def show_facts(facts: Mapping[str, str | None], title: str = "") -> None:
    """Show facts, under a title where one is given; those that are empty are left out."""
    known = {label: value for label, value in facts.items() if value}
    if not known:
        return
    with st.container(border=bool(title)):
        if title:
            st.markdown(f"**{title}**")
        with st.container(horizontal=True, gap="medium"):
            for label, value in known.items():
                with st.container(width="content", gap=None):
                    st.caption(label)
                    st.text(on_one_line(value))
