"""The receipts of what was deleted; opened, one receipt with its jobs and the way to restore them."""

import streamlit as st

from jobs_data.platform import times
from jobs_data.store.expiry import expire
from pages.parts.removal import receipt_details, receipts, undo
from pages.parts.shared import address
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

store, days = get_services().store, get_services().settings.receipts_days
zone = times.zone_named(st.context.timezone)
receipt_id = st.query_params.get("receipt", "")

undo.take_result()

if receipt_id:
    receipts.back_button()
    receipt = undo.read_settled(receipt_id)
    if receipt is None:
        st.title("No such receipt", anchor=False)
        st.info(
            "There is no receipt with this name. It may have been erased, as all are after "
            f"{days} days, or the link is incomplete.",
            icon=":material/search_off:",
        )
    else:
        st.title("Receipt", anchor=False)
        address.show_notice()
        undo.show_progress()
        receipt_details.show_receipt(receipt, zone, get_viewer())
else:
    st.title("Receipts", anchor=False)
    address.show_notice()
    undo.show_progress()
    if waiting := expire(store, days):
        st.caption(waiting)
    receipts.show_list(store, days, zone)

undo.show_dialog()
