"""The signed-in user, as the gate has introduced them, and signing out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from jobs_data import __version__, addresses
from jobs_data.accounts.accounts import Right
from jobs_data.accounts.introductions import HEADER
from jobs_data.accounts.rights import Claim, NotAllowed
from jobs_data.audit import Actor, Event
from jobs_data.request_headers import CLIENT_HEADER, REQUEST_HEADER
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain

# A form that posts, for sign-out is a change.
_SIGN_OUT: Final = st.components.v2.component(
    "sign_out",
    html=f"""
<form method="post" action="{addresses.SIGN_OUT}"><button type="submit">Sign out</button></form>
""",
    css="""
button {
  width: 100%;
  padding: 0.5rem 0.75rem;
  border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius, 0.5rem);
  background: var(--st-background-color);
  color: var(--st-text-color);
  font: inherit;
  cursor: pointer;
}
button:hover, button:focus-visible {
  border-color: var(--st-primary-color);
}
""",
)

# Asks whether the session is still valid, and reloads the page when it is not: the gate, or a proxy in
# front, then leads to the sign-in. It asks whenever Streamlit's connection changes (the gate closes it
# when the session ends), when the page is shown again, and now and then. Asking does not prolong the
# session.
_SESSION_CHECK: Final = st.components.v2.component(
    "session_check",
    js=f"""
export default function () {{
  const ask = async () => {{
    try {{
      const answer = await fetch("{addresses.SESSION_CHECK}", {{ redirect: "manual" }})
      if ([401, 403].includes(answer.status) || answer.type === "opaqueredirect") location.reload()
    }} catch {{
      // The server is away; Streamlit says so itself.
    }}
  }}
  const askIfVisible = () => document.hidden || ask()
  const timer = setInterval(askIfVisible, 20000)
  document.addEventListener("visibilitychange", askIfVisible)
  addEventListener("pageshow", ask)
  // Later, for a sign-out in this tab closes the connection too, and leads to the sign-in itself.
  const connection = new MutationObserver(() => setTimeout(ask, 1000))
  const attribute = "data-test-connection-state"
  const app = document.querySelector(`[${{attribute}}]`)
  if (app) connection.observe(app, {{ attributeFilter: [attribute] }})
  return () => {{
    clearInterval(timer)
    document.removeEventListener("visibilitychange", askIfVisible)
    removeEventListener("pageshow", ask)
    connection.disconnect()
  }}
}}
""",
)


@dataclass(frozen=True)
class Viewer:
    """A signed-in user, as the gate has introduced them."""

    who: int | str
    """Their user's id, or the name that a proxy vouches for."""
    name: str
    right: Right
    claim: Claim
    """What is compared with the database before they change anything."""

    @property
    def actor(self) -> Actor:
        """Return who they are and where, for the audit log."""
        headers = st.context.headers
        return Actor(
            self.name, self.who, headers.get(CLIENT_HEADER, ""), headers.get(REQUEST_HEADER, "")
        )

    @property
    def by_proxy(self) -> bool:
        """Return whether a proxy signed them in, so that they can sign out only there."""
        return not self.claim.session

    @property
    def may_remove(self) -> bool:
        """Return whether they could remove jobs when the page was opened; readers may only look."""
        return self.right is Right.ADMINISTRATOR

    def require_administrator(self) -> None:
        """Return where the database says that they may remove jobs now; call it before each change.

        Raises NotStarted, with a sentence, where they may not, or where that cannot be read.
        """
        try:
            get_services().rights.require_administrator(self.claim)
        except NotAllowed:
            get_services().audit.write(
                Event.ACCESS_REFUSED, self.actor, reason="right withdrawn", path="a page"
            )
            raise


def get_viewer() -> Viewer:
    """Return who is looking, by the signed header that the gate puts on every websocket.

    Stops the page where there is none: then something serves the pages without the gate.
    """
    token = st.context.headers.get(HEADER)
    introduction = get_services().introductions.read(token) if token else None
    if introduction is None:
        sentence = "Reload the page to sign in again." if token else "Nobody has signed in."
        st.error(f"{sentence} Nothing is shown.", icon=":material/lock:")
        st.stop()
    claim = Claim(introduction.who, introduction.right, introduction.fingerprint, introduction.session)
    return Viewer(introduction.who, introduction.name, introduction.right, claim)


def show_viewer(viewer: Viewer) -> None:
    """Show in the sidebar who is signed in and with which right, and the version; let them sign out."""
    with st.sidebar:
        st.markdown(f":material/account_circle: **{plain(viewer.name)}**")
        st.caption(viewer.right.sentence)
        if viewer.by_proxy:
            st.caption("Signed in through your organisation's single sign-on; sign out there.")
        else:
            _SIGN_OUT(key="sign_out")
        st.caption(f"Heratio Jobs {__version__}")
        _SESSION_CHECK(key="session_check")
