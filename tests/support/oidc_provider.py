"""A provider to sign in at: Canaille, a real identity server, whose answers a test may change."""

import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.oidc.jose import registry
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, RSAKey
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

CLIENT_ID = "heratio-jobs"
CLIENT_SECRET = "a secret of the client"
PATH = "/realms/archive"
EMAIL = "ada@example.org"
PASSWORD = "correct horse battery staple"
NULL = "null"
"""The value of a field that is there, with `null`."""


@dataclass
class RunningProvider:
    """A provider that runs, with one user and one client."""

    issuer: str
    """It has a path and ends with a slash, as some do: that is a part of its name."""
    server: Any
    """Canaille's application."""
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What other providers answer, by the last part of the path; None leaves a field out.

    `header` and `claims` are those of the ID token."""
    keys: list[Key] = field(default_factory=list)
    """What it signs with."""
    signs_with: Key | None = None
    """Another key than the published ones."""
    is_away: bool = False
    """Whether it answers nothing but errors."""
    asked: list[str] = field(default_factory=list)
    """The last parts of the paths that were asked for."""
    browser: httpx2.Client = field(default_factory=httpx2.Client)
    """The user's browser, which keeps the sign-in at the provider."""

    def reset(self) -> None:
        """Answer as Canaille does, with a verified e-mail, and forget what was before."""
        self.changed = {"claims": {"email_verified": True}}
        self.signs_with, self.is_away = None, False
        with self.server.app_context():
            for kind in (models.Consent, models.AuthorizationCode, models.Token):
                for each in Backend.instance.query(kind):
                    Backend.instance.delete(each)
        self.set_client(
            id_token_signed_response_alg="RS256", token_endpoint_auth_method="client_secret_basic"
        )
        self.asked.clear()
        self.browser.cookies.clear()

    def set_client(self, **attributes: Any) -> None:
        """Change what is registered of the client."""
        with self.server.app_context():
            client = Backend.instance.get(models.Client, client_id=CLIENT_ID)
            Backend.instance.update(client, **attributes)
            Backend.instance.save(client)

    def change_keys(self) -> None:
        """Sign with new keys from now on, and publish no other."""
        curve = ECKey.generate_key("P-256", auto_kid=True)
        self.keys = [RSAKey.generate_key(2048, auto_kid=True), curve]
        published = [key.as_dict(private=True) for key in self.keys]
        self.server.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = published

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        name = environ["PATH_INFO"].rpartition("/")[2]
        self.asked.append(name)
        if self.is_away:
            return Response(status=503)(environ, start_response)
        response = Response.from_app(self.server, environ)
        if response.mimetype == "application/json":
            answer = _changed(json.loads(response.data), self.changed.get(name, {}))
            if answer.get("id_token"):
                answer["id_token"] = self._token(answer["id_token"])
            response.data = json.dumps(answer)
        return response(environ, start_response)

    def _token(self, token: str) -> str:
        """Return an ID token with the changed header and claims, signed again."""
        read = jwt.decode(token, KeySet(self.keys), registry=registry)
        kid = read.header["kid"]
        return jwt.encode(
            _changed(read.header, self.changed.get("header", {})),
            _changed(read.claims, self.changed.get("claims", {})),
            self.signs_with or next(key for key in self.keys if key.kid == kid),
            registry=registry,
        )

    def visit(self, address: str, answer: str = "accept") -> str:
        """Follow an address through the provider's forms, and return where it sends the user."""
        page = self.browser.get(address)
        while True:
            if location := page.headers.get("location"):
                address = urljoin(str(page.url), location)
                if not address.startswith(self.issuer):
                    return address
                page = self.browser.get(address)
                continue
            token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.text)
            assert token, page.text
            fields = {"login": EMAIL, "password": PASSWORD, "answer": answer}
            page = self.browser.post(page.url, data=fields | {"csrf_token": token[1]})


def _changed(answer: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    changed = {name: value for name, value in (answer | changes).items() if value is not None}
    return {name: None if value == NULL else value for name, value in changed.items()}


class _Silent(WSGIRequestHandler):
    def log(self, *_arguments: object) -> None:
        """Log nothing."""


@contextmanager
def running_provider(callback: str) -> Iterator[RunningProvider]:
    """Run a provider on a free port of the loopback address; its client has this redirect address."""
    canaille = create_app(
        {
            "SECRET_KEY": "k" * 32,
            "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False},
            # It leads back after a sign-out to these alone.
            "CANAILLE_OIDC": {"TRUSTED_DOMAINS": [urlsplit(callback).hostname]},
        },
        env_prefix="NO_ENVIRONMENT_",
    )
    with canaille.app_context():
        user = models.User(user_name="ada", family_name="Lovelace", emails=[EMAIL], password=PASSWORD)
        client = models.Client(
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            client_name="Heratio Jobs",
            redirect_uris=[callback],
            post_logout_redirect_uris=[callback],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "email"],
            token_endpoint_auth_method="client_secret_basic",
        )
        for each in (user, client):
            Backend.instance.save(each)
        client.audience = [client]
        Backend.instance.save(client)
    server = make_server("127.0.0.1", 0, canaille, threaded=True, request_handler=_Silent)
    provider = RunningProvider(f"http://127.0.0.1:{server.port}{PATH}/", canaille)
    server.app = DispatcherMiddleware(Response(status=404), {PATH: provider})
    provider.change_keys()
    provider.reset()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        provider.browser.close()
        server.shutdown()
        thread.join()
        server.server_close()
