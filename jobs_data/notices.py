"""Messages that a redirect passes to the list, signed so that a foreign link cannot forge one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer

from jobs_data.signing import signer

VALID_SECONDS: Final = 60


@dataclass(frozen=True)
class Notice:
    """A message with the result of the last change."""

    sentence: str
    is_good: bool = True


class Notices:
    """Signs and reads notices."""

    def __init__(self, key: str) -> None:
        """Sign with a key. Processes with the same key read each other's notices."""
        self._serializer = signer(URLSafeTimedSerializer, key or secrets.token_urlsafe(32), "notice")

    def sign(self, sentence: str, *, is_good: bool = True) -> str:
        """Return a notice as a token for the URL, valid for a minute."""
        return self._serializer.dumps([sentence, is_good])

    def read(self, token: str) -> Notice | None:
        """Return the notice in a token, or None if it is forged or too old."""
        try:
            sentence, is_good = self._serializer.loads(token, max_age=VALID_SECONDS)
        except BadData:
            return None
        return Notice(sentence, is_good)
