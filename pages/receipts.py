"""The receipts of what was deleted; opened, one receipt with its jobs and the way to restore them."""

import streamlit as st

from jobs_data.platform import times
from jobs_data.store.expiry import expire
from pages.parts import receipts_details, receipts_table, receipts_undo, state
from pages.parts.services import get_services
from pages.parts.viewer import get_viewer

store, days = get_services().store, get_services().settings.receipts_days
zone = times.zone_named(st.context.timezone)
receipt_id = st.query_params.get("receipt", "")

receipts_undo.take_result()

if receipt_id:
    receipts_table.back_button()
    receipt = receipts_undo.read_settled(receipt_id)
    if receipt is None:
        st.title("No such receipt", anchor=False)
        st.info(
            "There is no receipt with this name. It may have been erased, as all are after "
            f"{days} days, or the link is incomplete.",
            icon=":material/search_off:",
        )
    else:
        st.title("Receipt", anchor=False)
        state.show_notice()
        receipts_undo.show_progress()
        receipts_details.show_receipt(receipt, zone, get_viewer())
else:
    st.title("Receipts", anchor=False)
    state.show_notice()
    receipts_undo.show_progress()
    if waiting := expire(store, days):
        st.caption(waiting)
    receipts_table.show_list(store, days, zone)

receipts_undo.show_dialog()
