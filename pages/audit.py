"""The audit log's last entries, for administrators: filtered by event and user, and as CSV."""

import streamlit as st

from jobs_data.platform import times
from jobs_data.store.audit_entries import KEPT, LISTED, list_entries
from jobs_data.url_values import parse_number
from pages.parts.audit import entries, filters
from pages.parts.shared.look import first_line, pager
from pages.parts.shared.refresh import refresh_button
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

PAGE_ENTRIES = 50

with first_line():
    st.title("Audit log", anchor=False)
if not get_viewer().may_remove:
    st.info(
        "Only administrators see the audit log. Ask an administrator of your archive.",
        icon=":material/lock:",
    )
    st.stop()

store, zone = get_services().store, times.zone_named(st.context.timezone)
event, user = filters.event_in_url(), filters.user_in_url()
get_services().audit.flush(0.5)  # what this viewer has just done is listed
found = list_entries(store, event, user, parse_number(st.query_params.get("page")) or 1, PAGE_ENTRIES)

st.caption(
    f"The newest {KEPT:,} entries of each event are kept here. The whole log is in the file or the "
    "output that the server's settings name."
)
with st.container(horizontal=True, vertical_alignment="bottom", key="audit_filters"):
    filters.show_filters(event, user)
    refresh_button()
    if found.total:
        st.download_button(
            "CSV",
            data=lambda: entries.to_csv(list_entries(store, event, user, 1, LISTED).items),
            file_name="audit-log.csv",
            mime="text/csv",
            icon=":material/download:",
            help="The entries that match, with times in UTC",
            on_click="ignore",
        )
if found.total:
    # Above the table, which is drawn late and would push it down.
    last = found.first + len(found.items) - 1
    shown = f"{found.first:,}–{last:,} of {found.total:,}"
    shown += f" · times in {zone.key}"
    if found.pages > 1:
        pager(shown, found.number, found.pages, filters.go_to_page)
    else:
        st.caption(shown)
    entries.show_entries(found.items, zone)
elif event or user.strip():
    st.info("No entry matches this filter.", icon=":material/filter_alt_off:")
    st.button("Clear filters", icon=":material/filter_alt_off:", on_click=filters.clear)
else:
    st.info(
        "There are no entries yet. Sign-ins, downloads, deletions and refused requests will be listed "
        "here.",
        icon=":material/policy:",
    )
