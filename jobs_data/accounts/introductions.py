"""The gate's signed message to the pages about the signed-in user."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from jobs_data.accounts.accounts import Right
from jobs_data.signing import signer

HEADER: Final = "x-heratio-jobs-account"
"""The header of a request with an introduction; a client's own copy is dropped."""


@dataclass(frozen=True)
class Introduction:
    """A signed-in user, as the gate describes them to the pages."""

    who: int | str
    """The user's id, or the name from a trusted proxy."""
    name: str
    right: Right
    session: str
    """The digest of the session; empty without a session of ours."""
    fingerprint: str
    """Of the password at the sign-in; empty without a session of ours."""
    until: int | None
    """The latest end of that session, in seconds since 1970; None without a session."""


class Introductions:
    """Signs and reads introductions. Gate and pages of a process share one."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Sign with a random key that only this process has."""
        self._serializer = signer(URLSafeSerializer, secrets.token_bytes(32), "introduction")
        self._clock = clock

    def sign(self, introduction: Introduction) -> str:
        """Return the header's value; equal introductions have the same value.

        Streamlit compares it (`server.trustedUserHeaders`), so that only the session that opened a
        Streamlit session can reconnect to it.
        """
        return str(self._serializer.dumps(asdict(introduction)))

    def read(self, token: str) -> Introduction | None:
        """Return the introduction in a header's value, None if it is forged or expired."""
        try:
            values = self._serializer.loads(token)
            introduction = Introduction(**{**values, "right": Right(values["right"])})
        except (BadData, TypeError, KeyError, ValueError):
            return None
        is_over = introduction.until is not None and introduction.until <= self._clock()
        return None if is_over else introduction
