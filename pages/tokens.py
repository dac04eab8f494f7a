"""API tokens: make one for a program, see when each was last used, and revoke it."""

import streamlit as st

from jobs_data.platform import times
from pages.parts.shared.look import first_line
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer
from pages.parts.tokens import form, table

viewer, tokens = get_viewer(), get_services().tokens
zone = times.zone_named(st.context.timezone)

with first_line():
    st.title("API tokens", anchor=False)
if viewer.may_remove:
    st.caption("With a token a program reads jobs, or deletes finished ones, as the user who made it.")
    form.show_new_token()
    form.show_form(viewer)
    table.show_tokens(tokens.newest(), zone, viewer)
else:
    st.info(
        "Only administrators make and see API tokens. Ask an administrator of your archive for one.",
        icon=":material/lock:",
    )
