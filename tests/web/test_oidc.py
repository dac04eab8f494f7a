"""Signing in at an OpenID Connect provider that runs, with the platform's accounts and rights."""

import random
import shutil
import string
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import update
from starlette.testclient import TestClient

from jobs_data import addresses
from jobs_data.platform import tables
from jobs_data.store.audit_entries import list_entries
from pages.parts.shared.services import get_services
from tests.support.gated import gated_app
from tests.support.oidc_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    EMAIL,
    NULL,
    RunningProvider,
    running_provider,
)
from tests.support.store import Store
from web import oidc
from web.oidc import Provider
from web.sessions import COOKIE

PERSON = {"Accept": "text/html"}
APP = "https://jobs.example.org"
CALLBACK = f"{APP}{addresses.OIDC_CALLBACK}"
UNSIGNED = {"sub": "ada", "iss": "evil", "email": EMAIL, "email_verified": True}

# What is read of the database is tested in tests/jobs_data/accounts.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningProvider]:
    """Run a provider."""
    with running_provider(CALLBACK) as provider:
        yield provider


@pytest.fixture
def provider(running: RunningProvider) -> RunningProvider:
    """Give the provider, which has a user with a verified e-mail."""
    running.reset()
    return running


@pytest.fixture
def trusts_email() -> bool:
    """Say whether the app trusts the provider's e-mails."""
    return False


@pytest.fixture
def client(served: Store, provider: RunningProvider, trusts_email: bool) -> Iterator[TestClient]:
    """Ask an app on a platform with an account of that e-mail, and one that has it as user name."""
    served.account("ada", 100, email=EMAIL)
    served.account("eve@example.org", 100, email="eve@example.com")
    known = Provider(provider.issuer, CLIENT_ID, CLIENT_SECRET, trusts_email)
    app, _ = gated_app(readers=frozenset({101}), provider=known)
    with TestClient(app, APP, follow_redirects=False, headers=PERSON) as client:
        yield client


def at_provider(client: TestClient, provider: RunningProvider, answer: str = "accept") -> str:
    """Start the sign-in, sign in at the provider, and return where it sends the user."""
    start = client.get(addresses.OIDC)
    assert start.status_code == 302
    return provider.visit(start.headers["location"], answer)


def signed_in(client: TestClient) -> bool:
    """Return whether the client has a session."""
    return client.get(addresses.SESSION_CHECK).status_code == 204


def reasons() -> list[Any]:
    """Return what the audit log says of sign-ins, newest first."""
    services = get_services()
    services.audit.flush()
    entries = list_entries(services.store, None, "", 1, 99).items
    return [(each.user, each.details.get("reason") or each.details.get("by")) for each in entries]


def test_whom_the_provider_names_is_signed_in(client: TestClient, provider: RunningProvider) -> None:
    """With state, nonce and PKCE; they come to where they wanted to go, and the code works once."""
    wanted = f"{addresses.BASE}?status=failed"
    page = client.get(addresses.SIGN_IN, params={"next": wanted})
    assert f"{addresses.OIDC}?next=/admin/jobs%3Fstatus%3Dfailed" in page.text
    start = client.get(f"{addresses.OIDC}?next=/admin/jobs%3Fstatus%3Dfailed")
    asked = parse_qs(urlsplit(start.headers["location"]).query)
    assert asked["redirect_uri"] == [CALLBACK]
    assert asked["scope"] == ["openid email"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len({asked[name][0] for name in ("state", "nonce", "code_challenge")}) == 3
    back = provider.visit(start.headers["location"])
    assert "password" in provider.asked
    flow = dict(client.cookies)
    answer = client.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    assert signed_in(client)
    assert reasons() == [("ada", "oidc")]
    assert "__Secure-heratio_jobs_oidc" not in client.cookies
    client.cookies.clear()
    client.cookies.update(flow)
    assert client.get(back).status_code == 401
    assert not signed_in(client)
    assert provider.asked.count("token") == 1


def test_a_sign_out_says_that_the_provider_still_knows_the_user(
    client: TestClient, provider: RunningProvider
) -> None:
    """The next sign-in takes no password, until they sign out there too."""
    for _ in range(2):
        assert client.get(at_provider(client, provider)).status_code == 303
        answer = client.post(addresses.SIGN_OUT, headers={"Origin": APP})
        assert answer.headers["location"] == addresses.OIDC_SIGNED_OUT
    assert provider.asked.count("password") == 2  # the form and what was typed, once
    page = client.get(addresses.OIDC_SIGNED_OUT).text
    there = unescape(page.partition('<a class="button" href="')[2].partition('"')[0])
    back = provider.visit(there, "logout")
    assert back.startswith(CALLBACK)
    assert client.get(back).headers["location"] == addresses.SIGN_IN
    at_provider(client, provider)
    assert provider.asked.count("password") == 4


def test_a_provider_without_a_sign_out_is_named_without_a_link(
    client: TestClient, provider: RunningProvider
) -> None:
    """Google is one."""
    provider.changed["openid-configuration"] = {"end_session_endpoint": None}
    page = client.get(addresses.OIDC_SIGNED_OUT)
    assert page.status_code == 200
    assert 'class="button"' not in page.text


def test_who_is_signed_in_is_not_called_signed_out(
    client: TestClient, provider: RunningProvider
) -> None:
    """They may come back to that page, or have it as a bookmark."""
    assert client.get(at_provider(client, provider)).status_code == 303
    answer = client.get(addresses.OIDC_SIGNED_OUT)
    assert (answer.status_code, answer.headers["location"]) == (303, addresses.BASE)


def test_a_sign_out_that_cannot_be_stored_leads_to_the_providers(
    client: TestClient, provider: RunningProvider
) -> None:
    """The provider still knows the user then, too."""
    assert client.get(at_provider(client, provider)).status_code == 303
    services = get_services()
    services.audit.flush()  # which makes the folder, if nothing else has
    services.store.close()
    shutil.rmtree(services.settings.state_dir)
    services.settings.state_dir.write_text("no folder")
    try:
        answer = client.post(addresses.SIGN_OUT, headers={"Origin": APP})
    finally:
        services.settings.state_dir.unlink()
    assert (answer.status_code, 'role="alert"' in answer.text) == (200, True)
    assert f'href="{addresses.OIDC_SIGNED_OUT}"' in answer.text


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_each_kind_of_signature_is_accepted(
    client: TestClient, provider: RunningProvider, algorithm: str
) -> None:
    provider.set_client(id_token_signed_response_alg=algorithm)
    assert client.get(at_provider(client, provider)).status_code == 303


def test_new_keys_are_read(
    client: TestClient, provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once under a new name; and a withdrawn key is refused after a minute."""
    assert client.get(at_provider(client, provider)).status_code == 303
    old = provider.keys
    provider.change_keys()
    assert client.get(at_provider(client, provider)).status_code == 303
    provider.changed["jwks.json"] = {**KeySet(old).as_dict(private=False)}
    assert client.get(at_provider(client, provider)).status_code == 303
    monkeypatch.setattr(oidc, "monotonic", lambda: time.monotonic() + oidc.METADATA_SECONDS)
    assert client.get(at_provider(client, provider)).status_code == 401


def test_a_client_secret_is_sent_as_the_provider_wants_it(
    client: TestClient, provider: RunningProvider
) -> None:
    provider.set_client(token_endpoint_auth_method="client_secret_post")
    only = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider.changed["openid-configuration"] = only
    assert client.get(at_provider(client, provider)).status_code == 303


@pytest.mark.parametrize(
    ("claims", "trusts_email", "status"),
    [
        ({"email_verified": None}, False, 403),
        ({"email_verified": None}, True, 303),
        ({"email_verified": False}, True, 403),
        ({"email_verified": "false"}, True, 403),
        ({"email_verified": "true"}, False, 303),
        ({"email": EMAIL.upper()}, False, 303),
        ({"email": ["ada@example.org"]}, True, 403),
        ({"email": "nobody@example.org"}, True, 403),
        ({"email": "eve@example.org"}, True, 403),
    ],
)
def test_only_a_verified_email_of_an_account_counts(
    client: TestClient, provider: RunningProvider, claims: dict[str, Any], status: int
) -> None:
    """A user name never does: users can choose their own. Who is refused can use another account."""
    provider.changed["claims"] |= claims
    answer = client.get(at_provider(client, provider))
    assert answer.status_code == status
    assert signed_in(client) == (status == 303)
    if status == 403:
        assert 'role="alert"' in answer.text
        assert f'href="{addresses.OIDC_SIGNED_OUT}"' in answer.text
        assert reasons()[0][1].startswith("oidc: no ")


@pytest.mark.parametrize(
    ("userinfo", "status"),
    [
        ({"email_verified": True}, 303),
        ({"email_verified": False}, 403),
        ({"email": None}, 403),
        ({"email_verified": True, "sub": "another"}, 401),
        ({"email_verified": True, "sub": None}, 401),
    ],
)
def test_an_email_that_is_not_in_the_token_is_asked_for(
    client: TestClient, provider: RunningProvider, userinfo: dict[str, Any], status: int
) -> None:
    """Of the same user; where the token has one, the app asks for no other."""
    assert client.get(at_provider(client, provider)).status_code == 303
    assert "userinfo" not in provider.asked
    client.cookies.clear()
    provider.changed |= {"claims": {"email": None}, "userinfo": userinfo}
    assert client.get(at_provider(client, provider)).status_code == status
    assert signed_in(client) == (status == 303)


@pytest.mark.parametrize(
    "changed",
    [
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"aud": "another client"}},
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"sub": None}},
        {"claims": {"exp": 1_700_000_000}},
        {"token": {"id_token": None}},
        {"token": {"id_token": NULL}},
        {"token": {"id_token": None, "userinfo": UNSIGNED}},
        {"token": {"id_token": NULL, "userinfo": UNSIGNED}},
        {"token": {"access_token": "another"}},
        {"jwks.json": {"keys": 5}},
        {"header": {"alg": "none"}, "claims": {"at_hash": None}},
        {"key": {}},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # of none
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    client: TestClient, provider: RunningProvider, changed: dict[str, dict[str, Any]]
) -> None:
    """Of another flow, client or provider, expired, signed with another key, or unsigned."""
    if "key" in changed or "header" in changed:  # without a signature any key will do
        provider.signs_with = RSAKey.generate_key(2048)
    for name, values in changed.items():
        provider.changed[name] = provider.changed.get(name, {}) | values
    assert client.get(at_provider(client, provider)).status_code == 401
    assert not signed_in(client)
    assert reasons() == [("", "oidc: provider refused")]


def test_a_callback_that_nobody_began_is_refused(
    client: TestClient, provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One with a changed state, one that the user denied, one that took too long, another browser's."""
    denied = at_provider(client, provider, "deny")
    assert "error=access_denied" in denied
    answer = client.get(denied)
    assert (answer.status_code, 'role="alert"' in answer.text) == (401, True)
    back = at_provider(client, provider)
    state = parse_qs(urlsplit(back).query)["state"][0]
    flow = dict(client.cookies)
    assert client.get(back.replace(state, "x")).status_code == 401
    client.cookies.update(flow)
    monkeypatch.setattr(oidc, "FLOW_SECONDS", -1)
    assert client.get(back).status_code == 401
    client.cookies.clear()
    assert client.get(back).status_code == 401
    assert not signed_in(client)


def test_of_two_tabs_the_second_signs_in(client: TestClient, provider: RunningProvider) -> None:
    """A browser keeps one flow: the later one, which the first tab's callback leaves there."""
    begun = urlsplit(client.get(addresses.OIDC).headers["location"])
    second = at_provider(client, provider)
    first = {"code": "x", "state": parse_qs(begun.query)["state"][0]}
    assert client.get(addresses.OIDC_CALLBACK, params=first).status_code == 401
    assert client.get(second).status_code == 303
    assert signed_in(client)


def test_the_oldest_used_state_is_forgotten(
    client: TestClient, provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that they take little memory; the provider refuses a used code, too."""
    monkeypatch.setattr(oidc, "MAX_USED", 1)
    first = at_provider(client, provider)
    flow = dict(client.cookies)
    assert client.get(first).status_code == 303
    assert client.get(at_provider(client, provider)).status_code == 303
    for _ in range(2):
        client.cookies.update(flow)
        assert client.get(first).status_code == 401
    assert provider.asked.count("token") == 3


def test_a_long_address_does_not_prevent_the_sign_in(
    client: TestClient, provider: RunningProvider
) -> None:
    """Browsers drop cookies over 4,096 bytes; then the list is shown, not a part of it."""
    letters = random.Random(1).choices(string.ascii_letters, k=6_000)
    start = client.get(addresses.OIDC, params={"next": f"{addresses.BASE}?q={''.join(letters)}"})
    assert len(start.headers["set-cookie"]) < 4_096
    answer = client.get(provider.visit(start.headers["location"]))
    assert (answer.status_code, answer.headers["location"]) == (303, addresses.BASE)


def test_the_provider_is_asked_once_for_all_who_wait(
    client: TestClient, provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for a callback that nobody began; and one that is away is left alone for a moment."""
    assert client.get(f"{addresses.OIDC_CALLBACK}?code=x").status_code == 401
    assert provider.asked == []
    provider.is_away = True
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(client.get, [addresses.OIDC] * 5))
    assert [answer.status_code for answer in answers] == [503] * 5
    assert len(provider.asked) == 1
    provider.is_away = False
    assert client.get(addresses.OIDC).status_code == 503
    monkeypatch.setattr(oidc, "monotonic", lambda: time.monotonic() + oidc.RETRY_SECONDS)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(client.get, [addresses.OIDC] * 5))
    assert [answer.status_code for answer in answers] == [302] * 5
    assert len(provider.asked) == 2


def test_the_right_is_the_platforms(
    client: TestClient, provider: RunningProvider, store: Store
) -> None:
    """An inactive account has none, whatever the provider says."""
    user = tables.user
    with store.engine.begin() as connection:
        connection.execute(update(user).where(user.c.email == EMAIL).values(active=0))
    answer = client.get(at_provider(client, provider))
    assert (answer.status_code, 'role="alert"' in answer.text) == (403, True)
    assert f'href="{addresses.OIDC_SIGNED_OUT}"' in answer.text
    assert COOKIE not in client.cookies
    assert not signed_in(client)
    assert reasons() == [("ada", "no right")]


def test_a_provider_that_is_away_is_a_sentence(served: Store) -> None:
    """The password's door stays open."""
    app, _ = gated_app(provider=Provider("http://127.0.0.1:9", CLIENT_ID, CLIENT_SECRET))
    with TestClient(app, "http://jobs.example.org", headers=PERSON) as client:
        answer = client.get(addresses.OIDC)
    assert answer.status_code == 503
    assert 'name="password"' in answer.text
