"""The frame around every page: which pages there are, and what happens when one cannot be shown."""

from pathlib import Path
from typing import Literal

import streamlit as st

from jobs_data.platform.errors import DatabaseUnavailable
from pages.parts.shared import address, page_state, refresh
from pages.parts.shared.viewer import get_viewer, show_viewer

shared = Path(__file__).parent / "parts" / "shared"
# Who is signed in needs little room beside the table: 208 pixels, and none on a phone.
st.set_page_config(page_icon=str(shared / "icon.svg"), layout="wide", initial_sidebar_state=208)
st.logo(str(shared / "icon.svg"), size="large")

viewer = get_viewer()
for_administrators: Literal["visible", "hidden"] = "visible" if viewer.may_remove else "hidden"
page = st.navigation(
    [
        st.Page("jobs.py", title="Jobs", icon=":material/list:", default=True),
        st.Page("job.py", title="Job", url_path="job", visibility="hidden"),
        st.Page("job_name.py", title="Job name", url_path="name", visibility="hidden"),
        st.Page("cleanup.py", title="Clean up", url_path="cleanup", visibility="hidden"),
        st.Page("queues.py", title="Queues", icon=":material/queue:", url_path="queue-browse"),
        st.Page("batches.py", title="Batches", icon=":material/stacks:", url_path="queue-batches"),
        st.Page("queue_job.py", title="Queued job", url_path="queue-job", visibility="hidden"),
        # Not "statistics": the folder of the main script comes before the standard library on the path.
        st.Page(
            "job_statistics.py", title="Statistics", icon=":material/monitoring:", url_path="report"
        ),
        st.Page("deleted.py", title="Deleted jobs", icon=":material/delete:", url_path="receipts"),
        st.Page(
            "audit.py",
            title="Audit log",
            icon=":material/policy:",
            url_path="audit",
            visibility=for_administrators,
        ),
        st.Page(
            "tokens.py",
            title="API tokens",
            icon=":material/key:",
            url_path="tokens",
            visibility=for_administrators,
        ),
    ]
)
address.follow()
page_state.enter(page.url_path)

# The list that one comes back to does not wait for the sidebar, which has not changed.
is_list_again = page.url_path == "" and "is_open" in st.session_state
st.session_state["is_open"] = True
if not is_list_again:
    show_viewer(viewer)
try:
    page.run()
except DatabaseUnavailable as problem:
    refresh.show_problem(problem)
if is_list_again:
    show_viewer(viewer)
