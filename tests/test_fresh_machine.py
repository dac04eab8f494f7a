"""The app installed by docs/install.md alone, on a file system of its own, and run as its unit says.

`make fresh` does all of it, with an upgrade, its rollback and the upgrade again. Otherwise Python's
packages are those that the tests run with, because to fetch them takes minutes.
"""

import os
import re
import secrets
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from jobs_data import __version__, addresses, demo
from jobs_data.platform import tables
from jobs_data.platform.engine import make_engine
from tests.support.app_servers import DEMO_SIGN_IN, ROOT, own_environment, stop
from tests.support.mariadb import MariaDB, free_port
from tests.support.open_pages import opened
from tests.support.programs import require_program, skip_or_fail
from tests.support.store import documented_grants
from tests.support.waiting import eventually

INSTALL, OPERATE = ROOT / "docs" / "install.md", ROOT / "docs" / "operate.md"
NEXT_HEADING = "\n## "
IS_WHOLE = os.environ.get("FRESH") == "whole"
START_SECONDS = 900 if IS_WHOLE else 180
PACKAGES = ".venv/bin/python -m pip install "
PYTHON, SITE = "/usr/local/fresh-python", "/usr/local/fresh/site-packages"

# What the documented commands find on this machine instead of a Debian with systemd and an
# administrator. It begins with the file system: what is written to it goes with the namespace.
MACHINE = """
set -eu
fresh={folder}
for folder in etc var/lib var/log usr/local; do
    upper=$fresh/upper/$folder work=$fresh/work/$folder
    mkdir -p $upper $work
    mount -t overlay -o lowerdir=/$folder,upperdir=$upper,workdir=$work fresh /$folder
done
mount -t tmpfs -o mode=755 fresh /opt
mkdir -p /usr/local/bin {python} {site} /etc/systemd/system
mount --bind {base} {python}
mount --bind {packages} {site}
program() {{ cat > /usr/local/bin/$1; chmod 755 /usr/local/bin/$1; }}
echo 'exit 0' | program apt-get
echo 'exec {python}/bin/python3 "$@"' | program python3
program editor <<'END'
while read -r line; do sed -i "s|^${{line%%=*}}=.*||" "$1"; echo "$line" >> "$1"; done < {folder}/values
END
echo 'echo "$@" >> {folder}/systemctl' | program systemctl
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd {folder}
set -x
{commands}
grep -qx 'enable --now heratio-jobs' {folder}/systemctl
exec {python}/bin/python3 {folder}/like_systemd.py /etc/systemd/system/heratio-jobs.service
"""


@dataclass(frozen=True)
class Installed:
    """The app that runs as a service, its process, and the file system that it sees."""

    origin: str
    pid: int
    files: Path
    finished_id: int
    """A job that may be deleted."""


def documented_commands(folder: Path) -> str:
    """Return what an administrator types, in order; the whole of it ends with upgrades."""
    install = shell_blocks(INSTALL.read_text("utf-8"))
    if IS_WHOLE:
        sections = operate_sections()
        [upgrade] = [shell_blocks(text) for text in sections if text.startswith("Upgrade\n")]
        [rollback] = [shell_blocks(text) for text in sections if text.startswith("Rollback\n")]
        upgrade = f"cd {folder}\n{upgrade}"
        return f"{install}{upgrade}{rollback}{upgrade}"
    [pip] = [line for line in install.splitlines() if line.startswith(PACKAGES)]
    site = """$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"""
    return install.replace(pip, f'echo {SITE} > "{site}/tests.pth"')


def operate_sections() -> list[str]:
    """Return the document about operating, divided at its headings."""
    return OPERATE.read_text("utf-8").split(NEXT_HEADING)


def shell_blocks(document: str) -> str:
    """Return the commands of a document, in order."""
    return "".join(re.findall(r"^```sh\n(.*?)^```", document, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def installed(mariadb_server: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Install and start it, on a MariaDB where it has the documented rights."""
    unshare = [require_program("unshare", "util-linux"), "--mount"]
    if os.geteuid() or subprocess.run([*unshare, "true"], check=False).returncode:
        skip_or_fail("Only root can make a file system of its own.")
    folder = tmp_path_factory.mktemp("fresh")
    name, password = f"test_{secrets.token_hex(8)}", secrets.token_hex(8)
    mariadb_server.create_database(name)
    engine = make_engine(mariadb_server.url(name))
    demo.create(engine, jobs=60, seed=3)
    with engine.connect() as connection:
        finished = select(func.max(tables.job.c.id)).where(tables.job.c.status_id == 184)
        finished_id = connection.scalar(finished) or 0
    with mariadb_server.cursor() as cursor:
        account = f"'{name[:20]}'@'%'"
        cursor.execute(f"CREATE USER {account} IDENTIFIED BY '{password}'")
        for statement in documented_grants(name, account):
            cursor.execute(statement)
    url = engine.url.set(username=name[:20], password=password)
    port = free_port()
    values = {
        "HERATIO_JOBS_DATABASE_URL": url.render_as_string(hide_password=False),
        "HERATIO_JOBS_RESULTS_ROOT": "/usr/share",
        "HERATIO_JOBS_SITE_URL": "https://archives.example.org",
        "HERATIO_JOBS_AUDIT_LOG": "/var/log/heratio-jobs/audit.log",
        "STREAMLIT_SERVER_PORT": str(port),
        # Python's own library, where root's folder had it.
        "LD_LIBRARY_PATH": f"{PYTHON}/lib",
    }
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    (folder / "values").write_text(lines, "utf-8")
    files = subprocess.run(
        [require_program("git", "git"), "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    release = [
        require_program("tar", "tar"),
        "--create",
        "--gzip",
        "--null",
        "--files-from=-",
        "--file",
    ]
    subprocess.run([*release, folder / "heratio-jobs.tar.gz"], cwd=ROOT, check=True, input=files)
    helper = ROOT / "tests" / "support" / "like_systemd.py"
    (folder / helper.name).write_bytes(helper.read_bytes())
    script = MACHINE.format(
        folder=folder,
        python=PYTHON,
        site=SITE,
        base=sys.base_prefix,
        packages=sysconfig.get_path("purelib"),
        commands=documented_commands(folder),
    )
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*unshare, "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    origin = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        if process.poll() is not None:
            pytest.fail(
                f"It did not start:\n{log.read_text('utf-8', 'replace')[-4000:]}", pytrace=False
            )
        try:
            return httpx2.get(f"{origin}{addresses.LIVENESS}").text == "ok"
        except httpx2.TransportError:
            return False

    try:
        eventually(answers, "an answer", START_SECONDS)
        files_seen = Path(f"/proc/{process.pid}/root")
        yield Installed(origin, process.pid, files_seen, finished_id)
    finally:
        stop(process)
        engine.dispose()
        mariadb_server.drop_database(name)


@pytest.mark.parametrize(
    ("section", "found", "left"),
    [
        ("Upgrade", {"": "2", ".new": "3", ".old": "1"}, {"": "3", ".old": "2"}),
        ("Rollback", {"": "2", ".old": "1", ".failed": "0"}, {"": "1", ".failed": "2"}),
    ],
)
def test_a_block_that_is_typed_twice_leaves_what_it_made(
    section: str, found: dict[str, str], left: dict[str, str], tmp_path: Path
) -> None:
    """The second time there is nothing to put in the place of the version that runs."""
    [text] = [text for text in operate_sections() if text.startswith(f"{section}\n")]
    [move] = [line for line in shell_blocks(text).splitlines() if "mv " in line]
    for suffix, version in found.items():
        folder = tmp_path / f"heratio-jobs{suffix}"
        folder.mkdir()
        (folder / "version").write_text(version, "utf-8")
    for _ in range(2):
        subprocess.run(["/bin/sh", "-c", move], cwd=tmp_path, check=False)
        versions = {path.parent.suffix: path.read_text("utf-8") for path in tmp_path.glob("*/version")}
        assert versions == left


def test_an_administrator_signs_in_and_reads_the_list(installed: Installed) -> None:
    """Also deletes a job, for which the app writes to its two directories."""
    with httpx2.Client(base_url=installed.origin, timeout=60) as client:
        client.get(addresses.SIGN_IN)
        assert client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN).status_code == 303
        with opened(client) as page:
            shown = page.run()
            assert b"Import" in shown
            assert __version__.encode() in shown
        url = f"{addresses.BASE}/delete/{installed.finished_id}"
        answer = client.post(url, headers={"Accept": "application/json"})
        assert answer.json()["removed"] == 1
    audit_log = installed.files / "var/log/heratio-jobs/audit.log"
    eventually(lambda: "removal" in audit_log.read_text("ascii"), "the entry of the deletion")
    for file in (installed.files / "var/lib/heratio-jobs/state.sqlite", audit_log):
        assert file.parent.stat().st_mode & 0o777 == 0o700
        assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("document", "command", "answer"),
    [
        (OPERATE, "clean-up .*--dry-run", r"Rules: .*"),
        # The files of the demo's jobs are not on this machine.
        (INSTALL, "doctor", r"(?!.*PROBLEM  (?!result files:)).*OK +rights:.*"),
    ],
)
def test_a_command_of_the_document_has_the_settings_of_the_service(
    installed: Installed, document: Path, command: str, answer: str
) -> None:
    """As the service's user, in its folder."""
    [command] = re.findall(rf"`(runuser [^`]* {command})`", document.read_text("utf-8"))
    enter = [require_program("nsenter", "util-linux"), f"--target={installed.pid}", "--mount"]
    ran = subprocess.run(
        [*enter, "sh", "-c", f"cd /opt/heratio-jobs && {command}"],
        env=own_environment() | {"LD_LIBRARY_PATH": f"{PYTHON}/lib"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.stderr == ""
    assert re.fullmatch(answer, ran.stdout, re.DOTALL), ran.stdout


def test_the_service_has_no_right_and_can_change_nothing_of_its_code(installed: Installed) -> None:
    status = Path(f"/proc/{installed.pid}/status").read_text("utf-8")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    user = installed.files.joinpath("var/lib/heratio-jobs").stat().st_uid
    assert user != 0
    assert set(map(int, facts["Uid"].split())) == {user}
    assert {int(facts[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert facts["NoNewPrivs"] == "1"
    owners = {path.lstat().st_uid for path in installed.files.joinpath("opt").rglob("*")}
    assert owners == {0}
    assert not installed.files.joinpath("opt/heratio-jobs/.git").exists()
    settings = (installed.files / "etc/heratio-jobs.env").stat()
    assert (settings.st_mode & 0o777, settings.st_uid) == (0o640, 0)
