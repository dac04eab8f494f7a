"""The least that a press can change in Streamlit: what presses on the list are measured against."""

import streamlit as st


def rows() -> None:
    """Show ten rows, and others after a press."""
    pressed = st.session_state.setdefault("pressed", 0)

    def press() -> None:
        st.session_state["pressed"] += 1

    st.button("Other rows", on_click=press)
    if st.button("Other page"):
        st.switch_page(other)
    show("Row", pressed)


def other_page() -> None:
    """Show ten other rows."""
    show("Other", 0)


def show(word: str, number: int) -> None:
    """Show ten rows that say which they are."""
    names = [f"{word} {number}.{row}" for row in range(10)]
    st.dataframe({"id": list(range(10)), "name": names}, key="rows")


other = st.Page(other_page, url_path="other")
st.navigation([st.Page(rows, default=True), other], position="hidden").run()
