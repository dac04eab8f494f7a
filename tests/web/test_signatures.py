"""What the app signs, it signs with SHA-256."""

from typing import cast

from jobs_data.accounts.accounts import Account, Right
from jobs_data.accounts.introductions import Introduction, Introductions
from jobs_data.notices import Notices
from web.oidc import Oidc, Provider
from web.sessions import Sessions
from web.sign_in import SignIn

SHA256 = 43
"""Characters of its 32 bytes in base64."""

NO_SIGN_IN = cast(SignIn, None)


def test_nothing_is_signed_with_a_hash_that_is_not_approved() -> None:
    """OWASP ASVS 5, 11.4.1: SHA-1, which itsdangerous takes by default, is not."""
    account = Account(1, "Ada", Right.READER, "ab")
    sessions = Sessions("key")
    introduction = Introduction(1, "Ada", Right.READER, session="", fingerprint="", until=None)
    oidc = Oidc(Provider("https://id.example.org", "id", "secret"), NO_SIGN_IN, lambda _: None, "key")
    tokens = [
        sessions.token(sessions.begin(account)),
        Introductions().sign(introduction),
        Notices("key").sign("Done."),
        str(oidc._flows.dumps({})),
    ]
    assert [len(token.rpartition(".")[2]) for token in tokens] == [SHA256] * len(tokens)
