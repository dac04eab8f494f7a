"""Sentences that a redirect hands to the list, signed so that no stranger's link can make one up."""

from __future__ import annotations

import secrets
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer

VALID_SECONDS: Final = 60

_serializer: Final = URLSafeTimedSerializer(secrets.token_bytes(32), salt="notice")


def sign(sentence: str) -> str:
    """Return a token for the URL that stands for a sentence, valid for a minute in this process."""
    return _serializer.dumps(sentence)


def read(token: str) -> str | None:
    """Return the sentence that a token stands for, or None where it is forged or too old."""
    try:
        return str(_serializer.loads(token, max_age=VALID_SECONDS))
    except BadData:
        return None
