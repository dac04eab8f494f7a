"""What the gate signs is read again; nothing else is."""

from dataclasses import asdict, replace
from typing import Any

from itsdangerous import URLSafeSerializer

from jobs_data.accounts.accounts import Right
from jobs_data.accounts.introductions import Introduction, Introductions

ADA = Introduction(7, "Ada Löwe", Right.ADMINISTRATOR, session="s", fingerprint="f", until=1_000)


def test_an_introduction_is_read_until_its_session_ends() -> None:
    """The same introduction is the same text, by which Streamlit knows whose a session is."""
    now = 999.0
    introductions = Introductions(lambda: now)
    token = introductions.sign(ADA)
    assert introductions.read(token) == ADA
    assert introductions.sign(ADA) == token
    assert introductions.sign(replace(ADA, session="another")) != token
    by_proxy = replace(ADA, who="ada@example.org", session="", until=None)
    assert introductions.read(introductions.sign(by_proxy)) == by_proxy
    now = 1_000.0
    assert introductions.read(token) is None
    assert introductions.read(introductions.sign(by_proxy)) == by_proxy


def test_what_the_gate_has_not_signed_is_nobody() -> None:
    """Unsigned, changed, of another process, or with something else in it."""
    introductions = Introductions(lambda: 0)
    token = introductions.sign(ADA)
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(40)]
    others = Introductions(lambda: 0).sign(ADA)
    unsigned = URLSafeSerializer("", salt="introduction").dumps(asdict(ADA))
    for forged in ["", ".", "x" * 10_000, "é", others, unsigned, *changed]:
        assert introductions.read(forged) is None
    odd: list[Any] = [{}, [], None, {**asdict(ADA), "right": "owner"}, {**asdict(ADA), "more": 1}]
    for values in odd:
        assert introductions.read(introductions._serializer.dumps(values)) is None
