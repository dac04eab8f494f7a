"""Sentences that a redirect hands to the list, signed so that no stranger's link can make one up."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer

VALID_SECONDS: Final = 60


@dataclass(frozen=True)
class Notice:
    """A sentence that tells the viewer what came of the last change."""

    sentence: str
    is_good: bool = True


class Notices:
    """Signs notices, and reads what it has signed."""

    def __init__(self, key: str) -> None:
        """Sign with a key. Processes with the same key read each other's notices."""
        self._serializer = URLSafeTimedSerializer(key or secrets.token_urlsafe(32), salt="notice")

    def sign(self, sentence: str, *, is_good: bool = True) -> str:
        """Return a token for the URL that stands for a notice, valid for a minute."""
        return self._serializer.dumps([sentence, is_good])

    def read(self, token: str) -> Notice | None:
        """Return the notice that a token stands for, or None where it is forged or too old."""
        try:
            sentence, is_good = self._serializer.loads(token, max_age=VALID_SECONDS)
        except BadData:
            return None
        return Notice(sentence, is_good)
