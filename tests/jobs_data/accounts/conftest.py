"""What the tests of accounts share."""

from collections.abc import Callable
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher

from jobs_data.accounts import passwords
from tests.support.php_hashes import CHEAP


@pytest.fixture(autouse=True)
def cheap_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is computed for nobody cost as little as what is computed for the tests' accounts."""
    monkeypatch.setattr(passwords, "STAND_IN_HASH", CHEAP)


@pytest.fixture
def hashings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the hashes that a password is verified against."""
    verified: list[str] = []

    def watched(verify: Callable[..., bool]) -> Callable[..., bool]:
        def call(*arguments: Any) -> bool:
            verified.extend(str(argument) for argument in arguments if "$" in str(argument))
            return verify(*arguments)

        return call

    monkeypatch.setattr(PasswordHasher, "verify", watched(PasswordHasher.verify))
    monkeypatch.setattr(bcrypt, "checkpw", watched(bcrypt.checkpw))
    return verified
