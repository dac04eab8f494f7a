"""A result file is served only from the platform's folders for them; everything else is explained."""

import os
import socket
import threading
import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from jobs_data.jobs import file_names
from jobs_data.jobs.result_files import (
    ResultRoots,
    ResultUnavailable,
    measure,
    open_result,
    read_result_roots,
)
from jobs_data.settings import RESULTS_FOLDERS
from tests.support import web_roots

NOT_UTF_8 = os.fsdecode(b"f\xfcr.csv")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a web root with one result file, beside a secret that lies outside of it."""
    root = tmp_path / "web"
    (root / "downloads" / "jobs").mkdir(parents=True)
    (root / "downloads" / "jobs" / "finding aid.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "secret").write_text("word")
    return root


def find(root: Path, path: str, *folders: str) -> tuple[str, bytes] | None:
    """Return name and content of a file, as an app that starts now would find it."""
    return find_in(read_result_roots(root, folders or RESULTS_FOLDERS), path)


def find_in(roots: ResultRoots | None, path: str) -> tuple[str, bytes] | None:
    """Return name and content of a file; its size agrees."""
    result = open_result(roots, path)
    if result is None:
        return None
    with result:
        content = result.read()
    assert (result.size, result.file.closed) == (len(content), True)
    return result.name, content


@pytest.mark.parametrize("slash", ["/", ""])
def test_both_spellings_find_the_file(root: Path, slash: str) -> None:
    """Heratio writes a leading slash and AtoM none."""
    found = find(root, f"{slash}downloads/jobs/finding aid.pdf")
    assert found == ("finding aid.pdf", b"%PDF-1.4")


def test_a_pages_files_are_measured(root: Path) -> None:
    """What is not served now has no size, and no path no entry."""
    roots = read_result_roots(root)
    there, gone, outside = "/downloads/jobs/finding aid.pdf", "downloads/gone.pdf", "/../secret"
    opened = len([*Path("/proc/self/fd").iterdir()])
    assert measure(roots, [there, "", gone, " ", outside, there]) == {
        there: 8,
        gone: None,
        outside: None,
    }
    assert len([*Path("/proc/self/fd").iterdir()]) == opened
    assert measure(None, [there]) == {there: None}


def test_a_path_spelt_out_from_the_servers_root_is_found(root: Path, tmp_path: Path) -> None:
    """The web root itself may stand before it, by its own path or by that of a link to it."""
    (tmp_path / "link").symlink_to(root)
    for spelled in (root, tmp_path / "link"):
        for started_with in (root, tmp_path / "link"):
            path = str(spelled / "downloads/jobs/finding aid.pdf")
            if spelled in (started_with, root):
                assert find(started_with, path) is not None


@pytest.mark.parametrize("path", ["", "   "])
def test_no_path_is_no_file(root: Path, path: str) -> None:
    """A job without a result file is nothing to complain of, whether the root is set or not."""
    assert find(root, path) is None
    assert find_in(None, path) is None


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("../secret", "leads outside"),
        ("/../secret", "leads outside"),
        ("downloads/../../secret", "leads outside"),
        ("downloads/../downloads/jobs/finding aid.pdf", "leads outside"),
        ("/etc/passwd", "RESULTS_FOLDERS"),
        ("in-the-root.csv", "RESULTS_FOLDERS"),
        ("config/config.csv", "RESULTS_FOLDERS"),
        ("downloads-2/x.csv", "RESULTS_FOLDERS"),
        ("Downloads/x.csv", "RESULTS_FOLDERS"),
        ("/", "RESULTS_FOLDERS"),
        ("https://evil.example/x.zip", "RESULTS_FOLDERS"),
        ("downloads/outside-link", "symbolic link"),
        ("downloads/outside-folder/secret", "symbolic link"),
        ("downloads/latest.pdf", "symbolic link"),
        ("downloads/loop", "symbolic link"),
        ("downloads/loop/x.pdf", "symbolic link"),
        ("uploads/x.pdf", "restart the app"),
        ("storage/x.pdf", "restart the app"),
        ("downloads/gone.zip", "no longer on the server"),
        ("downloads/gone/x.zip", "no longer on the server"),
        ("downloads/jobs/finding aid.pdf/more", "no longer on the server"),
        ("downloads", "does not name a file"),
        ("downloads/jobs/", "does not name a file"),
        ("downloads/pipe", "does not name a file"),
        ("downloads/socket", "does not name a file"),
        ("downloads/nul\0byte", "not a possible path"),
        ("downloads/\ud800.csv", "not a possible path"),
        ("downloads/" + "a" * 300 + ".csv", "not a possible path"),
        ("downloads" + "/a" * 30_000, "no longer on the server"),
    ],
)
def test_what_is_not_served_is_explained(root: Path, path: str, sentence: str) -> None:
    """No path of a stranger's leads outside, blocks, or raises anything but a sentence."""
    downloads = root / "downloads"
    (root / "in-the-root.csv").write_text("word")
    for folder in ("config", "downloads-2"):
        (root / folder).mkdir()
        (root / folder / "config.csv").write_text("word")
    (downloads / "outside-link").symlink_to(root.parent / "secret")
    (downloads / "outside-folder").symlink_to(root.parent)
    (downloads / "latest.pdf").symlink_to("jobs/finding aid.pdf")
    (downloads / "loop").symlink_to("loop")
    (root / "uploads").symlink_to(root.parent / "gone")
    os.mkfifo(downloads / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        # Bound below its folder: the whole path may be too long for a socket.
        here = Path.cwd()
        os.chdir(downloads)
        listener.bind("socket")
        os.chdir(here)
        with pytest.raises(ResultUnavailable, match=sentence):
            find(root, path)


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".htaccess", ".git/config", "jobs/.hidden/x.csv", ".x.csv.swp"),
        *("import.py.bak", "x.rb~", "x.sh.old", "data.db-wal", "site.db.gz", "id_rsa", "X.java"),
        *("config.php", "config.php.bak", "x.PHP~", "x.php5", "x.phtml", "x.phar", "x.php;1", "x.inc"),
        *("databases.yml", "app.yaml.2026-11-25", "web.config", "app.ini", "prod.env", "my.cnf"),
        *("oauth-private.key", "server.pem", "cert.p12"),
        *("dump.sql", "dump.sql.gz", "jobs.sqlite", "jobs.sqlite3", "x.py", "deploy.sh", "app.js"),
    ],
)
def test_hidden_files_and_code_are_never_served(root: Path, name: str) -> None:
    """Nor configuration, keys and databases, though they are there and can be read."""
    file = root / "downloads" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("word")
    with pytest.raises(ResultUnavailable, match="never served"):
        find(root, f"/downloads/{name}")


@pytest.mark.parametrize(
    "name",
    [
        *("x.csv", "x.xml", "x.ead.xml.gz", "x.pdf", "x.rtf", "x.json", "x.txt", "x.zip", "x.tar.gz"),
        *(
            "finding-aid.pl.pdf",
            "keys.csv",
            "Papers of J.S. Bach.pdf",
            "x.log",
            "x.html",
            "x",
            "100%.csv",
        ),
        *(
            "a;b.csv",
            "a b.csv",
            "a\nb.csv",
            'a"b.csv',
            "🍣.csv",
            "für.csv",
            "x" * 251 + ".csv",
            "php.csv",
        ),
    ],
)
def test_what_jobs_make_is_served(root: Path, name: str) -> None:
    """Whatever characters are in the name."""
    (root / "downloads" / name).write_bytes(b"12345")
    found = find(root, f"downloads/{name}")
    assert found == (name.replace("\n", "_"), b"12345")


@pytest.mark.parametrize(
    ("on_disk", "in_database"),
    [
        (NOT_UTF_8, NOT_UTF_8),  # as Python reads bytes that are no UTF-8
        (NOT_UTF_8, "f\ufffdr.csv"),  # as a driver reads them from a text of SQLite
        (NOT_UTF_8, "für.csv"),  # as a database converts them to UTF-8
        ("für.csv", "fÃ¼r.csv"),  # as a database does that took UTF-8 for Latin-1
        (unicodedata.normalize("NFD", "für.csv"), "für.csv"),  # as a Mac spells it
        ("für.csv", unicodedata.normalize("NFD", "für.csv")),
    ],
)
def test_a_name_that_the_disk_spells_differently_is_found(
    root: Path, on_disk: str, in_database: str
) -> None:
    """A file in a folder of the same name; what is shown is text that can be sent."""
    (root / "downloads" / on_disk).mkdir()
    (root / "downloads" / on_disk / on_disk).write_bytes(b"12345")
    found = find(root, f"downloads/{in_database}/{in_database}")
    assert found is not None
    assert (unicodedata.normalize("NFC", found[0]), found[1]) == ("für.csv", b"12345")


def test_a_name_that_lost_bytes_is_not_guessed(root: Path) -> None:
    """Two files agree with it in all the others."""
    for name in ("f\udcfcr.csv", "f\udcf6r.csv"):
        (root / "downloads" / name).write_bytes(b"12345")
    with pytest.raises(ResultUnavailable, match="no longer on the server"):
        find(root, "downloads/f\ufffdr.csv")


def test_a_name_is_shown_without_what_could_do_harm() -> None:
    """Neither line breaks nor marks of direction; what belongs to a script or an emoji stays."""
    assert file_names.shown("a\u202efdp.exe\r\n\x00\x1b[31m\u2028b".encode()) == "a_fdp.exe____[31m_b"
    # With a joiner each, which Persian and emoji need.
    for name in ("\u0646\u0627\u0645\u0647\u200c\u0647\u0627.csv", "👨\u200d👩.csv", "für.csv"):
        assert file_names.shown(name.encode()) == name
    assert file_names.shown(b"\x80 \x81\xfc.csv") == "€ \ufffdü.csv"


def test_a_secret_is_none_the_less_for_another_spelling(root: Path) -> None:
    """It is the disk's spelling that counts."""
    (root / "downloads" / "x.\udcff.php").write_bytes(b"word")
    with pytest.raises(ResultUnavailable, match="never served"):
        find(root, "downloads/x.\ufffd.php")


def test_an_absolute_path_elsewhere_is_refused(root: Path) -> None:
    """The file is there and can be read, but it is not below the root."""
    with pytest.raises(ResultUnavailable):
        find(root, str(root.parent / "secret"))


def test_without_a_root_the_setting_is_named(root: Path) -> None:
    """The operator reads which variable is missing, or that its folder is gone."""
    with pytest.raises(ResultUnavailable, match="HERATIO_JOBS_RESULTS_ROOT is not set"):
        find_in(None, "downloads/x.zip")
    with pytest.raises(ResultUnavailable, match="cannot be reached"):
        find(root / "gone", "downloads/x.zip")


def test_other_folders_can_be_named(root: Path) -> None:
    """An installation may keep its exports elsewhere; then the usual ones are not served."""
    (root / "public" / "exports").mkdir(parents=True)
    (root / "public" / "exports" / "x.csv").write_bytes(b"12345")
    (root / "public" / "x.csv").write_bytes(b"12345")
    assert find(root, "/public/exports/x.csv", "public/exports") == ("x.csv", b"12345")
    for path in ("/public/x.csv", "/downloads/jobs/finding aid.pdf", "/exports/x.csv"):
        with pytest.raises(
            ResultUnavailable, match="RESULTS_FOLDERS names these folders: public/exports"
        ):
            find(root, path, "public/exports")


@pytest.mark.parametrize("path", ["downloads/jobs/finding aid.pdf", "jobs/finding aid.pdf"])
def test_the_root_may_itself_be_such_a_folder(root: Path, tmp_path: Path, path: str) -> None:
    """The narrowest root; its name may be that of a link."""
    found = ("finding aid.pdf", b"%PDF-1.4")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "downloads").symlink_to(root / "downloads")
    for narrow in (root / "downloads", tmp_path / "elsewhere" / "downloads"):
        assert find(narrow, path) == found
        assert find(narrow, str(narrow / "jobs" / "finding aid.pdf")) == found
        with pytest.raises(ResultUnavailable, match="never served"):
            find(narrow, "downloads/.env")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_explained(root: Path) -> None:
    """The sentence names permissions; a folder that may only be entered is no hindrance."""
    folder = root / "downloads" / "jobs"
    file = folder / "finding aid.pdf"
    folder.chmod(0o300)
    assert find(root, "downloads/jobs/finding aid.pdf") is not None
    folder.chmod(0o700)
    file.chmod(0)
    with pytest.raises(ResultUnavailable, match="permissions"):
        find(root, "downloads/jobs/finding aid.pdf")


def test_an_open_file_stays_that_file(root: Path) -> None:
    """What was measured is what is read, though its name leads elsewhere by now."""
    roots = read_result_roots(root)
    file = root / "downloads" / "jobs" / "finding aid.pdf"
    result = open_result(roots, "downloads/jobs/finding aid.pdf")
    assert result is not None
    file.unlink()
    file.symlink_to(root.parent / "secret")
    with result:
        assert result.read() == b"%PDF-1.4"
    with pytest.raises(ResultUnavailable, match="symbolic link"):
        find_in(roots, "downloads/jobs/finding aid.pdf")


def test_a_file_that_shrank_is_not_read(root: Path) -> None:
    """A part of it does not pass for the whole."""
    roots = read_result_roots(root)
    path = "downloads/jobs/finding aid.pdf"
    result = open_result(roots, path)
    assert result is not None
    os.truncate(root / path, 3)
    with result, pytest.raises(ResultUnavailable, match="changed"):
        result.read()


@pytest.mark.parametrize("slash", ["/", "", "//", "./"])
@pytest.mark.parametrize("link", ["absolute", "relative"])
def test_what_heratio_writes_is_found(
    tmp_path: Path, link: Literal["absolute", "relative"], slash: str
) -> None:
    """Its web root has a link to Laravel's storage, which lies outside of the web root."""
    root = web_roots.laravel(tmp_path, link)
    found = ("finding-aid-7.pdf", b"%PDF-1.4")
    assert find(root, f"{slash}storage/downloads/finding-aid-7.pdf") == found
    assert find(root, str(root / "storage/downloads/finding-aid-7.pdf")) == found
    # The narrowest root, by either name.
    for narrow in (root / "storage", tmp_path / "storage" / "app" / "public"):
        assert find(narrow, f"{slash}storage/downloads/finding-aid-7.pdf") == found


def test_what_atom_writes_is_found(tmp_path: Path) -> None:
    """Its files lie in the web root."""
    found = find(web_roots.atom(tmp_path), "downloads/jobs/finding aid 7.pdf")
    assert found == ("finding aid 7.pdf", b"%PDF-1.4")


@pytest.mark.parametrize(
    ("path", "is_served"),
    [
        ("storage/downloads/x.csv", True),
        ("storage/app/public/x.csv", True),
        ("storage/logs/x.csv", False),
        ("storage/logs/laravel.log", False),
        ("storage/framework/sessions/k2m4", False),
        ("storage/framework/cache/data/a1/b2", False),
        ("storage/app/private/x.csv", False),
        ("storage/app/x.csv", False),
        ("storage/debugbar/x.json", False),
        ("storage/x.csv", False),
    ],
)
@pytest.mark.parametrize("starts_with", ["", "storage"])
def test_laravels_own_storage_is_kept(
    tmp_path: Path, path: str, is_served: bool, starts_with: str
) -> None:
    """It lies beside the web root, and an installation may take its folder for the web root."""
    for folder in ("app/public", "framework/sessions", "logs"):
        (tmp_path / "storage" / folder).mkdir(parents=True)
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_bytes(b"12345")
    root = tmp_path / starts_with
    if is_served:
        assert find(root, path) is not None
    else:
        with pytest.raises(ResultUnavailable, match="Laravel's own storage"):
            find(root, path)


@pytest.fixture
def laravel(tmp_path: Path) -> ResultRoots:
    """Give the roots of a Laravel project, beside whose storage lie things to be kept from people."""
    folder = tmp_path / "heratio"
    folder.mkdir()
    roots = read_result_roots(web_roots.laravel(folder))
    assert roots is not None
    (folder / "storage" / "app" / "private").mkdir()
    (folder / "storage" / "app" / "private" / "secret").write_text("word")
    return roots


def test_a_link_made_after_the_start_is_followed_only_after_a_restart(tmp_path: Path) -> None:
    """The sentence says what to do, and doing it helps."""
    root = web_roots.laravel(tmp_path)
    (root / "storage").unlink()
    roots = read_result_roots(root)
    (root / "storage").symlink_to("../storage/app/public")
    with pytest.raises(ResultUnavailable, match="restart the app"):
        find_in(roots, "/storage/downloads/finding-aid-7.pdf")
    assert find(root, "/storage/downloads/finding-aid-7.pdf") is not None


def test_a_link_that_leads_elsewhere_after_the_start_is_not_followed(laravel: ResultRoots) -> None:
    """The folder that it led to at the start stays the one that is served."""
    (laravel.web_root / "storage").unlink()
    (laravel.web_root / "storage").symlink_to("../storage/app/private")
    assert find_in(laravel, "/storage/downloads/finding-aid-7.pdf") is not None
    with pytest.raises(ResultUnavailable, match="no longer on the server"):
        find_in(laravel, "/storage/secret")


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_folder_on_the_way_that_became_a_link_is_not_followed(
    laravel: ResultRoots, level: int
) -> None:
    """Neither the folder that is served, nor one around it; nor is one that has gone."""
    storage = laravel.folders["storage",]
    folder = [storage, *storage.parents][level]
    moved = folder.with_name("moved")
    folder.rename(moved)
    with pytest.raises(ResultUnavailable, match="cannot be reached"):
        find_in(laravel, "/storage/downloads/finding-aid-7.pdf")
    folder.symlink_to(moved)
    with pytest.raises(ResultUnavailable, match="cannot be reached"):
        find_in(laravel, "/storage/downloads/finding-aid-7.pdf")


@pytest.mark.parametrize("target", [".", "..", "../..", "/"])
def test_a_link_to_a_folder_around_the_web_root_is_not_followed(
    laravel: ResultRoots, target: str
) -> None:
    """The platform's passwords lie there."""
    link = laravel.web_root / "uploads"
    link.symlink_to(target)
    secret = laravel.web_root.parent / "passwords.csv"
    secret.write_text("word")
    with pytest.raises(ResultUnavailable, match="restart the app"):
        find(laravel.web_root, f"uploads/{os.path.relpath(secret, link.resolve())}".replace("/..", ""))


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="there are no devices")
def test_a_device_is_not_served(tmp_path: Path) -> None:
    """Not even where a link at the start led to the folder of devices."""
    roots = ResultRoots(tmp_path, tmp_path, {("uploads",): Path("/dev")})
    with pytest.raises(ResultUnavailable, match="does not name a file"):
        find_in(roots, "uploads/null")


@pytest.mark.parametrize("what", ["file", "folder", "served folder"])
def test_nothing_outside_is_read_while_things_are_swapped(root: Path, what: str) -> None:
    """A file or a folder becomes a link and itself again, while it is opened many times."""
    path = Path("downloads/jobs/finding aid.pdf")
    part = {"file": path, "folder": path.parent, "served folder": path.parent.parent}[what]
    outside = root.parent / "outside"
    (outside / path.parent).mkdir(parents=True)
    (outside / path).write_text("word")
    roots = read_result_roots(root)
    swapped, aside = root / part, root / "aside"
    is_over = threading.Event()

    def swap() -> None:
        while not is_over.is_set():
            swapped.rename(aside)
            swapped.symlink_to(outside / part)
            swapped.unlink()
            aside.rename(swapped)

    swapping = threading.Thread(target=swap)
    swapping.start()
    read: list[bytes] = []
    refused = 0
    try:
        for _ in range(1_500):
            try:
                found = find_in(roots, str(path))
                assert found
                read.append(found[1])
            except ResultUnavailable:
                refused += 1
    finally:
        is_over.set()
        swapping.join()
    assert refused
    assert set(read) == {b"%PDF-1.4"}
