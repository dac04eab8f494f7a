"""Tidying: rules, a preview of exactly the jobs that they let go, and the removal of these."""

import streamlit as st

from jobs_data.jobs.choices import read_choices
from jobs_data.jobs.view import ListView
from jobs_data.platform import times
from jobs_data.removal.retention import NO_RULES, rules_words
from pages.parts.jobs import filter_bar
from pages.parts.removal import preview, progress, rule_form, undo
from pages.parts.shared import address, reads
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

database = get_services().database
viewer = get_viewer()
zone = times.zone_named(st.context.timezone)
rules = rule_form.rules_in_url()
names = filter_bar.owner_names(database, rules.filter)

progress.take_result()
undo.take_result()

address.back_button(address.list_in_url() or ListView(rules.filter))
st.title("Tidy", anchor=False)
progress.show_progress()
undo.show_progress()
address.show_notice(keeps=True)
preview.show_undo(viewer)
rule_form.show_rules(rules, reads.read_cached(read_choices, database), names, zone)
if rules == NO_RULES:
    st.caption("Without a rule all finished jobs are meant.")
if st.button(
    "Preview",
    icon=":material/preview:",
    help="Shows which jobs would go. Nothing is removed by it.",
    on_click=rule_form.take_rules,
):
    preview.begin(rules, rules_words(rules, names, zone))
preview.show(rules, zone, viewer)
undo.show_dialog()
