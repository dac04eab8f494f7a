"""The least that shows a table in Streamlit: what the list's first sight is measured against."""

import streamlit as st

st.dataframe({"id": list(range(10)), "name": [f"Row {row}" for row in range(10)]})
