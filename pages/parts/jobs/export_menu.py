"""The export: a button that downloads the list as CSV, and a menu with what spreadsheets need.

The browser remembers the menu's separator and kind of times, and builds the links from them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses
from jobs_data.audit import Actor
from jobs_data.jobs import export
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import ListView
from jobs_data.wording import counted
from pages.parts.jobs.filter_bar import has_numbers
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

_HERE: Final = Path(__file__).parent
_MENU: Final = st.components.v2.component(
    "export_menu",
    js=(_HERE / "export_menu.js").read_text("utf-8"),
    css=(_HERE / "export_menu.css").read_text("utf-8"),
)


def show_export(jobs: JobsList, zone: ZoneInfo) -> None:
    """Show the export of the jobs that match, on all pages and in the list's order."""
    # A search that was stopped, or goes on, may have found none of the jobs that an export finds.
    is_known = jobs.looked_at is None and has_numbers(jobs)
    is_empty = not jobs.matching and is_known
    which = counted(jobs.matching) if is_known else "All jobs that match"
    reason = "No job matches, so there is nothing to export." if is_empty else ""
    view, actor = jobs.view.unpaged, get_viewer().actor
    with st.container(horizontal=True, gap="xxsmall", width="content", key="export_buttons"):
        if jobs.matching > export.BUTTON_MAX_JOBS or not is_known:
            st.link_button("Export CSV", addresses.export_url(view), wrap=False)
        else:
            st.download_button(
                "Export CSV",
                # With a key, because without one each number of jobs in its help makes another button,
                # and Streamlit keeps all of them for as long as the page is open.
                key="export_csv",
                data=lambda: _csv_of(view, actor),
                file_name=export.FILE_NAME,
                mime="text/csv",
                on_click="ignore",
                disabled=is_empty,
                help=reason or f"{which}, in the order of the list",
                wrap=False,
            )
        _MENU(
            key="export",
            data={
                "columns": [
                    ["CSV with five columns", addresses.export_url(view)],
                    ["CSV with all columns", addresses.export_url(view, all_columns=True)],
                ],
                "jobs": f"{which}, in the order of the list",
                "zone": zone.key,
                "reason": reason,
            },
            width="content",
        )


def _csv_of(view: ListView, actor: Actor) -> bytes:
    services = get_services()
    on_end = partial(export.write_audit, services.audit, actor, view)
    chunks = export.csv_chunks(services.database, view, order=services.order, on_end=on_end)
    return b"".join(chunks)
