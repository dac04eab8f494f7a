"""One queued job, the platform's or Laravel's: everything that is known of it."""

from datetime import UTC, datetime

import streamlit as st

from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import laravel_failed, laravel_jobs, queue_job, queue_log
from jobs_data.queues import history, reads
from jobs_data.queues.filters import parse_job_key, parse_origin
from jobs_data.queues.model import JobDetails, QueueState, Source
from pages.parts.queues import address, details, tables
from pages.parts.queues.job import CALLED, NOT_FOUND, show_failed_record, show_job
from pages.parts.shared.reads import read_recent
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain

TABLES = {Source.LARAVEL: laravel_jobs, Source.LARAVEL_FAILED: laravel_failed}
UNFINISHED = {QueueState.WAITING, QueueState.DELAYED, QueueState.RUNNING}

database = get_services().database
zone = times.zone_named(st.context.timezone)
asked = parse_job_key(st.query_params)
came_from = parse_origin(st.query_params)

head = st.container(horizontal=True, vertical_alignment="center", key="head")
with head:
    address.back_button(came_from)

job: JobDetails | None = None
problem = ""
try:
    if asked is not None:
        job = read_recent(reads.read_queue_job, database, asked)
except DatabaseUnavailable as error:
    problem = str(error)

if asked is None or (job is None and not problem):
    source = asked.source if asked else Source.HERATIO
    details.show_head("No such job", None)
    st.info(NOT_FOUND[source], icon=":material/search_off:")
    if missing := reads.missing_sentence(database, TABLES.get(source, queue_job)):
        st.info(missing, icon=":material/table:")
    st.stop()

if job is None:
    details.show_head(f"{CALLED[asked.source]} {asked.id}", None)
    st.error(plain(problem), icon=":material/cloud_off:")
else:
    show_job(job, zone)

if asked.source is Source.HERATIO:
    # Last, for without an index these may take their time.
    with details.panel():
        if record := read_recent(history.read_failed_record, database, asked.id):
            show_failed_record(record, job, zone)
    if job is not None and job.chain_id is not None:
        st.header(f"Chain {job.chain_id}", anchor=False)
        with details.panel():
            chain = read_recent(reads.read_chain, database, job.chain_id)
            tables.show_chain(chain, asked.id, zone, came_from)
    st.header("Log", anchor=False)
    with details.panel():
        log = read_recent(history.read_log, database, job_id=asked.id)
        details.show_log(log, zone, reads.missing_sentence(database, queue_log))

has_ended = job is not None and job.state not in UNFINISHED
details.show_controls(
    head,
    job.read_at if job else datetime.now(UTC),
    zone,
    is_live=not has_ended,
)
