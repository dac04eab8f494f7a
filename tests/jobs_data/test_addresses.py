"""A text that stands for one job is told from a text to look for."""

import pytest

from jobs_data.addresses import job_meant


@pytest.mark.parametrize(
    ("text", "job_id"),
    [
        ("4711", 4711),
        (" #4711 ", 4711),
        ("job 4711", 4711),
        ("Job #4711", 4711),
        ("https://archive.example/admin/jobs/4711", 4711),
        ("/admin/jobs/4711/output", 4711),
        ("http://x/admin/jobs/4711/?status=failed", 4711),
        ("http://127.0.0.1:8501/admin/jobs/job?status=failed&q=12&id=4711", 4711),
        ("https://atom.example/jobs/report?id=4711", 4711),
        ("", None),
        ("-1", None),
        ("1e3", None),
        ("٣", None),
        ("9" * 19, None),
        ("4711 4712", None),
        ("job 4711 failed", None),
        ("import-2026.csv", None),
        ("/admin/jobs/queue/4711", None),
        ("/admin/jobs/queue-job?id=4711", None),
        ("/admin/jobs/job", None),
        ("/admin/jobs/job?id=x", None),
        ("http://[", None),
    ],
)
def test_a_number_or_a_reports_address_means_a_job(text: str, job_id: int | None) -> None:
    """Everything else means none, and no text raises."""
    assert job_meant(text) == job_id
