"""The headers with which a request tells the pages, and the logs, what it is."""

from __future__ import annotations

from typing import Final

REQUEST_HEADER: Final = "x-request-id"
"""The header with a request's number, also of its answer."""

CLIENT_HEADER: Final = "x-heratio-jobs-client"
"""The header that tells the pages the visitor's address; a client's own copy is dropped."""
