"""The headers of every answer that concern security and caches."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import streamlit
from starlette.datastructures import MutableHeaders

from jobs_data import addresses

CSP: Final = "content-security-policy"

_INLINE_SCRIPT: Final = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def streamlit_documents() -> Iterator[str]:
    """Yield the HTML of Streamlit's page and of the components, whose inline scripts have to run."""
    folders = [Path(streamlit.__file__).parent / "static"]
    # Found without an import: a component registers itself with Streamlit's runtime.
    if component := find_spec("streamlit_autorefresh"):
        folders += map(Path, component.submodule_search_locations or ())
    for folder in folders:
        for page in sorted(folder.rglob("index.html")):
            yield page.read_text("utf-8")


def content_policy(documents: Iterable[str]) -> str:
    """Return the Content-Security-Policy of pages whose inline scripts are those of HTML documents.

    No other inline script runs, and none makes code of text. Source: CSP Level 3, section 6.7.3.3.
    """
    scripts = dict.fromkeys(s for text in documents for s in _INLINE_SCRIPT.findall(text))
    hashes = " ".join(f"'sha256-{b64encode(sha256(s.encode()).digest()).decode()}'" for s in scripts)
    # Streamlit styles itself inline; blob: carries our own small components, which it loads so.
    return (
        f"default-src 'self'; script-src 'self' {hashes} 'wasm-unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; frame-src 'self'; worker-src 'self' blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def answer_headers(policy: str, path: str, *, is_secure: bool) -> dict[str, str]:
    """Return the headers for the answer to a path, which the answer's own take precedence over."""
    if path.startswith(f"{addresses.BASE}/component/"):
        # A component's page is shown in a frame of our own.
        policy = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    headers = {
        CSP: policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
    }
    if is_secure:
        headers["strict-transport-security"] = "max-age=31536000"
    return headers


def limit_caching(headers: MutableHeaders) -> None:
    """Let no cache on the way keep an answer, and no browser a page.

    The gate may put a session's cookie on any answer. After Back a browser shows a stored page without
    asking whether it is still fresh (RFC 9111, section 6), so also after a sign-out.
    """
    if headers.get("content-type", "").startswith("text/html"):
        headers["cache-control"] = "no-store"
    elif "public" in (kept := headers.get("cache-control", "")):
        headers["cache-control"] = kept.replace("public", "private")
