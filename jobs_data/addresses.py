"""The addresses of the app's screens and routes: the only place that builds them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from jobs_data.jobs.view import ListView
from jobs_data.jobs.view_url import view_params
from jobs_data.queues.filters import QueueView, queue_view_params
from jobs_data.url_values import Params, parse_number

BASE: Final = "/admin/jobs"
"""The platform's own route; all of this app is below it."""

BROWSE: Final = "/jobs/browse"
"""The platform's other address of the list; our cookie is not sent there."""

SIGN_IN: Final = f"{BASE}/sign-in"
OIDC: Final = f"{SIGN_IN}/oidc"
OIDC_CALLBACK: Final = f"{OIDC}/callback"
OIDC_SIGNED_OUT: Final = f"{OIDC}/signed-out"
SIGN_OUT: Final = f"{BASE}/sign-out"
SESSION_CHECK: Final = f"{BASE}/session"
SIGN_IN_STYLE: Final = f"{BASE}/sign-in.css"
SIGN_IN_ICON: Final = f"{BASE}/sign-in.svg"
LIST_JSON: Final = f"{BASE}.json"
"""The list for programs. A browser sends no cookie of ours there, so it takes a token."""

STATISTICS_JSON: Final = f"{BASE}/statistics.json"
QUEUES_JSON: Final = f"{BASE}/queue-browse.json"
OPENAPI: Final = f"{BASE}/openapi.json"
LIVENESS: Final = f"{BASE}/_stcore/health"
"""Streamlit's liveness check: it answers `ok`."""
HEALTH_LIVE: Final = f"{BASE}/health/live"
HEALTH_READY: Final = f"{BASE}/health/ready"
METRICS: Final = f"{BASE}/metrics"
HOST_CONFIG: Final = f"{BASE}/_stcore/host-config"
"""Constants of Streamlit's, which its client asks for before it connects again.

Open, or a page whose session has ended would show "Connection failed with status 401".
"""


def list_url(view: ListView, **more: str) -> str:
    """Return the address of a view of the list, with more query parameters where given."""
    return _with_query(BASE, {**view_params(view), **more})


def list_json_url(view: ListView) -> str:
    """Return the address of a page of the list as JSON."""
    return _with_query(LIST_JSON, view_params(view))


def queues_json_url(view: QueueView) -> str:
    """Return the address of a page of the queues as JSON."""
    return _with_query(QUEUES_JSON, queue_view_params(view))


def report_url(job_id: int, params: Params) -> str:
    """Return the address of a job's page, with the query of the list that Back leads to."""
    return _with_query(f"{BASE}/job", {**params, "id": str(job_id)})


def queues_url(params: Params) -> str:
    """Return the address of the queues, showing the jobs that a query names."""
    return _with_query(f"{BASE}/queue-browse", params)


def queue_job_url(params: Params) -> str:
    """Return the address of the queued job that a query names."""
    return _with_query(f"{BASE}/queue-job", params)


def queue_batches_url(params: Params) -> str:
    """Return the address of the batches, or of the one that a query names."""
    return _with_query(f"{BASE}/queue-batches", params)


def statistics_url(params: Params) -> str:
    """Return the address of the statistics with a query."""
    return _with_query(f"{BASE}/report", params)


def job_name_url(name: str) -> str:
    """Return the address of the page of a job name, which is compared byte by byte."""
    return _with_query(f"{BASE}/name", {"name": name})


def download_url(job_id: int) -> str:
    """Return the address from which a job's result file is streamed."""
    return f"{BASE}/{job_id}/download"


def output_url(job_id: int) -> str:
    """Return the address from which a job's whole output is streamed."""
    return f"{BASE}/{job_id}/output"


def row_errors_url(job_id: int) -> str:
    """Return the address from which the errors of rows in a job's output are streamed as CSV."""
    return f"{BASE}/{job_id}/row-errors"


def export_url(view: ListView, *, all_columns: bool = False) -> str:
    """Return the address from which the CSV of a view's jobs is streamed; pages do not matter.

    `csv_format.parse_format` has further parameters, which a browser adds.
    """
    columns = {"columns": "all"} if all_columns else {}
    return _with_query(f"{BASE}/export-csv", {**view_params(view.unpaged), **columns})


def receipt_url(receipt_id: str) -> str:
    """Return the address from which a receipt is streamed."""
    return f"{BASE}/receipts/{receipt_id}"


def receipt_page_url(receipt_id: str) -> str:
    """Return the address of the page that shows a receipt."""
    return f"{BASE}/receipts?{urlencode({'receipt': receipt_id})}"


def record_url(site_url: str, slug: str) -> str:
    """Return the address of a record's page on the platform's site, empty without one."""
    return f"{site_url}/{quote(slug, safe='')}" if site_url and slug else ""


def job_meant(text: str) -> int | None:
    """Return the number of the job that an untrusted text names, or None.

    It is a number (`4711`, `#4711`, `job 4711`) or the address of a job's page, ours or AtoM's.
    """
    if number := re.fullmatch(r"(?:job)?\s*#?\s*([0-9]{1,18})", text.strip(), re.IGNORECASE):
        return int(number[1])
    try:
        address = urlsplit(text.strip())
    except ValueError:
        return None
    if number := re.search(r"/jobs/([0-9]{1,18})(?:/output|/download)?/?$", address.path):
        return int(number[1])
    if address.path.endswith(("/jobs/job", "/jobs/report")):
        return parse_number(parse_qs(address.query).get("id", [None])[-1])
    return None


def _with_query(path: str, params: Params) -> str:
    return f"{path}?{urlencode(params, doseq=True)}" if params else path
