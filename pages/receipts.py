"""The receipts of what was removed; opened, one receipt with its jobs and the way to undo it."""

import streamlit as st

from jobs_data.platform import times
from jobs_data.removal import kept_receipts
from jobs_data.removal.kept_receipts import ReceiptsUnreadable
from pages.parts import receipts_details, receipts_table, receipts_undo, state
from pages.parts.services import get_services
from pages.parts.viewer import get_viewer

database = get_services().database
days = database.receipts_days
zone = times.zone_named(st.context.timezone)
viewer = get_viewer()
receipt_id = st.query_params.get("receipt", "")

receipts_undo.take_result()

if receipt_id:
    receipts_table.back_button()
    receipt = kept_receipts.read_receipt(database.receipts_dir, receipt_id)
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
        receipts_details.show_receipt(receipt, zone, viewer)
else:
    st.title("Receipts", anchor=False)
    state.show_notice()
    receipts_undo.show_progress()
    kept_receipts.discard_old(database.receipts_dir, days)
    try:
        receipts = kept_receipts.list_receipts(database.receipts_dir)
    except ReceiptsUnreadable as problem:
        st.error(str(problem), icon=":material/folder_off:")
    else:
        receipts_table.show_list(receipts, days, zone)

receipts_undo.show_dialog()
