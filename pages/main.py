"""The frame around every page: which pages there are, and what happens when one cannot be shown."""

from pathlib import Path

import streamlit as st

from jobs_data.engine import DatabaseUnavailable

parts = Path(__file__).parent / "parts"
st.set_page_config(page_icon=str(parts / "icon.svg"), layout="wide")
st.html(parts / "style.css")

page = st.navigation(
    [
        st.Page("jobs.py", title="Jobs", icon=":material/list:", default=True),
        st.Page("job.py", title="Job report", url_path="job", visibility="hidden"),
    ]
)

try:
    page.run()
except DatabaseUnavailable as problem:
    st.error(str(problem), icon=":material/cloud_off:")
    st.button("Try again", icon=":material/refresh:")
