"""What an active job does: one line, and where it may be stuck, the evidence and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs import liveness_words
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.liveness import read_liveness
from jobs_data.jobs.liveness_words import WayOut
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import Alive
from jobs_data.reasons.lines import read_record
from pages.parts.shared.look import ALIVE_LOOKS
from pages.parts.shared.text import plain

LINE_CHARACTERS: Final = 300
PROTECTED: Final = (
    "Nothing here runs these commands. An active job is protected: it cannot be deleted here before "
    "it is completed or failed."
)


def show_alive(database: Database, report: JobReport, zone: ZoneInfo, now: datetime) -> None:
    """Show what an active job does; nothing where that cannot be read, or it has just finished."""
    with suppress(DatabaseUnavailable):
        ways_out = liveness_words.ways_out(database, report.id)
        for job in read_liveness(database, now, report.id).jobs.to_dict("records"):
            state = Alive(job["state"])
            look = ALIVE_LOOKS[state]
            with st.container(horizontal=True, vertical_alignment="center", key="alive"):
                st.badge(look.word, icon=look.icon, color=look.color, help=look.meaning)
                st.markdown(
                    liveness_words.summary(job, now),
                    help=liveness_words.exact_times(job, now, zone),
                )
            if state in liveness_words.NEEDS_HELP:
                line = report.output.rstrip().rpartition("\n")[2]
                last = read_record(line).message[:LINE_CHARACTERS]
                its_end = f"\n\nIts last line: {plain(last)}" if last else ""
                st.warning(liveness_words.evidence(job, now) + its_end, icon=look.icon)
                with st.expander("What you can do", expanded=state is not Alive.OVERDUE, key="way_out"):
                    _show_ways_out(ways_out)


def _show_ways_out(ways_out: Sequence[WayOut]) -> None:
    for tab, way in zip(st.tabs([way.platform for way in ways_out]), ways_out, strict=True):
        with tab:
            for number, step in enumerate(way.steps, 1):
                st.markdown(f"{number}\\. {step.text}")
                st.code(step.code, language=step.language, wrap_lines=True)
    st.caption(PROTECTED)
