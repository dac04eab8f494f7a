"""The page's address, the addresses of other pages, and the step from one to the other.

Everything that can be shared is in the address. A callback that leads to another page notes it with
`leave_for`; `main.py` follows before that run shows anything, so that Back takes one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, urlencode

import streamlit as st

from jobs_data.jobs.view import ListView
from jobs_data.jobs.view_url import VIEW_PARAMS, parse_view, view_params
from jobs_data.notices import Notice
from jobs_data.url_values import Params
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain

LIST_PARAM: Final = "list"
AUTO_PARAM: Final = "auto"
_DESTINATION: Final = "destination"

# `st.switch_page` adds two entries to the browser's history: the old page with the new query, then the
# new page. The second replaces the first here, so that Back takes one step.
_ONE_ENTRY: Final = st.components.v2.component(
    "one_entry",
    js="""
export default function () {
  if (history.hasOneEntry) return
  history.hasOneEntry = true
  const push = history.pushState
  let isOfQuery = false
  history.pushState = (state, title, url) => {
    const to = new URL(url, location.href)
    const isSamePage = to.pathname === location.pathname
    const isSecond = isOfQuery && !isSamePage && to.search === location.search
    isOfQuery = isSamePage
    isSecond ? history.replaceState(state, title, url) : push.call(history, state, title, url)
  }
}
""",
)


def view_in_url() -> ListView:
    """Return the view of the list that the URL asks for."""
    return parse_view({name: st.query_params.get_all(name) for name in st.query_params})


def go_to(view: ListView) -> None:
    """Put a view into the URL, so that this run or the next one shows it."""
    forget_undoable()
    put_into_url(view_params(view), VIEW_PARAMS)


def put_into_url(params: Params, names: Sequence[str]) -> None:
    """Give the URL's parameters of some names these values, and take out those that have none."""
    others = {n: st.query_params.get_all(n) for n in st.query_params if n not in names}
    # All at once: each change would be an address of its own for the browser's Back.
    st.query_params.from_dict({**others, **{n: params[n] for n in names if n in params}})


def link_params(view: ListView, **more: str) -> dict[str, str | list[str]]:
    """Return the query of a link to a page of ours that comes back to a view of the list."""
    return {**view_params(view), **auto_params(), **more}


def auto_params() -> dict[str, str]:
    """Return the part of a link's query that takes auto refresh along where it is on."""
    return {AUTO_PARAM: "true"} if is_auto() else {}


def is_auto() -> bool:
    """Return whether auto refresh is on."""
    return st.query_params.get(AUTO_PARAM) == "true"


def leave_for(page: str, params: Params) -> None:
    """Let the next run show another page, with these parameters."""
    st.session_state[_DESTINATION] = (page, dict(params))


def follow() -> None:
    """Leave for the page that a callback has noted, if any; called by `main.py` before each page."""
    _ONE_ENTRY(key="one_entry")
    if destination := st.session_state.pop(_DESTINATION, None):
        page, params = destination
        st.switch_page(page, query_params=params)


def is_leaving() -> bool:
    """Return whether a callback has noted another page."""
    return _DESTINATION in st.session_state


def open_list(view: ListView) -> None:
    """Leave for a view of the list."""
    leave_for("jobs.py", link_params(view))


def open_job(view: ListView, job_id: int) -> None:
    """Leave for a job's page, from which one comes back to the view."""
    forget_undoable()
    leave_for("job.py", link_params(view, id=str(job_id)))


def origin_params() -> dict[str, str | list[str]]:
    """Return what the address of another page has to know to lead back to this list as it is."""
    return {LIST_PARAM: urlencode(view_params(view_in_url()), doseq=True)}


def list_in_url() -> ListView | None:
    """Return the list that one came from, None where the address does not say; see `origin_params`."""
    query = st.query_params.get(LIST_PARAM)
    return None if query is None else parse_view(parse_qs(query))


def back_button(view: ListView) -> None:
    """Show the way back to a view of the list."""
    # Not a page link: its address, opened in another tab, is not that of the list.
    st.button(
        "Back to jobs", icon=":material/arrow_back:", type="tertiary", on_click=open_list, args=(view,)
    )


def notify(sentence: str, *, is_good: bool = True, receipt: str = "") -> None:
    """Remember a notice until the next run that shows notices.

    One with the id of a removal's receipt stays as long as the list shows the same view.
    """
    st.session_state["notice"] = Notice(sentence, is_good)
    st.session_state["undoable"] = receipt


def forget_undoable() -> None:
    """Drop the notice of a removal, and with it the button that undoes it."""
    if st.session_state.pop("undoable", ""):
        st.session_state.pop("notice", None)


def has_notice() -> bool:
    """Return whether `show_notice` has something to show."""
    return "notice" in st.session_state or "notice" in st.query_params


def show_notice(*, keeps: bool = False) -> tuple[Notice | None, str]:
    """Show the notice that a change of this session, or a redirect to this page, has left.

    Returns it, and the id of the receipt by which the change can be undone; empty where there is none.
    With one a notice stays for the runs to come where the page keeps it, to have the button beside it.
    """
    token = st.query_params.get("notice")
    if token is not None:
        del st.query_params["notice"]
        if signed := get_services().notices.read(token):
            notify(signed.sentence, is_good=signed.is_good)
    notice: Notice | None = st.session_state.get("notice")
    if notice is None:
        return None, ""
    if notice.is_good:
        st.success(plain(notice.sentence), icon=":material/check:")
    else:
        st.warning(plain(notice.sentence), icon=":material/info:")
    receipt: str = st.session_state.get("undoable", "")
    if not (receipt and keeps):
        del st.session_state["notice"]
    return notice, receipt
