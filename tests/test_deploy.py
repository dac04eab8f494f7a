"""What an administrator installs with: the unit, the image and the locked requirements."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from jobs_data import addresses
from tests.support.app_servers import ROOT
from tests.support.programs import require_program

UNIT = ROOT / "deploy" / "heratio-jobs.service"
LOCKED = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?P<hashes>( \\\n +--hash=sha256:\w{64})+)$", re.M
)


def required(path: Path) -> list[Requirement]:
    """Return what a file of requirements asks for."""
    return [Requirement(line) for line in path.read_text("utf-8").splitlines()]


def locked() -> dict[str, str]:
    """Return the version of each package in the lock."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    found = [*LOCKED.finditer(text)]
    assert (
        "\n".join(match.group() for match in found) == text.strip()
    )  # nothing else: no address either
    return {match["name"]: match["version"] for match in found}


@pytest.mark.parametrize("requirement", required(ROOT / "requirements.txt"), ids=str)
def test_the_lock_has_what_the_app_requires(requirement: Requirement) -> None:
    """`make lock` writes it."""
    version = locked().get(requirement.name.lower())
    assert version
    assert requirement.specifier.contains(version)


def test_the_unit_is_as_hard_as_the_document_says() -> None:
    """By the rating of systemd itself, without a warning."""
    analyze = require_program("systemd-analyze", "systemd")
    rated = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", UNIT],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    pattern = r"Overall exposure level for heratio-jobs.service: (\S+) "
    [exposure] = map(float, re.findall(pattern, rated))
    install = (ROOT / "docs" / "install.md").read_text("utf-8")
    [documented] = map(float, re.findall(r"rates its exposure (\S+) of 10", install))
    assert exposure == pytest.approx(documented, abs=0.15)  # versions of systemd differ a little


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Every setting is known, and each value is one that it takes."""
    analyze = require_program("systemd-analyze", "systemd")
    copy = tmp_path / UNIT.name
    copy.write_text(
        UNIT.read_text("utf-8").replace("/opt/heratio-jobs/.venv/bin/python", sys.executable), "utf-8"
    )
    verified = subprocess.run(
        [analyze, "verify", "--man=no", copy], check=False, capture_output=True, text=True
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_a_start_that_fails_is_not_tried_for_ever() -> None:
    """The limit is reached, even if each start takes as long again as systemd waits before it."""
    unit = dict(line.split("=", 1) for line in UNIT.read_text("utf-8").splitlines() if "=" in line)
    minutes = int(unit["StartLimitIntervalSec"].removesuffix("min"))
    assert int(unit["StartLimitBurst"]) * 2 * int(unit["RestartSec"]) < minutes * 60


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile, with their arguments."""
    text = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]


def test_the_image_has_all_that_the_app_needs_and_nothing_else() -> None:
    """All that app.py imports, the packages of the lock, and no test."""
    copied = [
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in shlex.split(rest)[:-1]
    ]
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert set(copied) == {"requirements.lock", "app.py", "LICENSE", ".streamlit", *folders}
    assert all((ROOT / source).exists() for source in copied)
    [install] = [rest for word, rest in instructions() if word == "RUN" and " pip install " in rest]
    assert "--require-hashes" in install


def test_the_image_runs_the_app_as_the_unit_does_without_rights() -> None:
    final = instructions()[[word for word, _ in instructions()].index("FROM", 1) :]
    by_word = dict(final)
    unit = dict(line.split("=", 1) for line in UNIT.read_text("utf-8").splitlines() if "=" in line)
    command = " ".join(re.findall(r'"([^"]+)"', by_word["CMD"]))
    assert f"{by_word['WORKDIR']}/{command}" == unit["ExecStart"]
    assert by_word["USER"].isdigit()
    assert int(by_word["USER"]) > 0
    assert by_word["VOLUME"] == f"/var/lib/{unit['StateDirectory']}"
    assert f"'http://127.0.0.1:8501{addresses.HEALTH_LIVE}'" in by_word["HEALTHCHECK"]
