"""One job's report: what it was, how it went, what it said, and its result file."""

from functools import partial

import streamlit as st

from jobs_data import url_values
from jobs_data.jobs import job_report
from jobs_data.platform import times
from jobs_data.platform.status import FINISHED_STATES, State
from pages.parts.job import sections
from pages.parts.removal import dialogs
from pages.parts.shared import address, refresh
from pages.parts.shared.services import get_services
from pages.parts.shared.text import heading
from pages.parts.shared.viewer import get_viewer

database = get_services().database
settings = get_services().settings
zone = times.zone_named(st.context.timezone)
came_from = address.view_in_url()
job_id = url_values.parse_number(st.query_params.get("id"))
reading = partial(job_report.read_report, database, job_id or 0)
job = None if job_id is None else refresh.last_good("report", job_id, reading)

if job is None:
    address.back_button(came_from)
    st.title("No such job", anchor=False)
    address.show_notice()
    st.info(
        "There is no job with this number. It may have been deleted or cleared, or the link is "
        "incomplete.",
        icon=":material/search_off:",
    )
    st.stop()

sections.show_way(database, came_from, job.id)
heading(job.name)
address.show_notice()

with st.container(horizontal=True, vertical_alignment="center"):
    sections.show_status(job)
    st.space("stretch")
    refresh.refresh_controls()
    if job.state in FINISHED_STATES and get_viewer().may_remove:
        st.button("Delete…", icon=":material/delete:", on_click=dialogs.ask_delete, args=([job.id],))

sections.show_errors(job)
sections.show_facts(job, zone, settings.site_url)
sections.show_notes(job)
sections.show_result(job, get_services().result_roots)
sections.show_output(job)

refresh.keep_refreshing(
    refresh.last_read_at("report", job_id),
    zone,
    paused_by="a dialog is open"
    if dialogs.is_open()
    else ""
    if job.state is State.ACTIVE
    else "this job is not active: nothing more will come",
)
dialogs.show_dialog(came_from)
