"""Tidying: rules, a preview of exactly the jobs that they let go, and the removal of these."""

import streamlit as st

from jobs_data.jobs.view import ListView
from jobs_data.platform import times
from jobs_data.removal.retention import NO_RULES, rules_words
from pages.parts import clearing, filter_bar, readings, receipts_undo, state, tidy_preview, tidy_rules
from pages.parts.services import get_services
from pages.parts.viewer import get_viewer

database = get_services().database
viewer = get_viewer()
zone = times.zone_named(st.context.timezone)
rules = tidy_rules.rules_in_url()
names = filter_bar.owner_names(database, rules.filter)

clearing.take_result()
receipts_undo.take_result()

state.back_button(state.list_in_url() or ListView(rules.filter))
st.title("Tidy", anchor=False)
clearing.show_progress()
receipts_undo.show_progress()
state.show_notice(keeps=True)
tidy_preview.show_undo(viewer)
tidy_rules.show_rules(rules, readings.choices_of(database), names, zone)
if rules == NO_RULES:
    st.caption("Without a rule all finished jobs are meant.")
if st.button(
    "Preview",
    icon=":material/preview:",
    help="Shows which jobs would go. Nothing is removed by it.",
    on_click=tidy_rules.take_rules,
):
    tidy_preview.begin(rules, rules_words(rules, names, zone))
tidy_preview.show(rules, zone, viewer)
receipts_undo.show_dialog()
