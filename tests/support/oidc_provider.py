"""A small OpenID Connect provider: it signs everybody in as one user, and checks its client."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "heratio-jobs"
CLIENT_SECRET = "a secret of the client"


@dataclass
class RunningProvider:
    """A provider that runs, and whom it signs in; a test may spoil its answers."""

    issuer: str
    """It ends with a slash, as some do: that is a part of its name."""
    claims: dict[str, Any] = field(default_factory=dict)
    """What it says of the user."""
    spoilt: dict[str, Any] = field(default_factory=dict)
    """Claims of the token that are not those asked for."""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    signs_with: RSAKey | None = None
    """Another key than the published one."""
    is_unsigned: bool = False
    """Whether its tokens have no signature, which it offers as some do."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was asked for, by code; each works once."""
    is_away: bool = False
    """Whether it answers nothing but errors."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """The queries with which users came."""

    def metadata(self) -> dict[str, Any]:
        """Return its configuration."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}authorize",
            "token_endpoint": f"{self.issuer}token",
            "jwks_uri": f"{self.issuer}keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "none"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the user is sent with a code."""
        self.seen.append(query)
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Return the tokens for a code; None for a client or a code that is not right."""
        asked = self.codes.pop(form.get("code", ""), None)
        client = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or authorization != f"Basic {client}"
            or form["redirect_uri"] != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "7", "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"]} | self.claims | self.spoilt
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signs_with or self.key)
        if self.is_unsigned:
            header = base64.urlsafe_b64encode(b'{"alg": "none"}').decode().rstrip("=")
            signed = f"{header}.{signed.split('.')[1]}."
        return {"access_token": "secret", "token_type": "Bearer", "id_token": signed}


@contextmanager
def running_provider() -> Iterator[RunningProvider]:
    """Run a provider on a free port of the loopback address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer metadata, keys, and the user."""
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if provider.is_away:
                self._send(500, {})
                return
            if parts.path == "/.well-known/openid-configuration":
                self._send(200, provider.metadata())
            elif parts.path == "/keys":
                self._send(200, {"keys": [provider.key.as_dict(private=False)]})
            else:
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                self._send(302, {}, provider.authorize(query))

        def do_POST(self) -> None:
            """Answer the client."""
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[-1] for name, values in parse_qs(body).items()}
            tokens = provider.token(form, self.headers.get("Authorization", ""))
            self._send(200 if tokens else 400, tokens or {"error": "invalid_grant"})

        def log_message(self, *_arguments: object) -> None:
            """Log nothing."""

        def _send(self, status: int, content: dict[str, Any], location: str = "") -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = RunningProvider(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
