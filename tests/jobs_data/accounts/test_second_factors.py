"""Codes are asked for, right once, and never twice; on both kinds of database."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from jobs_data.accounts.sign_in import Reason, SignInRefused
from jobs_data.platform import tables
from jobs_data.platform.errors import DatabaseUnavailable
from tests.support.sign_ins import NOW, SECRET, Visitor, code_at, totp
from tests.support.statements import listening
from tests.support.store import PASSWORD, Store

SHORT_SECRET = "JBSWY3DPEHPK3PXP"
"""One as short as many authenticators were given."""

WAIT_SECONDS = 20
"""How long a test waits for another thread before it fails."""


@contextmanager
def at_the_first_write(store: Store, do: Callable[[], object]) -> Iterator[None]:
    """Do something just before the first transaction that writes begins."""
    writes: list[Connection] = []

    def announced(connection: Connection, options: dict[str, Any]) -> None:
        if options.get("writes") and not writes:
            writes.append(connection)
            do()

    with listening(store.engine, "set_connection_execution_options", announced):
        yield


@pytest.mark.parametrize("secret", [SECRET, SECRET.lower(), f"{SECRET[:16]} {SECRET[16:]}"])
def test_a_confirmed_totp_secret_asks_for_its_code(store: Store, secret: str) -> None:
    """The password alone is not enough, a wrong code neither; the right one is, spaced or not."""
    visitor = Visitor(store)
    store.security(lockout_enabled="false")
    totp(store, store.account("ada", 100), secret=secret)
    for empty in ("", " "):
        assert visitor.refusal("ada", PASSWORD, empty) is Reason.CODE_NEEDED
    for wrong in (
        "000000",
        code_at()[:5],
        f"{code_at()}0",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "\0",
        "-12345",
        "9" * 10**6,
    ):
        assert visitor.refusal("ada", PASSWORD, wrong) is Reason.CODE_WRONG
    assert visitor.gets_in("ada", PASSWORD, f" {code_at()[:3]} {code_at()[3:]} ")


def test_a_code_does_not_replace_the_password(store: Store) -> None:
    """With a wrong password the right code is of no use and is not even looked at."""
    visitor = Visitor(store)
    totp(store, store.account("ada", 100))
    assert visitor.refusal("ada", "wrong", code_at()) is Reason.WRONG
    assert visitor.refusal("ada", "wrong", "000000") is Reason.WRONG
    assert visitor.gets_in("ada", PASSWORD, code_at())


def test_codes_are_those_of_the_standard(store: Store) -> None:
    """RFC 6238's own test vector gets in, and so does a secret of 80 bits."""
    visitor = Visitor(store)
    totp(store, store.account("ada", 100))
    moment = datetime.fromtimestamp(1111111109, UTC)
    after = (moment - NOW).total_seconds()
    assert visitor.gets_in("ada", PASSWORD, "081804", after=after)
    totp(store, store.account("ben", 100), secret=SHORT_SECRET)
    assert visitor.gets_in("ben", PASSWORD, code_at(secret=SHORT_SECRET))


@pytest.mark.parametrize(
    ("shown", "accepted"), [(-90, False), (-60, False), (-30, True), (30, True), (60, False)]
)
def test_one_step_of_tolerance(store: Store, shown: int, accepted: bool) -> None:
    """An authenticator may be a step early or late, not two."""
    visitor = Visitor(store)
    totp(store, store.account("ada", 100))
    if accepted:
        assert visitor.gets_in("ada", PASSWORD, code_at(shown))
    else:
        assert visitor.refusal("ada", PASSWORD, code_at(shown)) is Reason.CODE_WRONG


def test_no_code_is_accepted_twice(store: Store) -> None:
    """Neither the same one, at once or a step later, nor an older one; the next one is."""
    visitor = Visitor(store)
    totp(store, store.account("ada", 100))
    totp(store, store.account("ben", 100))
    assert visitor.gets_in("ada", PASSWORD, code_at())
    for after in (0, 20, 50):
        assert visitor.refusal("ada", PASSWORD, code_at(), after=after) is Reason.CODE_WRONG
    assert visitor.refusal("ada", PASSWORD, code_at(-30)) is Reason.CODE_WRONG
    assert visitor.gets_in("ben", PASSWORD, code_at())
    assert visitor.gets_in("ada", PASSWORD, code_at(30), after=30)


def test_a_used_code_stays_used_after_a_restart(store: Store) -> None:
    """`last_used_at` is what a process without any memory of it goes by."""
    visitor = Visitor(store)
    totp(store, store.account("ada", 100))
    assert visitor.gets_in("ada", PASSWORD, code_at(30))
    assert store.ids(tables.user_totp_secret, "last_used_at") == [datetime(2026, 6, 15, 12, 0, 30)]
    visitor = Visitor(store)
    for used in (30, 0, -30):
        assert visitor.refusal("ada", PASSWORD, code_at(used)) is Reason.CODE_WRONG
    assert visitor.gets_in("ada", PASSWORD, code_at(60), after=30)


def test_a_code_used_on_the_platforms_own_page_is_used(store: Store) -> None:
    """The time that the platform writes counts, in its own zone; one far in the future does not."""
    zone = "Africa/Johannesburg"
    here = datetime(2026, 6, 15, 14, 0, 5)
    for name, last_used in (("ada", here), ("ben", here + timedelta(hours=2)), ("cleo", None)):
        totp(store, store.account(name, 100), last_used_at=last_used)
    database = store.database(timezone=zone)
    visitor = Visitor(store, database)
    with pytest.raises(SignInRefused):
        visitor.sign_in("ada", PASSWORD, code_at())
    for name in ("ben", "cleo"):
        assert visitor.gets_in(name, PASSWORD, code_at())


def test_one_of_several_sign_ins_at_once_gets_the_code(store: Store) -> None:
    """However many come with the same code at the same time, one gets in."""
    store.security(lockout_enabled="0")
    totp(store, store.account("ada", 100))
    visitor = Visitor(store)
    start = threading.Barrier(6)

    def attempt(_number: int) -> str:
        start.wait()
        try:
            return visitor.sign_in("ada", PASSWORD, code_at()).display_name
        except SignInRefused as error:
            return error.reason

    with ThreadPoolExecutor(6) as threads:
        outcomes = Counter(threads.map(attempt, range(6)))
    assert outcomes == {"ada": 1, Reason.CODE_WRONG: 5}


def test_a_slow_write_holds_up_nobody_else(store: Store) -> None:
    """While one sign-in waits for the database, others get in, with the same code too."""
    totp(store, store.account("ada", 100))
    totp(store, store.account("ben", 100))
    visitor = Visitor(store)
    waits, goes_on = threading.Event(), threading.Event()

    def wait() -> None:
        waits.set()
        goes_on.wait(WAIT_SECONDS)

    with ThreadPoolExecutor(3) as threads, at_the_first_write(store, wait):
        slow = threads.submit(visitor.refusal, "ada", PASSWORD, code_at())
        try:
            assert waits.wait(WAIT_SECONDS)
            again = threads.submit(visitor.gets_in, "ada", PASSWORD, code_at())
            other = threads.submit(visitor.gets_in, "ben", PASSWORD, code_at())
            assert again.result(WAIT_SECONDS / 2)
            assert other.result(WAIT_SECONDS / 2)
            assert not slow.done()
        finally:
            goes_on.set()
        assert slow.result(WAIT_SECONDS) is Reason.CODE_WRONG


def test_a_code_is_not_used_up_by_a_database_that_fails(store: Store) -> None:
    """It gets in when the database is there again, and then no more."""
    table, away = tables.user_totp_secret.name, "totp_secret_away"
    totp(store, store.account("ada", 100))
    visitor = Visitor(store)

    def rename(before: str, after: str) -> None:
        with store.engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")

    with (
        at_the_first_write(store, lambda: rename(table, away)),
        pytest.raises(DatabaseUnavailable),
    ):
        visitor.sign_in("ada", PASSWORD, code_at())
    rename(away, table)
    assert visitor.gets_in("ada", PASSWORD, code_at())
    assert visitor.refusal("ada", PASSWORD, code_at()) is Reason.CODE_WRONG


def test_each_code_gets_in_while_the_platforms_clock_repeats_an_hour(store: Store) -> None:
    """Amsterdam's clocks go back at 1:00 UTC; no code of the hour before or after is lost."""
    totp(store, store.account("ada", 100))
    visitor = Visitor(store, store.database(timezone="Europe/Amsterdam"))
    before = datetime(2026, 10, 25, 0, 59, 5, tzinfo=UTC) - NOW
    for minutes in (0, 0.5, 1, 1.5, 30, 60, 60.5, 61, 61.5):
        after = (before + timedelta(minutes=minutes)).total_seconds()
        assert visitor.gets_in("ada", PASSWORD, code_at(after), after=after)
        assert visitor.refusal("ada", PASSWORD, code_at(after), after=after) is Reason.CODE_WRONG


def test_an_unusable_secret_is_not_bypassed(store: Store) -> None:
    """With a code and without, the answer is to sign in at the platform."""
    visitor = Visitor(store)
    secrets = ("not base32!", "", "====", "JBSWY3DPEHPK3PX1", "é", "ab\0c", "A")
    for number, secret in enumerate(secrets):
        totp(store, store.account(f"user-{number}", 100), secret=secret)
        for code in ("", "000000", "no code"):
            assert visitor.refusal(f"user-{number}", PASSWORD, code) is Reason.CODE_UNCHECKABLE


def test_factors_of_the_platform_are_not_bypassed(store: Store) -> None:
    """A verified mail factor or any WebAuthn key needs the platform; a confirmed TOTP secret does."""
    visitor = Visitor(store)
    mail, key = tables.otp_factor, tables.webauthn_credential
    store.insert(mail, user_id=store.account("mail", 100), verified_at=NOW)
    store.insert(key, user_id=store.account("key", 100))
    both = store.account("both", 100)
    totp(store, both)
    store.insert(key, user_id=both)
    pending = store.account("pending", 100)
    store.insert(mail, user_id=pending, verified_at=None)
    totp(store, pending, enabled_at=None)
    half = store.account("half", 100)
    totp(store, half, enabled_at=None)
    store.insert(key, user_id=half)
    for name in ("mail", "key", "half"):
        for code in ("", code_at()):
            assert visitor.refusal(name, PASSWORD, code) is Reason.PLATFORM_FACTOR
        assert visitor.refusal(name, "wrong") is Reason.WRONG
    assert visitor.refusal("both", PASSWORD) is Reason.CODE_NEEDED
    assert visitor.gets_in("both", PASSWORD, code_at())
    assert visitor.gets_in("pending")
