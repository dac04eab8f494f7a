"""Who gets in, who does not and what nobody learns from it; on both kinds of database."""

import base64
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import bcrypt
import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, inspect, select

from jobs_data import demo
from jobs_data.accounts import accounts, lockout, passwords
from jobs_data.accounts.accounts import (
    PARALLEL_SIGN_INS,
    Account,
    Reason,
    Right,
    SignInRefused,
    find_account,
    read_account,
    session_timeout_minutes,
)
from jobs_data.accounts.security_settings import MOST_ATTEMPTS
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from tests.support.databases import Lend
from tests.support.mariadb import MariaDB
from tests.support.store import PASSWORD, Store, hash_of

NOW = datetime(2026, 6, 15, 12, 0, 5, tzinfo=UTC)
HOME = "192.0.2.1"
READERS = frozenset({101, 102})
# The key of RFC 6238's test vectors, and one as short as many authenticators were given.
SECRET = base64.b32encode(b"12345678901234567890").decode()
SHORT_SECRET = "JBSWY3DPEHPK3PXP"

SALT = "3f1c0a7be2d94c5f8a6b1e0d7c2f9a41"
FOREIGN = "Pässwörd – 日本語 🗝"
LONG = "Långt lösenord " * 20

# Made by PHP 8.2: password_hash(sha1($salt . $password), …), with its default costs where the hash
# does not say otherwise.
KNOWN = {
    "argon2i": (
        SALT,
        "demo",
        "$argon2i$v=19$m=65536,t=4,p=1$ekRzc1YzWjU3MHhiRllUVw$Oik/28EyXXXfK5LxEC/xauYqr9/aZzf6AhNiWynzus4",
    ),
    "argon2i, not ASCII": (
        SALT,
        FOREIGN,
        "$argon2i$v=19$m=65536,t=4,p=1$ZlQuRTR5bkQ2aHQ5RFNYSQ$CCT4F8T+taNmcqYZ4boColvKmiRgqfXLs0/Vtg+xhQk",
    ),
    "argon2id, not ASCII": (
        SALT,
        FOREIGN,
        "$argon2id$v=19$m=65536,t=4,p=1$ZjdzWWltMG4uTjB0WWplUw$U06yKyMoWR1KXo0IZD2Re4+IjZg3mt0aD54Pt4Lpk8E",
    ),
    "argon2id, long, another cost": (
        SALT,
        LONG,
        "$argon2id$v=19$m=8192,t=2,p=1$VmV4SGFtQ1JWd0l2NUpTQw$arkyJRnNCsoQWen0bPztwW47u94u8G5YsROjrzdoTjA",
    ),
    "bcrypt, not ASCII": (
        SALT,
        FOREIGN,
        "$2y$10$aCpdX2ix23qbfUTgOcVKM.nmFr77Rxen8SKjXML/AaEDr7EhOSSW6",
    ),
    "bcrypt, long, cost 12": (
        SALT,
        LONG,
        "$2y$12$2HTHJWEOznz11rQ3a6wCO.wuTAieF7WuDgxHnVPqs8J7ajyODKweu",
    ),
    "bcrypt, salt not ASCII": (
        "sälz",
        'it\'s "quoted" \\ 100% ',
        "$2y$10$99hlye1.J.TsqqeU6ZbfDOXnoKUu5pNnYXSKLvNgWrR6KgIXO0wPa",
    ),
    "bcrypt, NUL": (
        SALT,
        "before\0after",
        "$2y$10$bYqlN6BelKsFaURukfogxOkFUqKJQplPfVNTq3ladg//bsoLhJ16q",
    ),
    "bcrypt, no salt": (
        "",
        "plain",
        "$2y$10$mhU2tcCL/Z7Yl4YU3PQQNO.22hpzLIrXZhMEVwR4sjvCU22cdmZ5.",
    ),
}

CHEAP = hash_of(PASSWORD, SALT)

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


def sign_in(
    store: Store,
    identifier: str = "ada",
    password: str = PASSWORD,
    code: str = "",
    *,
    address: str = HOME,
    after: float = 0,
    readers: frozenset[int] = READERS,
    database: Database | None = None,
) -> Account:
    """Sign in so many seconds after NOW."""
    return accounts.sign_in(
        database or store.database(),
        identifier,
        password,
        code,
        address,
        readers,
        now=NOW + timedelta(seconds=after),
    )


def gets_in(store: Store, *arguments: str, **options: Any) -> bool:
    """Return True where a sign-in is not refused."""
    return sign_in(store, *arguments, **options).id > 0


def refusal(store: Store, *arguments: str, **options: Any) -> Reason:
    """Return the reason for which a sign-in is refused."""
    with pytest.raises(SignInRefused) as caught:
        sign_in(store, *arguments, **options)
    return caught.value.reason


def fail(store: Store, times: int, identifier: str = "ada", **options: Any) -> None:
    """Sign in with a wrong password, which must be refused as such each time."""
    for _ in range(times):
        assert refusal(store, identifier, "wrong", **options) is Reason.WRONG


def code_at(after: float = 0, secret: str = SECRET) -> str:
    """Return what an authenticator shows so many seconds after NOW."""

    class Authenticator(pyotp.TOTP):
        def byte_secret(self) -> bytes:
            return base64.b32decode(self.secret)

    return Authenticator(secret).at(NOW + timedelta(seconds=after))


def totp(store: Store, user_id: int, secret: str = SECRET, **values: Any) -> None:
    """Give a user a confirmed TOTP secret."""
    values = {"enabled_at": NOW, **values}
    store.insert(tables.user_totp_secret, user_id=user_id, secret=secret, **values)


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """Collect the statements sent to a store's database."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.engine, "before_cursor_execute", note)


@pytest.fixture
def hashings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the hashes that a password is verified against."""
    verified: list[str] = []

    def watched(verify: Callable[[Any, Any], bool], position: int) -> Callable[[Any, Any], bool]:
        def call(*arguments: Any) -> bool:
            verified.append(str(arguments[position]))
            return verify(*arguments)

        return call

    argon2 = SimpleNamespace(verify=watched(PasswordHasher().verify, 0))
    monkeypatch.setattr(passwords, "_argon2", argon2)
    monkeypatch.setattr("jobs_data.accounts.passwords.bcrypt.checkpw", watched(bcrypt.checkpw, 1))
    return verified


@pytest.fixture(params=["login_attempt", "memory"])
def counted(request: pytest.FixtureRequest, lend: Lend) -> Iterator[Store]:
    """Give a store whose attempts are kept in the table, and one of AtoM, kept in memory."""
    with lend(atom=request.param == "memory") as url, closing(Store.on(url)) as store:
        yield store


# Passwords


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


def test_without_any_usable_hash_one_of_phps_usual_cost_is_computed(hashings: list[str]) -> None:
    """Where the usual hash is not usable either, a constant one stands in, for the time it takes."""
    assert not passwords.matches(PASSWORD, SALT, "", "nonsense")
    assert hashings == [passwords.NOBODYS_HASH]
    assert "m=65536,t=4,p=1" in passwords.NOBODYS_HASH


@pytest.mark.parametrize(
    "password", ["", "x" * 4097, "x" * 10_000_000, "\ud800", "right\ud800", "\0", "right\0"]
)
def test_strange_passwords_are_wrong(password: str, hashings: list[str]) -> None:
    """Empty, over-long or not even text: they match nothing, not even what they are cut down to."""
    for stored_password in ("", "x", "?", "right", "right?"):
        for salt in (SALT, ""):
            assert not passwords.matches(password, salt, hash_of(stored_password, salt), CHEAP)
    assert len(hashings) == 10


# Accounts and rights


def test_right_comes_from_the_groups(store: Store) -> None:
    """Group 100 administers, the named groups read, the stronger right wins, others have none."""
    store.account("other", 100, 101)
    cases: list[tuple[set[int], set[int], Right | None]] = [
        ({100}, {101, 102}, Right.ADMINISTRATOR),
        ({100, 101}, {101, 102}, Right.ADMINISTRATOR),
        ({100}, {100}, Right.ADMINISTRATOR),
        ({101}, {101, 102}, Right.READER),
        ({103, 102}, {101, 102}, Right.READER),
        ({103}, {101, 102}, None),
        ({101}, set(), None),
        (set(), {101, 102}, None),
    ]
    for number, (groups, named, right) in enumerate(cases):
        readers = frozenset(named)
        user_id = store.account(f"user-{number}", *groups)
        account = read_account(store.database(), user_id, readers)
        assert account
        assert account.right is right
        assert sign_in(store, f"user-{number}", readers=readers).right is right
        store.set_user(user_id, active=0)
        inactive = read_account(store.database(), user_id, readers)
        assert inactive
        assert inactive.right is None
    assert read_account(store.database(), 10**6, READERS) is None


def test_an_account_is_reread_with_one_select(store: Store) -> None:
    """One statement tells right and fingerprint, whatever the groups; each change shows at once."""
    ada = store.account("ada", 100, 101)
    database = store.database()
    read_account(database, ada, READERS)
    with statements(store) as sent:
        account = read_account(database, ada, READERS)
    assert len(sent) == 1
    assert account
    store.leave_groups(ada)
    changed = read_account(database, ada, READERS)
    assert changed
    assert (changed.right, changed.fingerprint) == (None, account.fingerprint)


def test_fingerprint_changes_with_hash_and_salt(store: Store) -> None:
    """It is the same from one reading to the next, another for each password, and tells neither."""
    ada = store.account("ada", 100)
    seen = []
    for values in ({}, {"salt": SALT}, {"password_hash": CHEAP}, {"password_hash": None}):
        if values:
            store.set_user(ada, **values)
        for _ in range(2):
            account = read_account(store.database(), ada, READERS)
            assert account
            seen.append(account.fingerprint)
    assert seen[::2] == seen[1::2]
    assert len(set(seen)) == 4
    assert CHEAP not in repr(account)
    assert not any(fingerprint in repr(account) for fingerprint in seen)


@pytest.mark.parametrize(
    ("username", "email", "names", "shown"),
    [
        ("ada", "ada@example.org", {"en": "Ada Archivist", "fr": "Ada l’archiviste"}, "Ada Archivist"),
        ("ada", "ada@example.org", {"fr": "Ada l’archiviste"}, "ada"),
        ("ada", "ada@example.org", {"en": "  "}, "ada"),
        (None, "ada@example.org", {}, "ada@example.org"),
        ("", None, {}, ""),
    ],
)
def test_display_name_is_the_lists(
    store: Store, username: str | None, email: str | None, names: dict[str, str], shown: str
) -> None:
    """The name in the database's culture, else the user name, else the e-mail."""
    account = read_account(store.database(), store.account(username, email=email, names=names), READERS)
    assert account
    assert account.display_name == shown
    assert (account.username, account.email) == (username or "", email or "")


def test_email_is_tried_before_the_user_name(store: Store) -> None:
    """Who has taken somebody's e-mail as user name is not found by it, and does not get in with it."""
    ada = store.account("ada", 100, email="ada@example.org")
    imposter = store.account("ada@example.org", 100, email="imposter@example.org", password="mine")
    found = find_account(store.database(), "ada@example.org", READERS)
    assert found
    assert found.id == ada
    assert refusal(store, "ada@example.org", "mine") is Reason.WRONG
    assert sign_in(store, "imposter@example.org", "mine").id == imposter


def test_case_and_surrounding_space_do_not_matter(store: Store) -> None:
    """E-mail and user name are found however they are capitalised."""
    ada = store.account("Ada", 100, email="ADA@example.org")
    for identifier in (
        "ada",
        "ADA",
        " Ada\n",
        "ada@example.org",
        "\tada@example.org ",
        "aDa@Example.ORG",
    ):
        found = find_account(store.database(), identifier, READERS)
        assert found
        assert found.id == ada == sign_in(store, identifier).id


def test_look_alikes_are_nobody(store: Store) -> None:
    """What a collation takes for the same, and nothing at all, is not the same account."""
    store.account("kate", 100, email="")
    store.account("other", 100, email="kate@example.org")
    accented = ["kåte", "káté", "k\u0430te", "\u212aate", "\uff4bate"]
    for identifier in [*accented, "ka\u200bte", "ka\u00adte", "kate%", "k_te", "kate\0", "", " "]:
        for typed in (identifier, f"{identifier}@example.org"):
            assert find_account(store.database(), typed, READERS) is None
            assert refusal(store, typed, address="") is Reason.WRONG
    assert gets_in(store, "kate")
    assert gets_in(store, "kate@example.org")


def test_accents_are_found_as_they_are_written(store: Store) -> None:
    """A user name of letters beyond ASCII gets in."""
    emile = store.account("Émile", 100)
    assert sign_in(store, "Émile").id == emile


def test_an_over_long_identifier_is_not_cut_down_to_an_account(store: Store) -> None:
    """Only the whole user name is the user name, however long it is."""
    longest = "x" * 255
    store.account(longest, 100)
    for identifier in ("x" * 256, "x" * 10_000_000, " " * 300 + longest):
        assert find_account(store.database(), identifier, READERS) is None
        assert refusal(store, identifier, address="") is Reason.WRONG
    assert gets_in(store, longest, after=3600)


def test_a_shared_email_lets_nobody_in(store: Store) -> None:
    """Neither of two users is found by their e-mail, nor by its user name's owner; by name both are."""
    first = store.account("first", 100, email="shared@example.org")
    second = store.account("second", 100, email="Shared@example.org", password="mine")
    store.account("shared@example.org", 100, password="third")
    assert find_account(store.database(), "shared@example.org", READERS) is None
    for password in (PASSWORD, "mine", "third"):
        assert refusal(store, "shared@example.org", password) is Reason.WRONG
    assert sign_in(store, "first").id == first
    assert sign_in(store, "second", "mine").id == second


# Signing in


@pytest.mark.parametrize("name", ["argon2id, not ASCII", "bcrypt, NUL"])
def test_the_platforms_password_gets_in(store: Store, name: str) -> None:
    """The account that comes back is the one that is read by its id."""
    salt, password, password_hash = KNOWN[name]
    ada = store.account("ada", 100, salt=salt, password_hash=password_hash)
    assert sign_in(store, "ada", password) == read_account(store.database(), ada, READERS)
    assert refusal(store, "ada", password.upper()) is Reason.WRONG


def test_a_right_password_without_the_right_is_told(store: Store) -> None:
    """Such an account is returned with no right, so that the visitor can be told whom to ask."""
    store.account("ada", 103)
    assert sign_in(store).right is None


def test_wrong_unknown_and_inactive_cannot_be_told_apart(store: Store, hashings: list[str]) -> None:
    """Each gives the same sentence, the same statements, and takes one hashing of the same cost."""
    store.account("ada", 100)
    store.account("gone", 100, active=0)
    store.account("none", 100, password_hash=None, salt=None)
    store.account("broken", 100, password_hash="$argon2id$v=19$broken")
    database = store.database()
    assert database.tables
    tries = [("ada", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("gone", "wrong")]
    tries += [("none", PASSWORD), ("none", ""), ("broken", PASSWORD), ("", "")]
    seen = set()
    for number, (identifier, password) in enumerate(tries):
        hashings.clear()
        with statements(store) as sent, pytest.raises(SignInRefused) as caught:
            sign_in(store, identifier, password, address=f"192.0.2.{number}", database=database)
        (verified,) = hashings
        if identifier:
            seen.add((caught.value.reason, str(caught.value), tuple(sent), verified[:22]))
    ((reason, _sentence, _sent, cost),) = seen
    assert reason is Reason.WRONG
    assert cost == "$argon2id$v=19$m=8,t=1"


def test_no_secret_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Password, code, hash, salt and TOTP secret are in no log, exception or repr."""
    caplog.set_level(logging.DEBUG, "jobs_data")
    stored = hash_of("sesame", SALT)
    totp(store, store.account("ada", 100, salt=SALT, password_hash=stored))
    odd = store.account("odd", 100, salt=SALT, password_hash=stored)
    totp(store, odd, secret="not base32 at all!")
    told = [repr(sign_in(store, "ada", "sesame", code_at()))]
    for arguments in (
        ("ada", "pass-word", "123456"),
        ("ada", "sesame", code_at()),
        ("ada", "sesame", ""),
        ("odd", "sesame", "123456"),
    ):
        with pytest.raises(SignInRefused) as caught:
            sign_in(store, *arguments)
        error: BaseException | None = caught.value
        while error:
            told += [str(error), repr(error), *map(str, error.args)]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    everything = "\n".join([*told, caplog.text])
    for secret in ("pass-word", "sesame", code_at(), "123456", stored, SALT, SECRET, "not base32"):
        assert secret not in everything


def test_bad_sign_ins_by_the_hundred(store: Store) -> None:
    """None gets in, none ends in anything but a refusal, and the right one still gets in after."""
    store.security(lockout_enabled="false")
    known = ["ada", "ada@example.org", "gone", "totp", "broken", "none"]
    store.account("ada", 100, email="ada@example.org")
    store.account("gone", 100, active=0)
    store.account("none", 100, password_hash="")
    store.account("broken", 100, password_hash="$2y$10$broken")
    totp(store, store.account("totp", 100))
    random = Random(5)
    alphabet = "ada@example.org' OR 1=1;--\\\"%_\0\n\u200b\ud800é日🗝right"

    def noise(most: int) -> str:
        return "".join(random.choices(alphabet, k=random.randrange(most)))

    database = store.database()
    reasons = set()
    for number in range(400):
        identifier = random.choice([*known, *known, noise(12), noise(600)])
        password = random.choice([noise(30), f"{PASSWORD} ", f" {PASSWORD}", PASSWORD.upper(), "0"])
        if identifier in {"gone", "none", "broken", "totp"} and number % 2:
            password = PASSWORD
        code = random.choice(["", noise(8), f"{random.randrange(10**6):06}"])
        if code == code_at():
            continue
        reasons.add(refusal(store, identifier, password, code, database=database))
    assert reasons == {Reason.WRONG, Reason.CODE_NEEDED, Reason.CODE_WRONG}
    assert sign_in(store, database=database).right is Right.ADMINISTRATOR


# Second factors


@pytest.mark.parametrize("secret", [SECRET, SECRET.lower(), f"{SECRET[:16]} {SECRET[16:]}"])
def test_a_confirmed_totp_secret_asks_for_its_code(store: Store, secret: str) -> None:
    """The password alone is not enough, a wrong code neither; the right one is, spaced or not."""
    store.security(lockout_enabled="false")
    totp(store, store.account("ada", 100), secret=secret)
    for empty in ("", " "):
        assert refusal(store, "ada", PASSWORD, empty) is Reason.CODE_NEEDED
    for wrong in (
        "000000",
        code_at()[:5],
        f"{code_at()}0",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "\0",
        "-12345",
        "9" * 10**6,
    ):
        assert refusal(store, "ada", PASSWORD, wrong) is Reason.CODE_WRONG
    assert gets_in(store, "ada", PASSWORD, f" {code_at()[:3]} {code_at()[3:]} ")


def test_a_code_does_not_replace_the_password(store: Store) -> None:
    """With a wrong password the right code is of no use and is not even looked at."""
    totp(store, store.account("ada", 100))
    assert refusal(store, "ada", "wrong", code_at()) is Reason.WRONG
    assert refusal(store, "ada", "wrong", "000000") is Reason.WRONG
    assert gets_in(store, "ada", PASSWORD, code_at())


def test_codes_are_those_of_the_standard(store: Store) -> None:
    """RFC 6238's own test vector gets in, and so does a secret of 80 bits."""
    totp(store, store.account("ada", 100))
    moment = datetime.fromtimestamp(1111111109, UTC)
    database = store.database()
    accounts.sign_in(database, "ada", PASSWORD, "081804", HOME, READERS, now=moment)
    totp(store, store.account("ben", 100), secret=SHORT_SECRET)
    assert gets_in(store, "ben", PASSWORD, code_at(secret=SHORT_SECRET))


@pytest.mark.parametrize(
    ("shown", "accepted"), [(-90, False), (-60, False), (-30, True), (30, True), (60, False)]
)
def test_one_step_of_tolerance(store: Store, shown: int, accepted: bool) -> None:
    """An authenticator may be a step early or late, not two."""
    totp(store, store.account("ada", 100))
    if accepted:
        assert gets_in(store, "ada", PASSWORD, code_at(shown))
    else:
        assert refusal(store, "ada", PASSWORD, code_at(shown)) is Reason.CODE_WRONG


def test_no_code_is_accepted_twice(store: Store) -> None:
    """Neither the same one, at once or a step later, nor an older one; the next one is."""
    totp(store, store.account("ada", 100))
    totp(store, store.account("ben", 100))
    assert gets_in(store, "ada", PASSWORD, code_at())
    for after in (0, 20, 50):
        assert refusal(store, "ada", PASSWORD, code_at(), after=after) is Reason.CODE_WRONG
    assert refusal(store, "ada", PASSWORD, code_at(-30)) is Reason.CODE_WRONG
    assert gets_in(store, "ben", PASSWORD, code_at())
    assert gets_in(store, "ada", PASSWORD, code_at(30), after=30)


def test_a_used_code_stays_used_after_a_restart(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """`last_used_at` tells what was used, with this process's memory gone."""
    totp(store, store.account("ada", 100))
    assert gets_in(store, "ada", PASSWORD, code_at(30))
    assert store.ids(tables.user_totp_secret, "last_used_at") == [datetime(2026, 6, 15, 12, 0, 30)]
    monkeypatch.setattr("jobs_data.accounts.second_factors._taken", {})
    for used in (30, 0, -30):
        assert refusal(store, "ada", PASSWORD, code_at(used)) is Reason.CODE_WRONG
    assert gets_in(store, "ada", PASSWORD, code_at(60), after=30)


def test_a_code_used_at_the_platforms_door_is_used(store: Store) -> None:
    """The time that the platform writes counts, in its own zone; one far in the future does not."""
    zone = "Africa/Johannesburg"
    here = datetime(2026, 6, 15, 14, 0, 5)
    for name, last_used in (("ada", here), ("ben", here + timedelta(hours=2)), ("cleo", None)):
        totp(store, store.account(name, 100), last_used_at=last_used)
    database = store.database(timezone=zone)
    with pytest.raises(SignInRefused):
        sign_in(store, "ada", PASSWORD, code_at(), database=database)
    for name in ("ben", "cleo"):
        assert gets_in(store, name, PASSWORD, code_at(), database=database)


def test_one_of_several_sign_ins_at_once_gets_the_code(store: Store) -> None:
    """However many come with the same code at the same time, one gets in."""
    store.security(lockout_enabled="0")
    totp(store, store.account("ada", 100))
    database = store.database()
    start = threading.Barrier(6)

    def attempt(_number: int) -> str:
        start.wait()
        try:
            return sign_in(store, "ada", PASSWORD, code_at(), database=database).username
        except SignInRefused as error:
            return error.reason

    with ThreadPoolExecutor(6) as threads:
        outcomes = sorted(threads.map(attempt, range(6)))
    assert outcomes == ["ada", *[Reason.CODE_WRONG] * 5]


def test_an_unusable_secret_is_not_bypassed(store: Store) -> None:
    """Who has one is sent to the platform, and told so, with a code and without."""
    secrets = ("not base32!", "", "====", "JBSWY3DPEHPK3PX1", "é", "ab\0c", "A")
    for number, secret in enumerate(secrets):
        totp(store, store.account(f"user-{number}", 100), secret=secret)
        for code in ("", "000000", "no code"):
            with pytest.raises(SignInRefused, match="cannot be checked here") as caught:
                sign_in(store, f"user-{number}", PASSWORD, code)
            assert caught.value.reason is Reason.PLATFORM_FACTOR


def test_factors_of_the_platform_are_not_bypassed(store: Store) -> None:
    """A verified mail factor or any WebAuthn key needs the platform; a confirmed TOTP secret does."""
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
            assert refusal(store, name, PASSWORD, code) is Reason.PLATFORM_FACTOR
        assert refusal(store, name, "wrong") is Reason.WRONG
    assert refusal(store, "both", PASSWORD) is Reason.CODE_NEEDED
    assert gets_in(store, "both", PASSWORD, code_at())
    assert gets_in(store, "pending")


# Lockout


def test_five_failures_lock_for_fifteen_minutes(counted: Store, hashings: list[str]) -> None:
    """Then no password is even looked at, until the first of them is fifteen minutes old."""
    counted.account("ada", 100)
    fail(counted, 4, address="")
    fail(counted, 1, address="", after=60)
    hashings.clear()
    for identifier in ("ada", " ADA "):
        with pytest.raises(SignInRefused, match=r"again in 14 minutes\.$") as caught:
            sign_in(counted, identifier, after=90)
        assert caught.value.reason is Reason.LOCKED
    assert refusal(counted, after=899) is Reason.LOCKED
    assert hashings == []
    assert gets_in(counted, after=900)
    assert len(hashings) == 1


def test_a_lock_is_not_prolonged_by_knocking(counted: Store) -> None:
    """Attempts at a locked door are not written and do not count."""
    counted.account("ada", 100)
    fail(counted, 5)
    for minute in range(1, 15):
        assert refusal(counted, "ada", "wrong", after=60 * minute) is Reason.LOCKED
    if tables.login_attempt.name in counted.database().tables:
        assert counted.rows(tables.login_attempt) == 5
    assert gets_in(counted, after=900)


def test_a_success_starts_the_count_anew(counted: Store) -> None:
    """Four failures, a success and four failures lock nothing; the fifth does."""
    counted.account("ada", 100)
    fail(counted, 4)
    assert gets_in(counted)
    fail(counted, 4)
    assert gets_in(counted)
    fail(counted, 5)
    assert refusal(counted) is Reason.LOCKED


def test_unknown_identifiers_are_locked_too(counted: Store) -> None:
    """A lock does not tell whether there is such an account."""
    fail(counted, 5, "nobody", address="")
    assert refusal(counted, "nobody", address="") is Reason.LOCKED


def test_identifier_and_address_are_counted_apart(counted: Store) -> None:
    """One account from everywhere is locked, and everything from one address, but not all else."""
    counted.account("ada", 100)
    counted.account("ben", 100)
    for number in range(5):
        fail(counted, 1, "ada", address=f"198.51.100.{number}")
        fail(counted, 1, f"nobody-{number}", address="203.0.113.9")
    assert refusal(counted, "ada", address="198.51.100.77") is Reason.LOCKED
    assert refusal(counted, "ben", address="203.0.113.9") is Reason.LOCKED
    assert gets_in(counted, "ben", address="198.51.100.1")
    assert gets_in(counted, "ben", address="")


def test_wrong_codes_count_and_missing_ones_do_not(store: Store) -> None:
    """To ask for the code neither locks nor unlocks; to guess it locks."""
    totp(store, store.account("ada", 100))
    fail(store, 4)
    for _ in range(6):
        assert refusal(store) is Reason.CODE_NEEDED
    assert refusal(store, "ada", PASSWORD, "000000") is Reason.CODE_WRONG
    assert refusal(store, "ada", PASSWORD, code_at()) is Reason.LOCKED


def test_both_doors_share_one_count(store: Store) -> None:
    """What failed at the platform's door counts here, in its zone, and what fails here is there."""
    store.account("ada", 100)
    here = datetime(2026, 6, 15, 14, 0, 0)
    database = store.database(timezone="Africa/Johannesburg")
    for identifier in ("Ada", "ADA", "ada"):
        store.attempt(identifier, "198.51.100.1", False, here)
    store.attempt("ben", HOME, True, here)
    for _ in range(2):
        with pytest.raises(SignInRefused):
            sign_in(store, " Ada", "wrong", database=database)
    with store.engine.connect() as connection:
        rows = connection.execute(select(tables.login_attempt)).all()
    assert [tuple(row)[1:] for row in rows[-2:]] == [
        ("ada", HOME, 0, datetime(2026, 6, 15, 14, 0, 5))
    ] * 2
    with pytest.raises(SignInRefused) as caught:
        sign_in(store, database=database)
    assert caught.value.reason is Reason.LOCKED
    store.attempt("ada", "198.51.100.1", True, here)
    assert gets_in(store, database=database)


def test_old_failures_do_not_count(store: Store) -> None:
    """Only those within the duration do, to the second."""
    store.account("ada", 100)
    noon = NOW.replace(tzinfo=None)
    for seconds in (901, 900, 899, 10, 10, 10):
        store.attempt("ada", HOME, False, noon - timedelta(seconds=seconds))
    assert gets_in(store)
    store.attempt("ben", HOME, False, noon)
    for _ in range(4):
        store.attempt("ben", HOME, False, noon - timedelta(seconds=899))
    assert refusal(store, "ben") is Reason.LOCKED


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
        accounts.sign_in(database, "ada", PASSWORD, "", HOME, READERS, now=now)
    assert caught.value.reason is Reason.LOCKED


def test_the_platforms_settings_rule(store: Store) -> None:
    """Two attempts and one minute, as set."""
    store.security(lockout_max_attempts=" 2 ", lockout_duration_minutes="1")
    store.account("ada", 100)
    fail(store, 2)
    with pytest.raises(SignInRefused, match=r"again in 1 minute\.$"):
        sign_in(store)
    assert gets_in(store, after=60)


def test_lockout_can_be_switched_off(store: Store) -> None:
    """Then no number of failures locks; they are written all the same."""
    store.security(lockout_max_attempts="1")
    store.account("ada", 100)
    for value in ("0", "false", "FALSE", "off", "no"):
        store.security(lockout_enabled=value)
        fail(store, 3)
    assert gets_in(store)
    assert store.rows(tables.login_attempt) == 16
    store.security(lockout_enabled="true")
    fail(store, 1)
    assert refusal(store) is Reason.LOCKED


def test_unusable_settings_are_the_defaults(store: Store) -> None:
    """Nonsense in the settings neither switches the lockout off nor locks everybody out."""
    store.account("ada", 100)
    values = ("", None, "0", "-3", "many", "1.5", "99999999999", "5;--")
    for number, value in enumerate(values):
        store.security(lockout_max_attempts=value, lockout_duration_minutes=value)
        store.security(lockout_enabled="maybe" if value == "0" else value)
        store.security(session_timeout_minutes=value)
        start = 3600 * number
        fail(store, 5, after=start)
        assert refusal(store, after=start + 899) is Reason.LOCKED
        assert gets_in(store, after=start + 900)
        assert session_timeout_minutes(store.database()) == 30


def test_session_timeout_is_the_platforms(store: Store) -> None:
    """Half an hour unless set."""
    assert session_timeout_minutes(store.database()) == 30
    store.security(session_timeout_minutes="45")
    assert session_timeout_minutes(store.database()) == 45


def test_attempts_at_once_do_not_slip_past_the_limit(counted: Store, hashings: list[str]) -> None:
    """However many come at the same time, hardly more than the limit are looked at."""
    counted.account("ada", 100)
    database = counted.database()
    start = threading.Barrier(16)

    def attempt(_number: int) -> Reason:
        start.wait()
        return refusal(counted, "ada", "wrong", database=database)

    with ThreadPoolExecutor(16) as threads:
        reasons = list(threads.map(attempt, range(16)))
    assert set(reasons) == {Reason.WRONG, Reason.LOCKED}
    assert 5 <= len(hashings) == reasons.count(Reason.WRONG) < 5 + PARALLEL_SIGN_INS


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its size the longest unused is forgotten, and one key's attempts do not pile up."""
    monkeypatch.setattr(lockout, "REMEMBERED_KEYS", 3)
    memory = lockout.Memory()
    noon = NOW.replace(tzinfo=None)
    for name in ("a", "b", "c", "a", "d"):
        memory.add(("", "", name), lockout.Attempt(False, noon))
    assert [len(memory.newest(("", "", name))) for name in "abcd"] == [2, 0, 1, 1]
    for _ in range(2 * MOST_ATTEMPTS):
        memory.add(("", "", "d"), lockout.Attempt(False, noon))
    assert len(memory.newest(("", "", "d"))) == MOST_ATTEMPTS


# What may be missing


def test_atom_is_asked_for_nothing_of_heratios(atom_store: Store) -> None:
    """Signing in, failing and re-reading name no table that AtoM does not have."""
    ada = atom_store.account("ada", 100)
    with statements(atom_store) as sent:
        assert sign_in(atom_store).right is Right.ADMINISTRATOR
        fail(atom_store, 1)
        assert read_account(atom_store.database(), ada, READERS)
        assert session_timeout_minutes(atom_store.database()) == 30
    named = [name for name in tables.HERATIO_ONLY for s in sent if f"FROM {name}" in s]
    assert sent
    assert named == []


def test_a_database_without_accounts_lets_nobody_in(empty_database: str) -> None:
    """Without users nobody is found, without groups nobody has a right, and nothing fails."""
    store = Store.on(empty_database)
    tables.metadata.create_all(store.engine, [tables.object_])
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE job (id INTEGER PRIMARY KEY)")
    assert read_account(store.database(), 1, READERS) is None
    assert find_account(store.database(), "ada", READERS) is None
    assert refusal(store) is Reason.WRONG
    tables.metadata.create_all(store.engine, [tables.actor, tables.user])
    store.insert(tables.object_, id=1, class_name="QubitUser", created_at=NOW, updated_at=NOW)
    store.insert(tables.actor, id=1, source_culture="en")
    store.insert(tables.user, id=1, username="ada", salt=SALT, password_hash=CHEAP)
    account = sign_in(store)
    assert (account.right, account.display_name) == (None, "ada")
    store.engine.dispose()


def test_refused_writes_are_made_up_for(
    mariadb_server: MariaDB, caplog: pytest.LogCaptureFixture
) -> None:
    """With SELECT alone people sign in, locks lock, no code works twice, and the log says so once."""
    mariadb_server.create_database("readonly")
    store = Store(mariadb_server.url("readonly"))
    try:
        with mariadb_server.cursor() as cursor:
            cursor.execute("CREATE USER readonly@127.0.0.1 IDENTIFIED BY 'word'")
            cursor.execute("GRANT SELECT ON `readonly`.* TO readonly@127.0.0.1")
        url = f"mysql://readonly:word@127.0.0.1:{mariadb_server.port}/readonly"
        database = Database(make_engine(url))
        totp(store, store.account("ada", 100))
        fail(store, 2, database=database)
        assert gets_in(store, "ada", PASSWORD, code_at(), database=database)
        assert refusal(store, "ada", PASSWORD, code_at(), database=database) is Reason.CODE_WRONG
        for _ in range(2):
            store.attempt("ada", HOME, False, NOW.replace(tzinfo=None))
        fail(store, 2, database=database)
        assert refusal(store, database=database) is Reason.LOCKED
        assert store.rows(tables.login_attempt) == 2
        told = [
            r.getMessage() for r in caplog.records if r.name == "jobs_data.accounts.sign_in_records"
        ]
        assert sum("login_attempt" in message for message in told) == 1
        assert sum("user_totp_secret" in message for message in told) == 1
        database.engine.dispose()
    finally:
        store.engine.dispose()
        mariadb_server.drop_database("readonly")
        with mariadb_server.cursor() as cursor:
            cursor.execute("DROP USER IF EXISTS readonly@127.0.0.1")


def test_the_documented_writes_need_no_more_than_their_columns(mariadb_server: MariaDB) -> None:
    """INSERT on `login_attempt` and UPDATE of `last_used_at` alone suffice for both writes."""
    mariadb_server.create_database("signing")
    store = Store(mariadb_server.url("signing"))
    try:
        with mariadb_server.cursor() as cursor:
            cursor.execute("CREATE USER signing@127.0.0.1 IDENTIFIED BY 'word'")
            for grant in (
                "SELECT ON `signing`.*",
                "INSERT ON `signing`.login_attempt",
                "UPDATE (last_used_at) ON `signing`.user_totp_secret",
            ):
                cursor.execute(f"GRANT {grant} TO signing@127.0.0.1")
        url = f"mysql://signing:word@127.0.0.1:{mariadb_server.port}/signing"
        database = Database(make_engine(url))
        totp(store, store.account("ada", 100))
        assert gets_in(store, "ada", PASSWORD, code_at(), database=database)
        assert store.ids(tables.login_attempt, "success") == [1]
        assert store.ids(tables.user_totp_secret, "last_used_at") != [None]
        database.engine.dispose()
    finally:
        store.engine.dispose()
        mariadb_server.drop_database("signing")
        with mariadb_server.cursor() as cursor:
            cursor.execute("DROP USER IF EXISTS signing@127.0.0.1")


# The demo


@pytest.mark.parametrize("atom", [False, True])
def test_the_demos_two_accounts_get_in(empty_database: str, atom: bool) -> None:
    """Administrator and reader get in with the known password and their rights, nobody else."""
    store = Store.on(empty_database)
    demo.create(store.engine, jobs=5, seed=5, atom=atom)
    for identifier, right in (
        (demo.DEMO_ADMINISTRATOR, Right.ADMINISTRATOR),
        (demo.DEMO_READER, Right.READER),
    ):
        account = sign_in(store, identifier, demo.DEMO_PASSWORD)
        assert (account.email, account.right) == (identifier, right)
    assert store.ids(tables.acl_group) == [100, 101, 102, 103]
    hashes = store.ids(tables.user, "password_hash")
    assert len([found for found in hashes if found]) == 2
    assert len(hashes) == 14
    assert refusal(store, "sato", demo.DEMO_PASSWORD) is Reason.WRONG
    assert set(store.ids(tables.acl_user_group, "group_id")) == {100, 101, 102, 103}
    if atom:
        assert not tables.HERATIO_ONLY & set(inspect(store.engine).get_table_names())
    store.engine.dispose()


def test_an_embedded_demo_without_accounts_is_made_anew(tmp_path: Path) -> None:
    """What an earlier version made is replaced, its log included; a present one is left alone."""
    database, root = tmp_path / "jobs.sqlite", tmp_path / "web-root"
    engine = make_engine(f"sqlite:///{database}")
    tables.metadata.create_all(engine, [tables.object_])
    engine.dispose()
    log = tmp_path / "jobs.sqlite-wal"
    log.write_bytes(b"of the old file")
    demo.create_embedded(database, root)
    assert not log.exists()
    made = database.stat().st_ino
    store = Store.on(f"sqlite:///{database}")
    assert find_account(store.database(), demo.DEMO_READER, READERS)
    store.engine.dispose()
    demo.create_embedded(database, root)
    assert database.stat().st_ino == made


def test_only_the_two_writes_of_a_sign_in_exist(store: Store) -> None:
    """A whole journey sends nothing that changes rows but an INSERT and an UPDATE of one column."""
    totp(store, store.account("ada", 100))
    with statements(store) as sent:
        sign_in(store, "ada", PASSWORD, code_at())
        fail(store, 2)
        find_account(store.database(), "ada", READERS)
    changing = {s.split("(")[0].split(" SET ")[0].strip() for s in sent if "SELECT" not in s}
    looking = {s for s in changing if s.startswith(("SHOW", "DESCRIBE"))}
    assert changing - looking == {"INSERT INTO login_attempt", "UPDATE user_totp_secret"}
