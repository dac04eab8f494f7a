"""Background work, the same on every page: its progress, its result, and the button that undoes it.

A page calls `take_result` before it reads jobs, then `show_progress` and `show_notice`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from jobs_data.background import NotStarted
from jobs_data.notices import Notice
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.removal.removal import Removal
from jobs_data.removal.restore import Restore
from pages.parts.shared import address
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import Viewer, get_viewer

QUICK_SECONDS: Final = 1.0
"""Work that ends within this time shows its result without a progress bar before."""

Task = Removal | Restore


def is_running() -> bool:
    """Return whether this server is deleting many jobs now."""
    return get_services().removals.is_running


def start(begin: Callable[[Viewer], Task]) -> bool:
    """Begin background work that changes jobs, and return whether it began; a notice says why not."""
    viewer = get_viewer()
    try:
        viewer.require_administrator()
        work = begin(viewer)
    except (NotStarted, DatabaseUnavailable) as problem:
        address.notify(str(problem), is_good=False)
        return False
    _watched().append(work)
    work.wait(QUICK_SECONDS)
    return True


def restore(receipt_id: str) -> None:
    """Begin to restore the jobs of a receipt."""
    address.forget_undoable()
    start(lambda viewer: get_services().restores.start(receipt_id, viewer.actor))


def take_result() -> bool:
    """Return whether work that this viewer watched has ended, and leave its result for `show_notice`.

    To be called before the list is read: what the result says must be true of the list below it.
    """
    ended = [work for work in _watched() if not work.is_running]
    for work in ended:
        _watched().remove(work)
        if isinstance(work, Removal):
            address.notify(work.sentence(), is_good=not work.error, receipt=work.receipt)
        elif work.error or work.failed:
            address.notify(work.sentence(), is_good=False)
        else:
            st.toast(work.sentence(), icon=":material/restore:", duration="long")
    return bool(ended)


def show_progress() -> None:
    """Show how far running work of this server is; when it has ended, the page runs again."""
    _watched().extend(_begun_elsewhere())
    if _watched():
        _progress()


def has_begun_elsewhere() -> bool:
    """Return whether work is running that this page does not show yet."""
    return bool(_begun_elsewhere())


def show_notice() -> Notice | None:
    """Show the result of the last change, and return it if there is one.

    While the page keeps it, one press undoes a removal.
    """
    if not address.has_notice():
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        notice, receipt = address.show_notice(keeps=True)
        if receipt and get_viewer().may_remove:
            st.button(
                "Undo",
                icon=":material/undo:",
                on_click=restore,
                args=(receipt,),
                help="Restores these jobs under their old numbers.",
            )
    return notice


def _begun_elsewhere() -> list[Task]:
    works = (get_services().removals.current, get_services().restores.running())
    return [work for work in works if work and work.is_running and work not in _watched()]


def _watched() -> list[Task]:
    watched: list[Task] = st.session_state.setdefault("watched", [])
    return watched


@st.fragment(run_every=1.0)
def _progress() -> None:
    if not all(work.is_running for work in _watched()):
        st.rerun()
    for work in _watched():
        # Jobs that finish during a deletion are deleted too: `done` can exceed `total`.
        st.progress(
            min(1.0, work.done / work.total) if work.total else 1.0,
            f"{'Deleting' if isinstance(work, Removal) else 'Restoring'} jobs: {work.done:,} of "
            f"{work.total:,}. You may leave this page.",
        )
