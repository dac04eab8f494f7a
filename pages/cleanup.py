"""Clean up: rules, a preview of exactly the jobs that match, and the button that deletes these."""

import streamlit as st

from jobs_data.jobs.choices import read_choices
from jobs_data.jobs.view import ListView
from jobs_data.platform import times
from jobs_data.removal.retention import rules_words
from pages.parts.removal import preview, progress, rule_form
from pages.parts.shared import address, reads
from pages.parts.shared.look import first_line
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

zone = times.zone_named(st.context.timezone)
if progress.take_result():
    preview.forget()
rules = rule_form.rules_in_url()
users = reads.user_names(get_services().database, rules.filter.owners)

with first_line():
    address.back_button(address.list_in_url() or ListView(rules.filter))
st.title("Clean up", anchor=False)
progress.show_progress()
progress.show_notice()
rule_form.show_rules(rules, reads.read_cached(read_choices, get_services().database), users, zone)
preview.show(rules, rules_words(rules, users, zone), zone, get_viewer())
