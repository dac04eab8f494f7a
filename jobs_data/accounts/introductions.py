"""How the gate tells the pages who is there: signed, so that nobody else can."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from jobs_data.accounts.accounts import Right

HEADER: Final = "x-heratio-jobs-account"
"""The header of a request that carries an introduction; what a client sends under it is dropped."""


@dataclass(frozen=True)
class Introduction:
    """A signed-in user, as the gate describes them to the pages."""

    who: int | str
    """Their user's id, or the name that a proxy vouches for."""
    name: str
    right: Right
    session: str
    """The digest of their session; empty where a proxy vouches for them."""
    fingerprint: str
    """Of the password with which they signed in; empty where a proxy vouches for them."""
    until: int | None
    """When that session ends at the latest, in seconds since 1970; None without one."""


class Introductions:
    """Signs introductions, and reads what it has signed. Gate and pages of a process share one."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Sign with a random key that only this process has."""
        self._serializer = URLSafeSerializer(secrets.token_bytes(32), salt="introduction")
        self._clock = clock

    def sign(self, introduction: Introduction) -> str:
        """Return the header's value, the same for the same introduction.

        Streamlit compares it (`server.trustedUserHeaders`), so that only the session of ours that
        began a Streamlit session can reconnect to it.
        """
        return str(self._serializer.dumps(asdict(introduction)))

    def read(self, token: str) -> Introduction | None:
        """Return the introduction that a header's value stands for, None where it is forged or old."""
        try:
            values = self._serializer.loads(token)
            introduction = Introduction(**{**values, "right": Right(values["right"])})
        except (BadData, TypeError, KeyError, ValueError):
            return None
        is_over = introduction.until is not None and introduction.until <= self._clock()
        return None if is_over else introduction
