"""Too many failed sign-ins lock; on both kinds of database, and in memory."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from jobs_data.accounts import lockout
from jobs_data.accounts.sign_in import PARALLEL_SIGN_INS, Reason, SignInRefused, SignIns
from jobs_data.platform import tables
from tests.support.databases import Lend
from tests.support.sign_ins import HOME, NOW, READERS, Visitor, code_at, totp
from tests.support.store import PASSWORD, Store


@pytest.fixture(params=["login_attempt", "own store", "memory"])
def counted(request: pytest.FixtureRequest, lend: Lend) -> Iterator[Store]:
    """Give a store whose attempts are kept in the table, and of AtoM in our own store or in memory."""
    with lend(atom=request.param != "login_attempt") as url, closing(Store.on(url)) as store:
        if request.param == "memory":
            store.state_dir.write_text("no folder")
        yield store


def test_five_failures_lock_for_fifteen_minutes(counted: Store, hashings: list[str]) -> None:
    """Then no password is even looked at, until the first of them is fifteen minutes old."""
    visitor = Visitor(counted)
    counted.account("ada", 100)
    visitor.fail(4, address="")
    visitor.fail(1, address="", after=60)
    hashings.clear()
    for identifier in ("ada", " ADA "):
        with pytest.raises(SignInRefused, match=r"again in 14 minutes\.$") as caught:
            visitor.sign_in(identifier, after=90)
        assert caught.value.reason is Reason.LOCKED
    assert visitor.refusal(after=899) is Reason.LOCKED
    assert hashings == []
    assert visitor.gets_in(after=900)
    assert len(hashings) == 1


def test_attempts_while_locked_do_not_prolong_the_lock(counted: Store) -> None:
    """They are not written and do not count."""
    visitor = Visitor(counted)
    counted.account("ada", 100)
    visitor.fail(5)
    for minute in range(1, 15):
        assert visitor.refusal("ada", "wrong", after=60 * minute) is Reason.LOCKED
    if tables.login_attempt.name in counted.database().tables:
        assert counted.rows(tables.login_attempt) == 5
    assert visitor.gets_in(after=900)


def test_a_success_starts_the_count_anew(counted: Store) -> None:
    """Four failures, a success and four failures lock nothing; the fifth does."""
    visitor = Visitor(counted)
    counted.account("ada", 100)
    visitor.fail(4)
    assert visitor.gets_in()
    visitor.fail(4)
    assert visitor.gets_in()
    visitor.fail(5)
    assert visitor.refusal() is Reason.LOCKED


def test_unknown_identifiers_are_locked_too(counted: Store) -> None:
    """A lock does not reveal whether there is such an account."""
    visitor = Visitor(counted)
    visitor.fail(5, "nobody", address="")
    assert visitor.refusal("nobody", address="") is Reason.LOCKED


def test_account_and_address_are_counted_apart(counted: Store) -> None:
    """One account from everywhere is locked, and at ten times the failures an address, but no more."""
    visitor = Visitor(counted)
    for name in ("ada", "ben", "eva"):
        counted.account(name, 100)
    assert visitor.gets_in("eva", address="203.0.113.9")
    for number in range(5):
        visitor.fail(1, "ada", address=f"198.51.100.{number}")
    for number in range(49):
        visitor.fail(1, f"nobody-{number}", address="203.0.113.9")
    assert visitor.refusal("ada", address="198.51.100.77") is Reason.LOCKED
    visitor.fail(1, "ben", address="203.0.113.9", after=60)
    assert visitor.refusal("ben", address="203.0.113.9", after=61) is Reason.LOCKED
    assert visitor.gets_in("ben", address="198.51.100.1", after=61)
    assert visitor.gets_in("ben", address="", after=61)
    # Who has signed in from there before is no stranger there; guessing at them locks them as ever.
    assert visitor.gets_in("eva", address="203.0.113.9", after=62)
    visitor.fail(5, "eva", address="203.0.113.9", after=63)
    assert visitor.refusal("eva", address="203.0.113.9", after=64) is Reason.LOCKED
    counted.account("uwe", 100)
    assert visitor.refusal("uwe", address="203.0.113.9", after=899) is Reason.LOCKED
    assert visitor.gets_in("uwe", address="203.0.113.9", after=902)


def test_signing_in_between_tries_resets_nobody_elses_count(
    counted: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither that of the account guessed at nor that of the address."""
    monkeypatch.setattr(lockout, "ADDRESS_FACTOR", 2)
    visitor = Visitor(counted)
    counted.account("mallory", 100)
    for name in ("ada", "ben", "eva", "uwe"):
        counted.account(name, 100)
    visitor.fail(4, "ada", address="")
    assert visitor.gets_in("mallory", address="")
    visitor.fail(1, "ada", address="")
    assert visitor.refusal("ada", address="") is Reason.LOCKED
    for name in ("ben", "eva"):
        visitor.fail(4, name)
        assert visitor.gets_in("mallory")
    visitor.fail(2, "nobody")
    assert visitor.refusal("uwe") is Reason.LOCKED
    assert visitor.gets_in("uwe", address="198.51.100.1")


def test_nine_people_are_not_locked_out_by_the_tenth(counted: Store) -> None:
    """Whose own account is locked, however often they try."""
    visitor = Visitor(counted)
    people = [f"user-{number}" for number in range(10)]
    for name in people:
        counted.account(name, 100)
    visitor.fail(5, people[9])
    for _ in range(10):
        assert visitor.refusal(people[9], "wrong") is Reason.LOCKED
    for name in people[:9]:
        visitor.fail(4, name)
        assert visitor.gets_in(name)


def test_all_names_of_an_account_share_one_count(counted: Store) -> None:
    """User name and e-mail, however they are written; and so does what nobody is called."""
    visitor = Visitor(counted)
    counted.account("Emile", 100, email="E.Zola@Example.org")
    counted.account("ada", 100, email="")
    counted.account("ben", 100, email=None)
    for name in ("Emile", "e.zola@example.org", " eMILE ", "E.ZOLA@EXAMPLE.ORG\t", "emile"):
        assert visitor.refusal(name, "wrong", address="") is Reason.WRONG
    for name in ("Emile", "e.zola@example.org"):
        assert visitor.refusal(name, address="") is Reason.LOCKED
    for name in (
        "no body é",
        "NO BODY É",
        " no  body e\u0301",
        "no\u00a0body é",
        "\uff2e\uff2f body é",
    ):
        assert visitor.refusal(name, "wrong", address="") is Reason.WRONG
    assert visitor.refusal("no body é", "wrong", address="") is Reason.LOCKED
    # An empty e-mail is nobody's name.
    for _ in range(6):
        assert visitor.refusal("", "wrong", address="") is Reason.WRONG
    assert visitor.gets_in("ada", address="")
    assert visitor.gets_in("ben", address="")


def test_a_look_alikes_success_is_not_the_accounts(counted: Store) -> None:
    """A collation takes one name for the other; a guesser with such a name resets no count by it."""
    visitor = Visitor(counted)
    counted.account("jose", 100)
    counted.account("josé", 100)
    visitor.fail(4, "jose", address="")
    assert visitor.gets_in("josé", address="")
    visitor.fail(1, "jose", address="")
    assert visitor.refusal("jose", address="") is Reason.LOCKED
    assert visitor.gets_in("josé", address="")


def test_wrong_codes_count_and_missing_ones_do_not(store: Store) -> None:
    """To ask for the code neither locks nor unlocks; to guess it locks."""
    visitor = Visitor(store)
    totp(store, store.account("ada", 100))
    visitor.fail(4)
    for _ in range(6):
        assert visitor.refusal() is Reason.CODE_NEEDED
    assert visitor.refusal("ada", PASSWORD, "000000") is Reason.CODE_WRONG
    assert visitor.refusal("ada", PASSWORD, code_at()) is Reason.LOCKED


def test_the_platform_and_this_app_share_one_count(store: Store) -> None:
    """Failures on the platform's own page count here, in its zone, and ours are in its table."""
    store.account("ada", 100)
    here = datetime(2026, 6, 15, 14, 0, 0)
    database = store.database(timezone="Africa/Johannesburg")
    visitor = Visitor(store, database)
    for identifier in ("Ada", "ADA", "ada"):
        store.attempt(identifier, "198.51.100.1", False, here)
    store.attempt("ben", HOME, True, here)
    for _ in range(2):
        with pytest.raises(SignInRefused):
            visitor.sign_in(" Ada", "wrong")
    with store.engine.connect() as connection:
        rows = connection.execute(select(tables.login_attempt)).all()
    assert [tuple(row)[1:] for row in rows[-2:]] == [
        ("ada", HOME, 0, datetime(2026, 6, 15, 14, 0, 5))
    ] * 2
    with pytest.raises(SignInRefused) as caught:
        visitor.sign_in()
    assert caught.value.reason is Reason.LOCKED
    store.attempt("ada", "198.51.100.1", True, here)
    assert visitor.gets_in()


def test_failures_at_the_platforms_door_count_by_whatever_name(store: Store) -> None:
    """It writes what was typed there, as it was typed."""
    store.account("Ada", 100, email="Ada@example.org")
    for number in range(3):
        store.attempt("ADA", f"198.51.100.{number}", False, NOW.replace(tzinfo=None))
        store.attempt("ada@Example.org", f"198.51.100.{number}", False, NOW.replace(tzinfo=None))
    assert Visitor(store).refusal("ada") is Reason.LOCKED


def test_old_failures_do_not_count(store: Store) -> None:
    """Only those within the duration do, to the second."""
    visitor = Visitor(store)
    store.account("ada", 100)
    noon = NOW.replace(tzinfo=None)
    for seconds in (901, 900, 899, 10, 10, 10):
        store.attempt("ada", HOME, False, noon - timedelta(seconds=seconds))
    assert visitor.gets_in()
    store.attempt("ben", HOME, False, noon)
    for _ in range(4):
        store.attempt("ben", HOME, False, noon - timedelta(seconds=899))
    assert visitor.refusal("ben") is Reason.LOCKED


@pytest.mark.parametrize(
    ("now", "failed"),
    [
        # Clocks in Amsterdam go back from 3:00 to 2:00, and forward from 2:00 to 3:00.
        (datetime(2026, 10, 25, 1, 5, tzinfo=UTC), datetime(2026, 10, 25, 2, 1)),
        (datetime(2026, 3, 29, 1, 5, tzinfo=UTC), datetime(2026, 3, 29, 1, 55)),
    ],
)
def test_a_clock_change_opens_no_lock(store: Store, now: datetime, failed: datetime) -> None:
    """Failures of minutes ago count although the platform's clock says otherwise."""
    store.account("ada", 100)
    for _ in range(5):
        store.attempt("ada", HOME, False, failed)
    database = store.database(timezone="Europe/Amsterdam")
    with pytest.raises(SignInRefused) as caught:
        SignIns(database).sign_in("ada", PASSWORD, "", HOME, READERS, now=now)
    assert caught.value.reason is Reason.LOCKED


def test_attempts_at_once_do_not_slip_past_the_limit(counted: Store, hashings: list[str]) -> None:
    """However many come at the same time, hardly more than the limit are looked at."""
    counted.account("ada", 100)
    database = counted.database()
    visitor = Visitor(counted, database)
    start = threading.Barrier(16)

    def attempt(_number: int) -> Reason:
        start.wait()
        return visitor.refusal("ada", "wrong")

    with ThreadPoolExecutor(16) as threads:
        reasons = list(threads.map(attempt, range(16)))
    assert set(reasons) == {Reason.WRONG, Reason.LOCKED}
    assert 5 <= len(hashings) == reasons.count(Reason.WRONG) < 5 + PARALLEL_SIGN_INS


def test_two_processes_count_together(atom_store: Store) -> None:
    """And so does one after its restart, also where the platform has no table for it."""
    atom_store.account("ada", 100)
    Visitor(atom_store).fail(3)
    Visitor(atom_store).fail(2)
    assert Visitor(atom_store).refusal() is Reason.LOCKED


@pytest.mark.parametrize("has_store", [True, False])
def test_the_memory_is_bounded(
    atom_store: Store, monkeypatch: pytest.MonkeyPatch, *, has_store: bool
) -> None:
    """Beyond its size the oldest attempt is forgotten; so it is in our own store."""
    monkeypatch.setattr(lockout, "REMEMBERED_ATTEMPTS", 9)
    if not has_store:
        atom_store.state_dir.write_text("no folder")
    atom_store.account("ada", 100)
    visitor = Visitor(atom_store)
    visitor.fail(5, address="")
    for number in range(4):
        visitor.fail(1, f"nobody-{number}", address="")
    assert visitor.refusal(address="") is Reason.LOCKED
    visitor.fail(1, "nobody", address="")
    assert visitor.gets_in(address="")
