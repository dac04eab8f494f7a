"""Which hashes a password matches, and what that costs."""

import pytest

from jobs_data.accounts import passwords
from tests.support.php_hashes import CHEAP, KNOWN, SALT
from tests.support.store import PASSWORD, hash_of

# Kept before the tests make it cheap.
PHPS_COST = passwords.STAND_IN_HASH

MALFORMED = {
    "nothing": "",
    "plain text": "right",
    "white space": " \n",
    "no algorithm of PHP": f"$argon2x{CHEAP[9:]}",
    "argon2d": f"$argon2d{CHEAP[9:]}",
    "cut off": CHEAP[:-23],
    "only a prefix": "$argon2id$",
    "no numbers": "$argon2id$v=19$m=x,t=y,p=z$c2FsdHNhbHQ$aGFzaGhhc2g",
    "no memory": "$argon2id$v=19$m=0,t=0,p=0$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
    "salt too short": "$argon2id$v=19$m=8,t=1,p=1$YQ$aGFzaGhhc2hoYXNoaGFzaA",
    "base64 broken": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$a",
    "more memory than there is": "$argon2id$v=19$m=9999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
    "takes hours": "$argon2id$v=19$m=65536,t=9999,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
    "bcrypt that takes days": f"$2y$31${KNOWN['bcrypt, no salt'][2][7:]}",
    "bcrypt of no cost": f"$2y$00${KNOWN['bcrypt, no salt'][2][7:]}",
    "bcrypt cut off": KNOWN["bcrypt, no salt"][2][:-1],
    "bcrypt of another family": f"$2x${KNOWN['bcrypt, no salt'][2][4:]}",
    "md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "not ASCII": f"{CHEAP}é",
    "NUL": f"{CHEAP}\0",
    "line break": f"{CHEAP}\n",
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_password_matches_the_hash_that_php_made_of_it(name: str, hashings: list[str]) -> None:
    """It alone does, not one that is slightly different, and each answer takes one hashing."""
    salt, password, stored = KNOWN[name]
    assert passwords.matches(password, salt, stored, "")
    assert not passwords.matches(password + " ", salt, stored, "")
    assert not passwords.matches(password, salt + "0", stored, "")
    assert len(hashings) == 3


@pytest.mark.parametrize("name", MALFORMED)
def test_a_hash_that_is_not_usable_matches_nothing(name: str, hashings: list[str]) -> None:
    """It raises nothing, and it costs the one hashing that a usable one would have."""
    assert not passwords.matches(PASSWORD, SALT, MALFORMED[name], CHEAP)
    if name == "cut off":
        assert hashings == [MALFORMED[name]]
    else:
        assert hashings[-1] == CHEAP
        # These are refused by argon2 itself, before it has done anything.
        assert len(hashings) == 1 or name in {"salt too short", "base64 broken", "no memory"}


def test_without_any_usable_hash_one_of_phps_usual_cost_is_computed(
    hashings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the usual hash is not usable either, a constant one stands in, for the time it takes."""
    monkeypatch.setattr(passwords, "STAND_IN_HASH", PHPS_COST)
    assert not passwords.matches(PASSWORD, SALT, "", "nonsense")
    assert hashings == [PHPS_COST]
    assert "m=65536,t=4,p=1" in PHPS_COST


@pytest.mark.parametrize(
    "password", ["", "x" * 4097, "x" * 10_000_000, "\ud800", "right\ud800", "\0", "right\0"]
)
def test_strange_passwords_are_wrong(password: str, hashings: list[str]) -> None:
    """Empty, over-long or not even text: they match nothing, not even what they are cut down to."""
    for stored_password in ("", "x", "?", "right", "right?"):
        for salt in (SALT, ""):
            assert not passwords.matches(password, salt, hash_of(stored_password, salt), CHEAP)
    assert len(hashings) == 10
