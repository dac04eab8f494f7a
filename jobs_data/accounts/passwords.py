"""Whether a password matches the hash that the platform stores.

The platform stores PHP's `password_hash(sha1(salt + password))`, the sha1 as 40 lower-case hex
characters. The hash's own prefix names its algorithm: argon2i, argon2id or bcrypt.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError, VerifyMismatchError

MAX_PASSWORD_LENGTH: Final = 4096
"""In characters; no real one is longer, and an attacker may send megabytes."""

STAND_IN_HASH: Final = (
    "$argon2i$v=19$m=65536,t=4,p=1$RFFHdWExM3A4ZVcwOEx3aw$LEn+2EbqLUmhjvlRw+fqlHiOgoYBH9bSE1cJHUTdU3U"
)
"""The hash of a random password that was not kept, made by PHP with its own default cost."""

# About sixty times PHP's default cost. A slower hash would block all other sign-ins.
MAX_ARGON2_KIB: Final = 2**20
MAX_ARGON2_KIB_PASSES: Final = 2**24
_BCRYPT: Final = re.compile(r"\$2y\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")
_ARGON2: Final = re.compile(
    r"\$argon2id?\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,4}),p=[0-9]{1,2}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)

_argon2 = PasswordHasher()


def matches(password: str, salt: str, password_hash: str, usual_hash: str) -> bool:
    """Return whether a password belongs to a salt and a hash; False for any error.

    It always computes one hash, so that the time does not reveal a missing account (an empty hash) or
    one without a usable hash. For these it uses `usual_hash`, or else STAND_IN_HASH, and ignores the
    verdict.
    """
    is_possible = 0 < len(password) <= MAX_PASSWORD_LENGTH
    salted = salt + password if is_possible else ""
    # A lone surrogate has no UTF-8, so no stored password has one: its bytes must match nothing.
    digest = hashlib.sha1(salted.encode("utf-8", "surrogatepass")).hexdigest()  # noqa: S324 - PHP's
    verdict = _verify(digest, password_hash)
    if verdict is None and _verify(digest, usual_hash) is None:
        _verify(digest, STAND_IN_HASH)
    return is_possible and verdict is True


def is_usable(password_hash: str) -> bool:
    """Return whether a text looks like a hash of one of the three algorithms with a tolerable cost."""
    if found := _ARGON2.fullmatch(password_hash):
        kib, passes = int(found[1]), int(found[2])
        return kib <= MAX_ARGON2_KIB and kib * passes <= MAX_ARGON2_KIB_PASSES
    return _BCRYPT.fullmatch(password_hash) is not None


def _verify(digest: str, password_hash: str) -> bool | None:
    """Return whether a hash is that of a digest; None, without any work, if it is not usable."""
    if not is_usable(password_hash):
        return None
    try:
        if password_hash.startswith("$2y$"):
            # PHP's 2y is the 2b of all others.
            return bcrypt.checkpw(digest.encode(), f"$2b{password_hash[3:]}".encode())
        return _argon2.verify(password_hash, digest)
    except VerifyMismatchError:
        return False
    except (VerificationError, ValueError):
        return None
