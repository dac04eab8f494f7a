"""One job: whether it is through, why it failed, what it wrote, and its result file."""

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from jobs_data import url_values
from jobs_data.jobs import job_report
from jobs_data.jobs.job_names import human_name
from jobs_data.plain_text import on_one_line
from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.statistics.failures import read_failures, similar_failures
from jobs_data.statistics.name_history import read_name_history
from jobs_data.statistics.period import Period
from pages.parts.job import alive, failure, header, same_name, timeline
from pages.parts.job.output import read_output, show_download, show_log, show_outcome, show_title
from pages.parts.job.parameters import show_parameters
from pages.parts.removal import dialogs
from pages.parts.shared import address, reads, refresh
from pages.parts.shared.look import first_line, give_time_to_draw, status_word
from pages.parts.shared.services import get_services
from pages.parts.shared.text import heading
from pages.parts.shared.viewer import get_viewer

services = get_services()
database = services.database
zone = times.zone_named(st.context.timezone)
now = datetime.now(UTC)
came_from = address.view_in_url()
job_id = url_values.parse_number(st.query_params.get("id"))
reading = partial(job_report.read_report, database, job_id or 0)
job = None if job_id is None else refresh.last_good("report", job_id, reading)

if job is None:
    st.set_page_config(page_title="No such job")
    with first_line():
        address.back_button(came_from)
    heading("No such job")
    address.show_notice()
    st.info(
        "There is no job with this number. It may have been deleted, or the link is incomplete.",
        icon=":material/search_off:",
    )
    st.stop()

is_active = job.state is State.ACTIVE
st.set_page_config(
    page_title=f"{status_word(job.state, job.status, job.facts.errors)}: "
    f"{on_one_line(human_name(job.name))}"
)

header.show_navigation(database, came_from, job.id)
address.forget_undoable()  # it belongs to the list
address.show_notice()
header.show_heading(job, services.result_roots, get_viewer())
give_time_to_draw()
output = read_output(database, job)
header.show_facts(job, zone, services.settings.site_url, now)
runs_of_name = same_name.show_link(job)
if is_active:
    alive.show_alive(database, job, zone, now)
similar = failure.show_failure(job)
show_outcome(output, job)
timeline.show_timeline(job, zone, now)
failure.show_notes(job)
show_parameters(job)
with st.container(horizontal=True, vertical_alignment="center", key="output_heading"):
    show_title(output, job, database)
    st.space("stretch")
    refresh.keep_refreshing(
        refresh.last_read_at("report", job_id),
        zone,
        is_live=is_active,
        paused_by="a dialog is open" if dialogs.is_open() else "",
    )
    refresh.refresh_button()
    show_download(output)
show_log(output, job, zone)
dialogs.show_dialog(came_from)

# Last: these take their time where the platform has many jobs.
with suppress(DatabaseUnavailable):
    history = reads.read_now(read_name_history, database, job.name, services.outcomes)
    with runs_of_name:
        same_name.show_newest(history, job, came_from, zone)
    with similar:
        same_name.show_sentence(history, job, came_from)
if job.reason and not is_active:
    with suppress(DatabaseUnavailable):
        failures = reads.read_now(read_failures, database, services.order, Period.ALL, zone)
        with similar:
            failure.show_similar(similar_failures(failures, job.id, job.reason))
