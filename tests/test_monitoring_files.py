"""The dashboard and the alert rules in `deploy` ask for figures that the app has."""

import json
import re
import subprocess

import pytest

from jobs_data.monitoring.metrics import Metrics
from jobs_data.platform.status import Alive, State
from pages.parts.shared.services import get_services
from tests.support.app_servers import ROOT
from tests.support.programs import require_program
from tests.support.store import Store
from tests.support.waiting import eventually

RULES = ROOT / "deploy" / "alerts.yml"
RULE_TESTS = ROOT / "tests" / "data" / "alerts.test.yml"
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "gauge": [""]}


def expressions() -> list[str]:
    """Return each query of the two files."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    return queries + re.findall(r"^ *expr: (.+)$", RULES.read_text("utf-8"), re.MULTILINE)


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\b(?:heratio_jobs|process)_\w+", text))


@pytest.mark.parametrize("kind", ["sqlite"])
def test_every_figure_and_label_that_they_name_is_there(served: Store) -> None:
    """And docs/monitoring.md names each of the app's own, and no other."""
    served.job()
    services = get_services()
    metrics = Metrics(services.database, lambda: 0)
    services.outcomes.keep_reading()
    eventually(lambda: services.outcomes.coverage.is_done, "all outputs are read")
    services.outcomes.close()
    accept = "application/openmetrics-text; version=1.0.0"

    def offered() -> set[str]:
        families = re.findall(
            r"^# TYPE (\S+) (\S+)$", metrics.render(services, accept)[0].decode(), re.MULTILINE
        )
        return {name + suffix for name, kind in families for suffix in SUFFIXES[kind]}

    eventually(lambda: "heratio_jobs_jobs" in offered(), "everything is read")
    queries = " ".join(expressions())
    assert names_in(queries)
    assert names_in(queries) <= offered()
    assert set(re.findall(r'alive="([^"]*)"', queries)) <= set(Alive)
    assert set(re.findall(r'state="([^"]*)"', queries)) <= set(State)
    document = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    own = {re.sub("_(bucket|count|sum)$", "", name) for name in offered() if "heratio" in name}
    assert set(re.findall(r"`(heratio_jobs_\w+)`", document)) == own


def test_each_alert_fires_once_its_fault_has_lasted_and_not_before() -> None:
    """In Prometheus itself; `check` finds nothing to say."""
    promtool = require_program("promtool", "prometheus")
    names = re.findall(r"alert: (\w+)", RULES.read_text("utf-8"))
    assert set(names) == set(re.findall(r'alertname="(\w+)"', RULE_TESTS.read_text("utf-8")))
    for command in (["check", "rules", str(RULES)], ["test", "rules", str(RULE_TESTS)]):
        ran = subprocess.run([promtool, *command], check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
