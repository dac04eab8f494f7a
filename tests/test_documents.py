"""The documents name everything that there is, and point to nothing that there is not."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from starlette.routing import Route

from jobs_data import __version__, addresses
from jobs_data.accounts.account_services import build_account_services
from jobs_data.services import build_services
from jobs_data.settings import DEMO_URL, PREFIX, Settings
from tests.support.gated import job_routes
from web.gate import WRITE_PATHS, AccessSettings, AccountCache
from web.health import Health
from web.metrics import MetricsRoute
from web.oidc import Oidc, Provider
from web.sessions import Sessions
from web.sign_in import SignIn

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
REQUIREMENTS = [ROOT / folder / "requirements.txt" for folder in (".", "tests", "deploy")]
SETTINGS = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]


def read(path: str) -> str:
    """Return a document's text."""
    return (ROOT / path).read_text("utf-8")


def section(document: str, heading: str) -> str:
    """Return what stands below a heading of the second level, empty where there is none."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", document, re.DOTALL | re.MULTILINE
    )
    return found.group(1) if found else ""


def offered_routes() -> Iterator[str]:
    """Yield each route as the documents spell it, such as `POST /admin/jobs/delete/{id}`."""
    services = build_services(build_account_services(Settings()))
    accounts = AccountCache(services.rights, 28)
    access = AccessSettings(services.rights.groups, "", ())
    sign_in = SignIn(services.sign_ins, Sessions("key"), accounts, access, services.audit)
    oidc = Oidc(Provider("https://id.example.org", "", ""), sign_in, lambda _: None, "key")
    own = [*Health(str).routes(), *MetricsRoute(None, asyncio.Future).routes()]
    for route in [*job_routes(services).routes(), *own, *sign_in.routes(), *oidc.routes()]:
        assert isinstance(route, Route)
        path = re.sub(r"\{(job|receipt)_id(:id)?\}", "{id}", route.path)
        assert route.methods is not None
        methods = route.methods & {"GET", "POST"}
        if path.startswith((addresses.SIGN_OUT, *WRITE_PATHS)):
            methods -= {"GET"}  # answered with 405
        assert methods
        yield from (f"{method} {path}" for method in sorted(methods))


def required_packages() -> Iterator[str]:
    """Yield the name of each package that the app or its tests require."""
    for path in REQUIREMENTS:
        for line in path.read_text("utf-8").splitlines():
            if name := re.match(r"[A-Za-z0-9][\w.-]*", line):
                yield name.group()


def relative_links() -> Iterator[tuple[Path, str]]:
    """Yield each document with each of its links and pictures that leads to no other site."""
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
            if not re.match(r"[a-z]+:", link):
                yield document, link


def anchors(document: Path) -> set[str]:
    """Return what one can put behind `#` in a link to a document."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ["configuration", "connecting", "install", "operate", "troubleshoot"])
def test_a_document_for_administrators_is_short(name: str) -> None:
    """At most 100 lines, and none that was only made long to stay below that."""
    lines = read(f"docs/{name}.md").splitlines()
    assert len(lines) <= 100
    assert not [line for line in lines if len(line) > 140 and not line.startswith("|")]


def documented_settings() -> list[tuple[str, str, str]]:
    """Return each row about a setting in docs/configuration.md: its field, default and meaning."""
    rows = re.findall(
        rf"^\| `{PREFIX}(\w+)` \| ([^|]+) \| (.+) \|$", read("docs/configuration.md"), re.MULTILINE
    )
    return [(name.lower(), default, meaning) for name, default, meaning in rows]


def setting_examples() -> list[tuple[str, str]]:
    """Return each example of a setting's value in the documents and in the file that they install."""
    examples = {
        (field, value)
        for field, _, meaning in documented_settings()
        for value in re.findall(r"such as `([^`]+)`", meaning)
    }
    for path in [*DOCUMENTS, ROOT / "deploy" / "heratio-jobs.env"]:
        lines = re.findall(rf"^ *#?{PREFIX}(\w+)=(\S+)", path.read_text("utf-8"), re.MULTILINE)
        examples |= {(name.lower(), value) for name, value in lines}
    return sorted(examples)


def test_every_setting_is_documented_once() -> None:
    """In a table, which has no other."""
    assert sorted(field for field, _, _ in documented_settings()) == sorted(Settings.model_fields)


@pytest.mark.parametrize(
    ("field", "documented"), [(field, default) for field, default, _ in documented_settings()]
)
def test_a_documented_default_is_the_codes(field: str, documented: str) -> None:
    """A default that is a value of its own is quoted; of all others the document says it in words."""
    default = Settings.model_fields[field].get_default()
    if isinstance(default, tuple):
        default = ",".join(default)
    is_said = default in {None, "", SecretStr(""), DEMO_URL, PydanticUndefined}
    quoted = [] if is_said else [str(default).lower() if isinstance(default, bool) else str(default)]
    assert re.findall(r"^`([^`]+)`$", documented) == quoted


@pytest.mark.parametrize(("field", "example"), setting_examples())
def test_an_example_of_a_setting_starts_the_app(field: str, example: str, tmp_path: Path) -> None:
    """Folders of an example are made below another one."""
    if example.startswith("/"):
        example = f"{tmp_path}{example}"
        Path(example if field == "results_root" else Path(example).parent).mkdir(parents=True)
    others = {
        "database_url": "mysql://jobs:password@localhost/atom",
        "oidc_client_id": "heratio-jobs",
        "oidc_client_secret": "word",
    }
    Settings.model_validate({**others, field: example})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_speaks_of_a_setting_that_is_not(document: Path) -> None:
    """A setting that was renamed or dropped is nowhere named any more."""
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", document.read_text("utf-8"))) <= set(SETTINGS)


@pytest.mark.parametrize("route", [*offered_routes()])
def test_every_route_is_documented(route: str) -> None:
    """A route is in the table, with its method."""
    assert f"| `{route}` |" in read("docs/routes.md")


def test_no_route_is_documented_that_is_not() -> None:
    """A route that was renamed or dropped is no longer in the table."""
    documented = re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", read("docs/routes.md"), re.MULTILINE)
    assert sorted(documented) == sorted(offered_routes())


def checked_requirements() -> list[tuple[str, str]]:
    """Return the number of each requirement in docs/security.md, and how it is met."""
    return re.findall(
        r"^\| (\d+\.\d+\.\d+) \| [^|]+ \| (.+) \|$", read("docs/security.md"), re.MULTILINE
    )


def test_the_security_checklist_is_whole() -> None:
    """Level 1 of OWASP ASVS 5.0.0 has 70 requirements, and each has an answer that names tests."""
    answers = dict(checked_requirements())
    assert len(answers) == 70
    for number, answer in answers.items():
        assert re.search(
            r"`tests/|not applicable|\*\*Gap|\]\(|no program|no test|platform's site", answer
        ), number


@pytest.mark.parametrize(
    "named", sorted(set(re.findall(r"`(tests/\S+::\w+)`", read("docs/security.md"))))
)
def test_the_security_checklist_names_tests_that_are(named: str) -> None:
    path, _, test = named.partition("::")
    assert re.search(rf"^(async )?def {test}\(", read(path), re.MULTILINE)


def test_the_changelog_begins_with_this_version() -> None:
    newest = re.search(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)
    assert newest
    assert re.fullmatch(rf"{re.escape(__version__)} – \d{{4}}-\d\d-\d\d", newest.group(1))


@pytest.mark.parametrize("package", [*required_packages()])
def test_every_requirement_is_documented(package: str) -> None:
    """A package is in the table of dependencies, under the name that pip knows."""
    assert f"| `{package}` |" in read("docs/dependencies.md")


@pytest.mark.parametrize(
    ("document", "link"),
    [*relative_links()],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_every_link_leads_somewhere(document: Path, link: str) -> None:
    """A relative link points to a file that exists, and to a heading that it has."""
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    assert target.exists()
    assert not anchor or anchor in anchors(target)


def test_the_rights_stand_in_one_document() -> None:
    """No other document grants rights than docs/connecting.md, which the removals are tested with."""
    granting = [path.name for path in DOCUMENTS if re.search(r"GRANT [^;]+;", path.read_text("utf-8"))]
    assert granting == ["connecting.md"]
