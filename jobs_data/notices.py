"""Sentences that a redirect hands to the list, signed so that no stranger's link can make one up."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer

from jobs_data.settings import get_settings

VALID_SECONDS: Final = 60


@dataclass(frozen=True)
class Notice:
    """A sentence that tells the viewer what came of the last change."""

    sentence: str
    is_good: bool = True


def sign(sentence: str, *, is_good: bool = True) -> str:
    """Return a token for the URL that stands for a notice, valid for a minute.

    Where a secret key is set, every process that has the same one can read it.
    """
    return _serializer().dumps([sentence, is_good])


def read(token: str) -> Notice | None:
    """Return the notice that a token stands for, or None where it is forged or too old."""
    try:
        sentence, is_good = _serializer().loads(token, max_age=VALID_SECONDS)
    except BadData:
        return None
    return Notice(sentence, is_good)


@cache
def _serializer() -> URLSafeTimedSerializer:
    key = get_settings().secret_key.get_secret_value() or secrets.token_urlsafe(32)
    return URLSafeTimedSerializer(key, salt="notice")
