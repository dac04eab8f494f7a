"""The page of a job name, run as Streamlit runs it but without a browser."""

import json
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data import addresses
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform.errors import TookTooLong
from pages.parts.shared.services import get_services
from tests.support.pages import component, fire, press, show, table, words
from tests.support.store import NOON, Store

pytestmark = pytest.mark.usefixtures("served", "viewer")
HOSTILE = "[a](b) <b>&=é+\n🍣 "


def links(app: AppTest) -> dict[str, str]:
    """Return where the page's links lead, by their labels."""
    return {
        link.proto.label: f"{link.proto.page}?{link.proto.query_string}"
        for link in app.get("page_link")
    }


def chart(app: AppTest) -> dict[str, Any]:
    """Return the specification of the chart."""
    spec: dict[str, Any] = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    return spec


def fill(store: Store) -> list[int]:
    """Insert three good runs, one that failed and two that completed with errors, and one that runs."""
    good = [
        store.job(HOSTILE, completed_at=NOON + timedelta(seconds=seconds)) for seconds in (20, 30, 40)
    ]
    failed = store.job(HOSTILE, 185, output="Disk *full*")
    with_errors = [store.job(HOSTILE, output=f"ERROR: Row {n}: no *date*\n") for n in (4, 5)]
    get_services().database.job_sets[WITH_ERRORS] = lambda: with_errors
    return [*good, failed, *with_errors, store.job(HOSTILE, 183)]


def test_the_answers_come_first(store: Store) -> None:
    """A sentence, the jobs it speaks of, a mark for each job, figures, durations and errors."""
    ids = fill(store)
    for other in ("[a](b) <b>&=é+\n🍣", HOSTILE.upper()):
        store.job(other, 185)
    app = show("job_name.py", name=HOSTILE, job=str(ids[1]), list="status=failed")
    [box] = app.warning
    assert box.value == (
        "The last 3 of this name failed or completed with errors, the newest 2 alike; "
        f"the last good one was [#{ids[2]}]({addresses.report_url(ids[2], {'name': HOSTILE})})."
    )
    shown = links(app)
    assert shown.pop(f"Last good: #{ids[2]}").endswith(f"&id={ids[2]}")
    assert shown.pop(f"First bad: #{ids[3]}").endswith(f"&id={ids[3]}")
    assert shown == {f"Job {ids[1]}": f"job?status=failed&id={ids[1]}"}
    marks = component(app, "marks")["marks"]
    assert "".join(mark["sign"] for mark in marks) == "✔✔✔✖▲▲●"
    assert [mark["id"] for mark in marks if mark["is_marked"]] == [ids[1]]
    assert "✔ completed · ▲ completed with errors · ✖ failed · ● active" in words(app)
    assert "**83 %** of 6 runs completed · **2** with errors · median **10 s**" in words(app)
    assert [layer["transform"] for layer in chart(app)["layer"] if "transform" in layer] == [
        [{"filter": f"datum.job == '#{ids[1]}'"}]
    ] * 2
    assert [row["pattern"] for row in table(app, "Usual errors")] == [
        f"Row <number>: no *date* / Newest: job {ids[5]}",
        f"Disk *full* / Newest: job {ids[3]}",
    ]


def test_each_part_leads_to_its_jobs(store: Store) -> None:
    """A mark and an error to the job, the button to the list of exactly this name."""
    ids = fill(store)
    for event in (("opened", ids[3], "marks"), ("opened", str(ids[5]), "rows-usual-errors")):
        app = show("job_name.py", name=HOSTILE)
        fire(app, *event)
        assert app.query_params["id"] in (str(event[1]), [str(event[1])])
    app = show("job_name.py", name=HOSTILE)
    press(app, "List of its jobs")
    assert app.query_params["name"] in (HOSTILE, [HOSTILE])
    assert len(component(app)["rows"]) == len(ids)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "This address names no job name."),
        ({"name": "  "}, "This address names no job name."),
        ({"name": "export "}, "There is no job of exactly this name."),
        ({"name": "export", "job": "x"}, "The last job of this name completed."),
        ({"name": "export", "job": "99"}, "Job 99 is not among these runs."),
        ({"name": "export"}, "Too few runs to tell a usual duration."),
        ({"name": "export"}, "No job of the newest 20 failed or is known"),
        ({"name": "running"}, "No job of this name has finished yet."),
        ({"name": "running"}, "No duration of a job of this name is known."),
        ({"name": "[Unknown]"}, "The last job of this name failed; none has ended well."),
    ],
)
def test_what_is_not_there_is_said(store: Store, query: dict[str, str], sentence: str) -> None:
    """Without a name, without jobs, and with too few of them."""
    store.job("export")
    store.job("running", 183)
    store.job(None, 185)
    assert sentence in words(show("job_name.py", **query))


def test_what_takes_too_long_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rare name among many jobs; the list still has them."""

    def too_long(*_: object) -> None:
        raise TookTooLong("That took too long.")

    monkeypatch.setattr("jobs_data.statistics.name_history.read_name_history", too_long)
    app = show("job_name.py", name="export")
    assert [box.value for box in app.warning] == [
        "Finding the newest jobs of this name takes too long. The list has all of them."
    ]
    press(app, "List of its jobs")
    assert app.query_params["name"] in ("export", ["export"])
