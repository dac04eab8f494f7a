"""The JSON API: every answer against the schema that the OpenAPI document promises."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.routing import Route
from starlette.testclient import TestClient

from jobs_data import addresses, demo
from jobs_data.jobs import output_parts
from jobs_data.jobs.view_url import parse_view
from jobs_data.queues.filters import parse_queue_view
from jobs_data.url_values import MAX_PAGE, MAX_TEXT
from pages.parts.shared.services import get_services
from tests.support.app_servers import DemoSite
from tests.support.gated import job_routes, routes_client
from tests.support.queue_rows import queued
from tests.support.removals import remove
from tests.support.store import Store
from web import api_queries as queries
from web.routes import browse, queue_job, report

JSON = {"Accept": "application/json"}
MOST_PAGES = 9
WRONG_FILTERS = [
    *(
        "status=faild",
        "status=",
        "statsu=failed",
        "status=failed&status=active",
        "owner=ada",
        "below=0",
    ),
    *("created=lastweek", "finished=2026-02-31..", "created=2026-11-23..2026-11-01", "longer=0s"),
    *("name=", "name=%20", "type=", "q=%20", "q=%00", f"q={'x' * (MAX_TEXT + 1)}"),
    *("limit=201", "page=1.5", "dir=up", "owner=" + "&owner=".join(map(str, range(51)))),
]
WRONG_QUEUES = ["status=faild", "queue=", "type=", "worker=%20", "search=%00"]
HOSTILE = '*Zo\u00eb* <b>"\U0001f5c4 \u202etxt'


@pytest.fixture
def client(served: Store) -> Iterator[TestClient]:
    """Ask the routes as an administrator, who is there already: the gate has tests of its own."""
    with routes_client(served, "Ada") as client:
        yield client


def checked(
    client: TestClient | httpx2.Client, path: str, method: str = "GET", status: int = 200
) -> Any:
    """Return what a route answers, which is what the document says of it."""
    document = client.get(addresses.OPENAPI).json()
    answer = client.request(method, path, headers=JSON)
    assert answer.status_code == status
    described = document["paths"][re.sub(r"/\d+(?=[./]|$)", "/{job_id}", urlsplit(path).path)]
    content = described[method.lower()]["responses"][str(status)]["content"]
    schema = content["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(answer.json())
    return answer.json()


def follow(client: TestClient | httpx2.Client, path: str) -> Iterator[dict[str, Any]]:
    """Yield the pages of a list from the first on."""
    following = path
    for _ in range(MOST_PAGES):
        page = checked(client, following)
        yield page
        if not (following := page["next"]):
            return
    pytest.fail(f"the pages do not end: {following}")


def ids(page: dict[str, Any]) -> list[int]:
    """Return the jobs of a page."""
    return [job["id"] for job in page["jobs"]]


def test_the_document_describes_the_routes_alone(client: TestClient) -> None:
    """Each route for programs with its method; those that lead a browser elsewhere are none."""
    served = {
        (re.sub(r":id\}", "}", route.path), method.lower())
        for route in job_routes(get_services()).routes()
        if isinstance(route, Route) and route.endpoint not in {browse, queue_job, report}
        for method in (route.methods or set()) & {"GET", "POST"}
    }
    writing = {path for path, method in served if method == "post"}
    served -= {(path, "get") for path in writing}
    document = client.get(addresses.OPENAPI).json()
    described = {(path, method) for path, one in document["paths"].items() for method in one}
    assert described == served


def test_the_document_promises_a_cookie_only_where_clients_send_it(client: TestClient) -> None:
    """The session's cookie is for the addresses below the app's."""
    document = client.get(addresses.OPENAPI).json()
    for path, one in document["paths"].items():
        for operation in one.values():
            schemes = [
                name for each in operation.get("security", document["security"]) for name in each
            ]
            assert ("session" in schemes) == path.startswith(f"{addresses.BASE}/"), path


def test_pages_by_key_have_each_job_once(client: TestClient, store: Store) -> None:
    """While jobs are created, finished and deleted; the order is that of the numbers."""
    known = [store.job(HOSTILE, status_id=185 if n % 3 else 183) for n in range(8)]
    pages = follow(client, f"{addresses.LIST_JSON}?limit=3")
    first = next(pages)
    assert first["jobs"][0]["name"] == HOSTILE
    assert ids(first) == known[:4:-1]
    store.job("new")
    remove(store, [known[5], known[4]])  # the next page begins below the first of these
    assert [ids(page) for page in pages] == [[known[3], known[2], known[1]], [known[0]]]
    failed = [ids(page) for page in follow(client, f"{addresses.LIST_JSON}?limit=2&status=failed")]
    assert failed == [[known[7], known[2]], [known[1]]]


def test_pages_of_a_search_have_each_job_once(client: TestClient, store: Store) -> None:
    """Its filter is the list's; counts are there once it has covered all jobs."""
    known = [store.job("wanted" if n % 2 else "other", output="x") for n in range(9)]
    pages = list(follow(client, f"{addresses.LIST_JSON}?limit=3&q=wanted"))
    assert [ids(page) for page in pages] == [known[7:1:-2], known[1:0:-2]]
    assert pages[0]["counts"]["total"] == 4
    names = list(follow(client, f"{addresses.LIST_JSON}?limit=5&sort=name&dir=desc"))
    assert [[job["name"] for job in page["jobs"]] for page in names] == [
        ["wanted"] * 4 + ["other"],
        ["other"] * 4,
    ]


def test_a_job_and_the_growing_output_of_it(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ranges end between characters, and together are the output; nothing is there past its end."""
    monkeypatch.setattr(output_parts, "RANGE_BYTES", 10)
    text = "Row 1 \u00e4\u20ac\U0001f5c4 done\n" * 3
    job_id = store.job(HOSTILE, status_id=183, output=text)
    assert checked(client, f"/admin/jobs/{job_id}.json")["output_bytes"] == len(text.encode())
    read, offset = "", 0
    while part := checked(client, f"/admin/jobs/{job_id}/output?offset={offset}"):
        if not part["text"]:
            break
        assert part["offset"] == offset
        read, offset = read + part["text"], part["next_offset"]
    assert (read, offset, part["state"]) == (text, len(text.encode()), "active")
    store.set_job(job_id, output="anew", status_id=184)
    part = checked(client, f"/admin/jobs/{job_id}/output?offset={offset}")
    assert (part["text"], part["next_offset"], part["state"]) == ("", 4, "completed")
    assert client.get(f"/admin/jobs/{job_id}/output").text == "anew"
    for path in (f"/admin/jobs/{job_id + 1}.json", f"/admin/jobs/{job_id + 1}/output?offset=0"):
        checked(client, path, status=404)


def test_each_value_that_the_document_names_means_something() -> None:
    """To the screens' own parsers, by which the API reads a query."""
    for query, parse in ((queries.LIST, parse_view), (queries.QUEUES, parse_queue_view)):
        for name, schema in query.items():
            each = schema.get("items", schema)
            named = [*each.get("enum", ()), *each.get("examples", ())]
            for value in named or ["90s" if name == "longer" else "7"]:
                queries.check(QueryParams({name: value}), query)
                is_usual = value == schema.get("default") or (name, value) == ("dir", "desc")
                assert (parse({name: value}) == parse({})) == is_usual, (name, value)


def test_a_parameter_that_makes_no_sense_is_refused(client: TestClient, store: Store) -> None:
    """A typing error in a filter must not mean all jobs. What only a screen has is ignored."""
    store.job()
    for path in (
        *(f"{addresses.LIST_JSON}?{each}" for each in WRONG_FILTERS),
        f"{addresses.STATISTICS_JSON}?period=31",
        *(f"{addresses.QUEUES_JSON}?{each}" for each in WRONG_QUEUES),
        *(f"/admin/jobs/1/output?offset={each}" for each in ("", "-1", "1&offset=2")),
        "/admin/jobs/1/output?ofset=1",
    ):
        assert checked(client, path, status=400)["message"]
    screen = f"{addresses.LIST_JSON}?status=active&fold=on&after=7&before=8&auto=true&notice=x"
    assert checked(client, screen)["jobs"] == []
    assert len(checked(client, f"{addresses.LIST_JSON}?created=..9999-12-31")["jobs"]) == 1
    assert len(checked(client, f"{addresses.LIST_JSON}?sort=name&page={MAX_PAGE}")["jobs"]) == 0


@pytest.mark.parametrize("text", ["x" * 300, "\0a\0", "\t", " two  spaces ", " "])
def test_an_address_that_a_list_writes_makes_sense(text: str) -> None:
    """A text that was typed or linked is cut, dropped or kept there, as the screen means it."""
    view = parse_view(dict.fromkeys(("q", "name", "type"), text))
    queries.check(QueryParams(urlsplit(addresses.list_json_url(view)).query), queries.LIST)
    queue_view = parse_queue_view(dict.fromkeys(("queue", "type", "worker", "search"), text))
    queries.check(QueryParams(urlsplit(addresses.queues_json_url(queue_view)).query), queries.QUEUES)


def test_each_route_refuses_an_unknown_parameter(client: TestClient, store: Store) -> None:
    """Also with a session's cookie in place of a token; a deletion deletes nothing then."""
    job_id = store.job(status_id=184)
    for path, one in client.get(addresses.OPENAPI).json()["paths"].items():
        [(method, operation)] = one.items()
        address = path.format(job_id=job_id, receipt_id="x")
        answer = client.request(method, f"{address}?statsu=failed", headers=JSON)
        assert (path, answer.status_code, list(answer.json())) == (path, 400, ["message"])
        assert "400" in operation["responses"]
    assert store.ids() == [job_id]


def test_a_program_exports_what_it_asks_for(client: TestClient) -> None:
    """A browser's address falls back to all jobs, as the list does."""
    path, token = "/admin/jobs/export-csv?status=faild", {"Authorization": "Bearer hj_1"}
    assert client.get(path).status_code == 200
    assert client.get(path, headers=token).json()["message"]
    assert client.get(f"{path[:-5]}failed", headers=token).status_code == 200


def test_statistics_and_queues(client: TestClient, store: Store) -> None:
    """They have the figures of the screens."""
    store.execution(store.job("import", status_id=185), error_message="No space left")
    store.job("import", status_id=184)
    figures = checked(client, f"{addresses.STATISTICS_JSON}?period=all")
    assert (figures["total"], figures["failed"], figures["completed_share"]) == (2, 1, 0.5)
    assert [(each["name"], each["runs"]) for each in figures["by_name"]] == [("import", 2)]
    assert len(figures["top_errors"]) == 1
    queued(store, queue="imports")
    queues = checked(client, addresses.QUEUES_JSON)
    assert [(each["queue"], each["waiting"]) for each in queues["queues"]] == [("imports", 1)]
    assert [job["queue"] for job in queues["jobs"]] == ["imports"]
    assert checked(client, f"{addresses.QUEUES_JSON}?status=failed")["jobs"] == []
    past = checked(client, f"{addresses.QUEUES_JSON}?page={MAX_PAGE}&limit=50")
    assert (past["jobs"], past["total"], past["next"]) == ([], 1, None)


def test_what_the_demo_has_is_as_described(demo_site: DemoSite) -> None:
    """All that jobs of Heratio and AtoM write, from the running server."""
    fields = {"identifier": demo.DEMO_ADMINISTRATOR, "password": demo.DEMO_PASSWORD}
    signed_in = httpx2.post(f"{demo_site.origin}{addresses.SIGN_IN}", data=fields)
    # By hand: no client sends it to the address of the list.
    cookie = {"Cookie": signed_in.headers["set-cookie"].split(";")[0]}
    with httpx2.Client(base_url=demo_site.origin, headers=cookie, timeout=20) as client:
        pages = islice(follow(client, f"{addresses.LIST_JSON}?limit=200"), 5)
        found = [job_id for page in pages for job_id in ids(page)]
        assert found == sorted(set(found), reverse=True)
        for job_id in found[::40]:
            checked(client, f"/admin/jobs/{job_id}.json")
            checked(client, f"/admin/jobs/{job_id}/output?offset=0")
        assert checked(client, f"{addresses.STATISTICS_JSON}?period=all")["top_errors"]
        assert checked(client, addresses.QUEUES_JSON)["jobs"]
        assert checked(client, f"{addresses.LIST_JSON}?q=error:file&sort=duration")["jobs"]


def test_atom_lacks_tables_and_has_an_api(
    atom_store: Store, settings_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it cannot know is null, and its queues are none; a job may lack everything."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", atom_store.url)
    monkeypatch.setenv("HERATIO_JOBS_STATE_DIR", str(atom_store.state_dir))
    job_id = atom_store.job(None, None)
    with TestClient(Starlette(routes=job_routes(get_services()).routes())) as client:
        [job] = checked(client, addresses.LIST_JSON)["jobs"]
        assert (job["name"], job["state"], job["started"]) == ("[Unknown]", "active", None)
        assert checked(client, f"/admin/jobs/{job_id}.json")["type"] is None
        assert checked(client, f"/admin/jobs/{job_id}/output?offset=0")["size"] == 0
        assert checked(client, f"{addresses.STATISTICS_JSON}?period=all")["active"] == 1
        assert checked(client, addresses.QUEUES_JSON)["queues"] == []


def test_an_answer_that_is_known_is_not_sent_again(client: TestClient, store: Store) -> None:
    """Until it changes; also if a proxy has made the tag weak."""
    job_id = store.job(status_id=183, output="one")
    paths = [addresses.LIST_JSON, addresses.OPENAPI, addresses.STATISTICS_JSON, addresses.QUEUES_JSON]
    for path in (*paths, f"/admin/jobs/{job_id}.json", f"/admin/jobs/{job_id}/output?offset=0"):
        answer = client.get(path)
        assert answer.headers["cache-control"] == "no-store"  # of a browser, after the sign-out
        tag = answer.headers["etag"]
        for known in (tag, f'"other", W/{tag}'):
            again = client.get(path, headers={"If-None-Match": known})
            assert (path, again.status_code, again.content) == (path, 304, b"")
    store.set_job(job_id, output="one two")
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_deletions_answer_as_described(client: TestClient, store: Store) -> None:
    """Finished jobs are deleted; an active one is refused."""
    finished, active = store.job(status_id=184), store.job(status_id=183)
    assert checked(client, f"/admin/jobs/delete/{finished}", "POST")["removed"] == 1
    checked(client, f"/admin/jobs/delete/{active}", "POST", 409)
    checked(client, f"/admin/jobs/delete/{finished}", "POST", 404)
    assert checked(client, "/admin/jobs/clear-inactive", "POST")["removed"] == 0
    assert store.ids() == [active]
