"""How the app signs what it will read again: with SHA-256, and a salt for each purpose."""

from __future__ import annotations

import hashlib
from typing import TypeVar

from itsdangerous import Serializer

S = TypeVar("S", bound=Serializer[str])


def signer(kind: type[S], key: str | bytes, salt: str) -> S:
    """Return a serializer of a kind that signs with a key for a purpose.

    By default itsdangerous signs with SHA-1, which is not approved (OWASP ASVS 5, 11.4.1).
    """
    return kind(key, salt=salt, signer_kwargs={"digest_method": hashlib.sha256})
