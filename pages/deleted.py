"""Deleted jobs: a row for each removal; opened, one removal with its jobs."""

import streamlit as st

from jobs_data.platform import times
from jobs_data.store.expiry import expire
from jobs_data.wording import counted
from pages.parts.removal import deleted_details, deleted_list, progress
from pages.parts.shared.address import put_into_url
from pages.parts.shared.look import first_line
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

store, days = get_services().store, get_services().settings.receipts_days
zone = times.zone_named(st.context.timezone)
receipt_id = st.query_params.get("receipt", "")

progress.take_result()

if receipt_id:
    with first_line():
        st.button(
            "Back to deleted jobs",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=lambda: put_into_url({}, ("receipt",)),
        )
    receipt = get_services().restores.read_settled(receipt_id)
    if receipt is None:
        st.title("Not found", anchor=False)
        st.info(
            "There is no deletion with this number. It may be older than "
            f"{counted(days, 'day')}, or the link is incomplete.",
            icon=":material/search_off:",
        )
    else:
        deleted_details.show_receipt(receipt, zone, get_viewer())
else:
    with first_line():
        st.title("Deleted jobs", anchor=False)
    progress.show_progress()
    progress.show_notice()
    if waiting := expire(store, days, audit=get_services().audit):
        st.caption(waiting)
    deleted_list.show_list(store, days, zone, get_viewer())
