"""The plain HTTP routes, asked over HTTP, on both kinds of database."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from jobs_data import addresses, notices
from jobs_data.jobs import export
from jobs_data.jobs.csv_format import CsvFormat, Separator
from jobs_data.jobs.view import ListView
from jobs_data.removal.removal import Removal, RemovalRuns, sentence_on
from jobs_data.store.schema import Outcome
from pages.parts.shared.services import get_services
from tests.support import web_roots
from tests.support.databases import on_sqlite
from tests.support.gated import routes_client
from tests.support.removals import remove
from tests.support.store import Store

JSON = {"Accept": "application/json"}


@pytest.fixture
def client(served: Store) -> Iterator[TestClient]:
    """Ask the routes of an app that serves the test's database, without following redirects."""
    with routes_client(served, "Ada Löwe") as client:
        yield client


def notice_of(location: str) -> notices.Notice | None:
    """Return the notice that a redirect to the list carries."""
    parts = urlsplit(location)
    assert parts.path == "/admin/jobs"
    return get_services().notices.read(parse_qs(parts.query)["notice"][0])


@on_sqlite
@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/", "/admin/jobs"),
        ("/jobs/browse", "/admin/jobs"),
        ("/jobs/browse?status=error&sort=name", "/admin/jobs?status=error&sort=name"),
        ("/admin/jobs/7", "/admin/jobs/job?id=7"),
        ("/admin/jobs/queue/7", "/admin/jobs/queue-job?id=7"),
        ("/admin/jobs/queue/7?queue=a&id=9", "/admin/jobs/queue-job?queue=a&id=7"),
        ("/admin/jobs/7?status=failed&id=9", "/admin/jobs/job?status=failed&id=7"),
    ],
)
def test_the_platforms_addresses_lead_to_our_pages(client: TestClient, asked: str, led_to: str) -> None:
    """Their queries come along."""
    response = client.get(asked)
    assert (response.status_code, response.headers["location"]) == (307, led_to)


def test_deleting_answers_a_program_in_json(client: TestClient, store: Store) -> None:
    """200 with the removed job, 409 for an active or a cancelled one, 404 for none."""
    finished, active, cancelled = store.job(), store.job(status_id=183), store.job(status_id=186)
    response = client.post(f"/admin/jobs/delete/{finished}", headers=JSON)
    assert (response.status_code, response.json()) == (
        200,
        {"removed": 1, "message": f"Job {finished} was deleted."},
    )
    refused = client.post(f"/admin/jobs/delete/{active}")
    assert notice_of(refused.headers["location"]) == notices.Notice(
        sentence_on(Outcome.ACTIVE, active),
        is_good=False,
    )
    for job_id in (active, cancelled):
        response = client.post(f"/admin/jobs/delete/{job_id}", headers=JSON)
        assert (response.status_code, response.json()["removed"]) == (409, 0)
        assert "is not finished" in response.json()["message"]
    response = client.post(f"/admin/jobs/delete/{finished}", headers=JSON)
    assert (response.status_code, response.json()["removed"]) == (404, 0)
    assert store.ids() == [active, cancelled]


@pytest.mark.parametrize("job_id", ["abc", "0", "-1", "1.5", "9" * 400, "9" * 18, "1%20OR%201=1"])
def test_deleting_nonsense_is_a_404(client: TestClient, store: Store, job_id: str) -> None:
    """Whatever stands in the address, nothing is removed and nothing breaks."""
    kept = store.job()
    response = client.post(f"/admin/jobs/delete/{job_id}", headers=JSON)
    assert (response.status_code, response.json()["removed"]) == (404, 0)
    assert store.ids() == [kept]


def test_deleting_leads_a_browser_back_to_the_list(client: TestClient, store: Store) -> None:
    """The list is told what to say; what it is told cannot be made up by a link."""
    job_id = store.job()
    response = client.post(f"/admin/jobs/delete/{job_id}", headers={"Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 303
    assert notice_of(response.headers["location"]) == notices.Notice(f"Job {job_id} was deleted.")
    assert get_services().notices.read("made-up") is None


def test_clearing_answers_programs_and_browsers(client: TestClient, store: Store) -> None:
    """All finished jobs go, active ones stay, and the number is told."""
    active = store.job(status_id=183)
    store.job(), store.job(status_id=185)
    response = client.post("/admin/jobs/clear-inactive", headers=JSON)
    assert (response.status_code, response.json()) == (
        200,
        {"removed": 2, "message": "2 jobs deleted. Active jobs are unchanged."},
    )
    assert store.ids() == [active]
    response = client.post("/admin/jobs/clear-inactive")
    assert response.status_code == 303
    assert "0 jobs deleted" in str(notice_of(response.headers["location"]))


@on_sqlite
def test_a_second_clearing_is_a_409(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal is a sentence, and nothing is removed."""

    def refuse(*_args: object) -> Removal:
        raise RemovalRuns

    monkeypatch.setattr(get_services().removals, "start", refuse)
    response = client.post("/admin/jobs/clear-inactive", headers=JSON)
    assert (response.status_code, response.json()["removed"]) == (409, 0)
    assert "are being deleted" in response.json()["message"]


@on_sqlite
@pytest.mark.parametrize("path", ["/admin/jobs/delete/1", "/admin/jobs/clear-inactive"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_change_takes_post_alone(client: TestClient, path: str, method: str) -> None:
    """A link, which can only GET, changes nothing."""
    response = client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_the_export_streams_what_the_button_gives(client: TestClient, store: Store) -> None:
    """The same bytes, under the same name, filtered as the query says."""
    store.job("=1+1", status_id=185), store.job("b")
    response = client.get("/admin/jobs/export-csv")
    assert response.status_code == 200
    assert response.content == b"".join(export.csv_chunks(get_services().database, ListView()))
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="jobs-export.csv"'
    every = client.get(addresses.export_url(ListView(), all_columns=True))
    assert every.content == b"".join(
        export.csv_chunks(get_services().database, ListView(), all_columns=True)
    )
    assert 'filename="jobs-export-all-columns.csv"' in every.headers["content-disposition"]
    how = CsvFormat(Separator.TAB, ZoneInfo("Europe/Berlin"))
    local = client.get("/admin/jobs/export-csv?separator=tab&times=local&zone=Europe/Berlin")
    assert local.content == b"".join(
        export.csv_chunks(get_services().database, ListView(), csv_format=how)
    )
    assert b"\tCreated (Europe/Berlin)\t" in local.content
    failed = client.get("/admin/jobs/export-csv?status=error&sort=name&page=5")
    assert failed.content.count(b"\r\n") == 2
    assert b"'=1+1" in failed.content


@pytest.fixture
def web_root(served: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the web root that the app is told of."""
    root = tmp_path / "web"
    (root / "downloads").mkdir(parents=True)
    monkeypatch.setenv("HERATIO_JOBS_RESULTS_ROOT", str(root))
    return root


@on_sqlite
def test_a_result_file_is_served_whole_and_in_ranges(
    web_root: Path, client: TestClient, store: Store
) -> None:
    """It is saved and never shown by the browser, whatever is in it."""
    (web_root / "downloads" / "naïve “x”\n.html").write_bytes(b"<script>0123456789")
    job_id = store.job(download_path="/downloads/naïve “x”\n.html")
    address = f"/admin/jobs/{job_id}/download"
    response = client.get(address)
    assert (response.status_code, response.content) == (200, b"<script>0123456789")
    assert response.headers["content-disposition"] == (
        'attachment; filename="naive _x__.html"; '
        "filename*=UTF-8''na%C3%AFve%20%E2%80%9Cx%E2%80%9D_.html"
    )
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["x-content-type-options"] == "nosniff"
    head = client.head(address)
    assert (head.content, head.headers["content-length"]) == (b"", "18")
    part = client.get(address, headers={"Range": "bytes=8-11"})
    assert (part.status_code, part.content) == (206, b"0123")
    assert part.headers["content-range"] == "bytes 8-11/18"
    assert client.get(address, headers={"Range": "bytes=-3"}).content == b"789"
    parts = client.get(address, headers={"Range": "bytes=0-0,8-11"})
    assert parts.headers["content-type"].startswith("multipart/byteranges")
    assert len(parts.content) == int(parts.headers["content-length"])
    assert b"\r\n\r\n0123\r\n" in parts.content
    for tag, status in (
        (response.headers["etag"], 206),
        (response.headers["last-modified"], 206),
        ('"other"', 200),
    ):
        again = client.get(address, headers={"Range": "bytes=8-11", "If-Range": tag})
        assert again.status_code == status
    assert client.get(address, headers={"Range": "bytes=90-"}).status_code == 416
    assert client.get(address, headers={"Range": "lines=1"}).status_code == 400


@pytest.mark.parametrize(
    "in_database", [b"/downloads/f\xfcr.csv", "/downloads/f\ufffdr.csv", "/downloads/für.csv"]
)
def test_a_file_whose_name_is_no_utf_8_is_served(
    web_root: Path, client: TestClient, store: Store, in_database: str | bytes
) -> None:
    """However the database has it; only SQLite lets the bytes themselves in."""
    (web_root / "downloads" / "f\udcfcr.csv").write_bytes(b"12345")
    job_id = store.job(download_path="/downloads/f\ufffdr.csv")
    if isinstance(in_database, str):
        job_id = store.job(download_path=in_database)
    elif store.engine.dialect.name == "sqlite":
        with store.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE job SET download_path = CAST(? AS TEXT) WHERE id = ?", (in_database, job_id)
            )
    response = client.get(f"/admin/jobs/{job_id}/download")
    assert (response.status_code, response.content) == (200, b"12345")
    assert "filename*=UTF-8''f%C3%BCr.csv" in response.headers["content-disposition"]


@on_sqlite
def test_a_platforms_secrets_are_not_served(web_root: Path, client: TestClient, store: Store) -> None:
    """Neither those of the web root, nor what lies in a folder that is served."""
    for path in (".env", "config/config.php", "index.php", "downloads/.env", "downloads/config.php"):
        (web_root / path).parent.mkdir(exist_ok=True)
        (web_root / path).write_text("word")
        response = client.get(f"/admin/jobs/{store.job(download_path=path)}/download")
        assert response.status_code == 404
        assert "served" in response.text


@pytest.fixture
def root_without_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the app start with Heratio's web root, whose link is not there yet."""
    root = web_roots.laravel(tmp_path)
    (root / "storage").unlink()
    monkeypatch.setenv("HERATIO_JOBS_RESULTS_ROOT", str(root))
    return root


@on_sqlite
def test_a_link_made_after_the_start_is_a_404(
    served: Store, root_without_link: Path, client: TestClient
) -> None:
    """The roots are read once for the process."""
    (root_without_link / "storage").symlink_to("../storage/app/public")
    job_id = served.job(download_path="/storage/downloads/finding-aid-7.pdf")
    response = client.get(f"/admin/jobs/{job_id}/download")
    assert response.status_code == 404
    assert "restart the app" in response.text


def test_what_cannot_be_downloaded_is_a_404_with_the_reason(
    web_root: Path, client: TestClient, store: Store
) -> None:
    """A path that leads outside, a missing file, no file, no job."""
    (web_root.parent / "secret").write_text("word")
    outside, gone, none = (
        store.job(download_path=path) for path in ("../secret", "downloads/gone.zip", None)
    )
    for job_id, reason in (
        (outside, "leads outside"),
        (gone, "no longer on the server"),
        (none, "has no result file"),
        (10**8, "no job"),
        (10**17, "no job"),
    ):
        response = client.get(f"/admin/jobs/{job_id}/download")
        assert response.status_code == 404
        assert re.search(reason, response.text)


def test_a_whole_output_is_streamed_as_text(client: TestClient, store: Store) -> None:
    """An output is a stranger's text: it is saved, not shown."""
    job_id = store.job(output="<script>läuft 😀\n" * 3)
    response = client.get(f"/admin/jobs/{job_id}/output")
    assert response.text == "<script>läuft 😀\n" * 3
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["content-disposition"].startswith("attachment")
    assert client.get(f"/admin/jobs/{store.job(output=None)}/output").text == ""
    for missing in (99999999, 10**17, "9" * 5000):
        assert client.get(f"/admin/jobs/{missing}/output").status_code == 404


def test_the_errors_of_rows_are_streamed_as_csv(client: TestClient, store: Store) -> None:
    """To be sent to the person who made the import file."""
    job_id = store.job(output="ERROR: Row 3: =no parent\nRow 4 imported.\n")
    response = client.get(f"/admin/jobs/{job_id}/row-errors")
    assert response.content.decode() == '\ufeffrow,message\r\n3,"\'=no parent"\r\n'
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"job-{job_id}-row-errors.csv" in response.headers["content-disposition"]
    assert client.get("/admin/jobs/99999999/row-errors").status_code == 404


def test_a_database_that_does_not_answer_is_a_503_with_a_sentence(
    client: TestClient, store: Store
) -> None:
    """Every route says so, in the form that was asked for."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE job")
    for method, path in (
        ("GET", "/admin/jobs/export-csv"),
        ("GET", "/admin/jobs/1/download"),
        ("GET", "/admin/jobs/1/output"),
        ("POST", "/admin/jobs/delete/1"),
        ("POST", "/admin/jobs/clear-inactive"),
    ):
        response = client.request(method, path, headers=JSON)
        assert response.status_code == 503
        assert "no table named job" in response.json()["message"]


def test_a_receipt_is_streamed_as_lines(client: TestClient, store: Store) -> None:
    """As an attachment of its own name; any other name is a 404 with a sentence."""
    job_id = store.job()
    receipt_id = remove(store, [job_id])
    response = client.get(f"/admin/jobs/receipts/{receipt_id}")
    assert response.status_code == 200
    header, job, *_ = map(json.loads, response.content.splitlines())
    assert (header["receipt"], job["job"]) == (receipt_id, job_id)
    assert f'"{receipt_id}.jsonl"' in response.headers["content-disposition"]
    assert response.headers["content-type"] == "application/jsonl"
    for name in (receipt_id[:-1] + "x", f"{receipt_id}.jsonl", "..%2F..%2Fetc%2Fpasswd"):
        response = client.get(f"/admin/jobs/receipts/{name}")
        assert response.status_code == 404
        assert response.text
