"""A result file is served only from below its root; everything else is explained."""

import os
from pathlib import Path
from typing import Literal

import pytest

from jobs_data.jobs.result_files import (
    ResultFile,
    ResultRoots,
    ResultUnavailable,
    find_result,
    read_result_roots,
)
from tests.support import web_roots


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a web root with one result file, beside a secret that lies outside of it."""
    root = tmp_path / "web"
    (root / "downloads" / "jobs").mkdir(parents=True)
    (root / "downloads" / "jobs" / "finding aid.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "secret").write_text("word")
    return root


def find(root: Path, path: str) -> ResultFile | None:
    """Look for a file below a web root as an app that starts now would."""
    return find_result(read_result_roots(root), path)


@pytest.mark.parametrize("slash", ["/", ""])
def test_both_spellings_find_the_file(root: Path, slash: str) -> None:
    """Heratio writes a leading slash and AtoM none."""
    result = find(root, f"{slash}downloads/jobs/finding aid.pdf")
    assert result is not None
    assert (result.name, result.size, result.read()) == ("finding aid.pdf", 8, b"%PDF-1.4")


def test_a_path_spelt_out_from_the_servers_root_is_found(root: Path) -> None:
    """The web root itself may stand before it."""
    result = find(root, str(root / "downloads/jobs/finding aid.pdf"))
    assert result is not None
    assert result.size == 8


def test_a_root_that_is_a_link_is_followed(root: Path, tmp_path: Path) -> None:
    """An installation may link its web root to where it really lies."""
    (tmp_path / "link").symlink_to(root)
    assert find(tmp_path / "link", "downloads/jobs/finding aid.pdf") is not None


@pytest.mark.parametrize("path", ["", "   "])
def test_no_path_is_no_file(root: Path, path: str) -> None:
    """A job without a result file is nothing to complain of, whether the root is set or not."""
    assert find(root, path) is None
    assert find_result(None, path) is None


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("../secret", "leads outside"),
        ("/../secret", "leads outside"),
        ("downloads/../../secret", "leads outside"),
        ("downloads/../downloads/jobs/finding aid.pdf", "leads outside"),
        ("downloads/outside-link", "leads outside"),
        ("downloads/outside-folder/secret", "leads outside"),
        ("outside-link", "restart the app"),
        ("outside-link/more", "restart the app"),
        ("dangling/x.pdf", "restart the app"),
        ("/etc/passwd", "no longer on the server"),
        ("downloads/gone.zip", "no longer on the server"),
        ("downloads/jobs/finding aid.pdf/more", "no longer on the server"),
        ("downloads", "does not name a file"),
        ("/", "does not name a file"),
        ("pipe", "does not name a file"),
        ("loop", "not one that a file can have"),
        ("loop/x.pdf", "not one that a file can have"),
        ("nul\0byte", "not one that a file can have"),
        ("a" * 5000, "not one that a file can have"),
        ("https://evil.example/x.zip", "no longer on the server"),
    ],
)
def test_what_is_not_served_is_explained(root: Path, path: str, sentence: str) -> None:
    """No path of a stranger's leads outside, blocks, or raises anything but a sentence."""
    for folder in (root, root / "downloads"):
        (folder / "outside-link").symlink_to(root.parent / "secret")
    (root / "downloads" / "outside-folder").symlink_to(root.parent)
    (root / "dangling").symlink_to(root.parent / "storage")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    with pytest.raises(ResultUnavailable, match=sentence):
        find(root, path)


def test_an_absolute_path_elsewhere_is_refused(root: Path) -> None:
    """The file is there and can be read, but it is not below the root."""
    with pytest.raises(ResultUnavailable):
        find(root, str(root.parent / "secret"))


def test_without_a_root_the_setting_is_named(root: Path) -> None:
    """The operator reads which variable is missing, or that its folder is gone."""
    with pytest.raises(ResultUnavailable, match="HERATIO_JOBS_RESULTS_ROOT is not set"):
        find_result(None, "downloads/x.zip")
    with pytest.raises(ResultUnavailable, match="cannot be reached"):
        find(root / "gone", "downloads/x.zip")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_explained(root: Path) -> None:
    """The sentence names file permissions."""
    file = root / "downloads" / "jobs" / "finding aid.pdf"
    file.chmod(0)
    with pytest.raises(ResultUnavailable, match="permissions"):
        find(root, "downloads/jobs/finding aid.pdf")


def test_a_file_that_became_a_link_meanwhile_is_not_followed(root: Path) -> None:
    """What was found as a file is opened as that file or not at all."""
    result = find(root, "downloads/jobs/finding aid.pdf")
    assert result is not None
    result.path.unlink()
    result.path.symlink_to(root.parent / "secret")
    with pytest.raises(ResultUnavailable, match="no longer be read"):
        result.read()


@pytest.mark.parametrize("slash", ["/", "", "//", "./"])
@pytest.mark.parametrize("link", ["absolute", "relative"])
def test_what_heratio_writes_is_found(
    tmp_path: Path, link: Literal["absolute", "relative"], slash: str
) -> None:
    """Its web root has a link to Laravel's storage, which lies outside of the web root."""
    root = web_roots.laravel(tmp_path, link)
    result = find(root, f"{slash}storage/downloads/finding-aid-7.pdf")
    assert result is not None
    assert (result.name, result.size, result.read()) == ("finding-aid-7.pdf", 8, b"%PDF-1.4")
    assert find(root, str(root / "storage/downloads/finding-aid-7.pdf")) == result


def test_what_atom_writes_is_found(tmp_path: Path) -> None:
    """Its files lie in the web root."""
    result = find(web_roots.atom(tmp_path), "downloads/jobs/finding aid 7.pdf")
    assert result is not None
    assert result.read() == b"%PDF-1.4"


@pytest.fixture
def laravel(tmp_path: Path) -> ResultRoots:
    """Give the roots of a Laravel project, beside whose storage lie things to be kept from people."""
    folder = tmp_path / "heratio"
    folder.mkdir()
    roots = read_result_roots(web_roots.laravel(folder))
    assert roots is not None
    (folder / "storage" / "app" / "private").mkdir()
    (folder / "storage" / "app" / "private" / "secret").write_text("word")
    (folder / "storage" / "app" / "public-2").mkdir()
    (folder / "storage" / "app" / "public-2" / "secret").write_text("word")
    return roots


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/storage/../.env", "leads outside"),
        ("/storage/../private/secret", "leads outside"),
        ("/storage/downloads/../downloads/finding-aid-7.pdf", "leads outside"),
        ("/storage/link-to-file", "leads outside"),
        ("/storage/downloads/link-to-folder/secret", "leads outside"),
        ("/storage/link-to-sibling/secret", "leads outside"),
        ("/storage/link-to-web-root/index.php", "leads outside"),
        ("/storage//private/secret", "no longer on the server"),
        ("/storage", "does not name a file"),
        ("/storage/downloads", "does not name a file"),
        ("/storage/pipe", "does not name a file"),
        ("/storage/loop", "not one that a file can have"),
        ("/storage/nul\0byte", "not one that a file can have"),
    ],
)
def test_nothing_outside_of_a_linked_folder_is_served(
    laravel: ResultRoots, path: str, sentence: str
) -> None:
    """The folder of the link is a root of its own: no `..` and no other link leads out of it."""
    storage = laravel.links["storage"]
    (laravel.web_root / "index.php").write_text("<?php")
    (storage / "link-to-file").symlink_to("../private/secret")
    (storage / "downloads" / "link-to-folder").symlink_to(storage.parent / "private")
    (storage / "link-to-sibling").symlink_to("../public-2")
    (storage / "link-to-web-root").symlink_to(laravel.web_root)
    (storage / "loop").symlink_to("loop")
    os.mkfifo(storage / "pipe")
    with pytest.raises(ResultUnavailable, match=sentence):
        find_result(laravel, path)


def test_a_folder_that_only_begins_with_the_name_of_a_link_is_another(laravel: ResultRoots) -> None:
    """It lies in the web root, as far as it is there at all."""
    (laravel.web_root / "storage-2").mkdir()
    (laravel.web_root / "storage-2" / "x.csv").write_bytes(b"12345")
    result = find_result(laravel, "/storage-2/x.csv")
    assert result is not None
    assert result.path == laravel.web_root / "storage-2" / "x.csv"


def test_the_storage_spelt_out_from_the_servers_root_is_not_served(laravel: ResultRoots) -> None:
    """A path leads to it by the name of the link alone."""
    with pytest.raises(ResultUnavailable):
        find_result(laravel, str(laravel.links["storage"] / "downloads" / "finding-aid-7.pdf"))


def test_a_link_made_after_the_start_is_followed_only_after_a_restart(tmp_path: Path) -> None:
    """The sentence says what to do, and doing it helps."""
    root = web_roots.laravel(tmp_path)
    (root / "storage").unlink()
    roots = read_result_roots(root)
    (root / "storage").symlink_to("../storage/app/public")
    with pytest.raises(ResultUnavailable, match="restart the app"):
        find_result(roots, "/storage/downloads/finding-aid-7.pdf")
    assert find(root, "/storage/downloads/finding-aid-7.pdf") is not None


def test_a_link_that_leads_elsewhere_after_the_start_is_not_followed(laravel: ResultRoots) -> None:
    """The folder that it led to at the start stays the root."""
    (laravel.web_root / "storage").unlink()
    (laravel.web_root / "storage").symlink_to("../storage/app/private")
    assert find_result(laravel, "/storage/downloads/finding-aid-7.pdf") is not None
    with pytest.raises(ResultUnavailable, match="no longer on the server"):
        find_result(laravel, "/storage/secret")


def test_a_linked_folder_that_became_a_link_is_not_followed(laravel: ResultRoots) -> None:
    """Nor one that has gone."""
    storage = laravel.links["storage"]
    storage.rename(storage.with_name("moved"))
    with pytest.raises(ResultUnavailable, match="cannot be reached"):
        find_result(laravel, "/storage/downloads/finding-aid-7.pdf")
    storage.symlink_to("private")
    with pytest.raises(ResultUnavailable, match="cannot be reached"):
        find_result(laravel, "/storage/secret")


@pytest.mark.parametrize("target", ["..", "../..", "/"])
def test_a_link_to_a_folder_around_the_web_root_is_not_followed(
    laravel: ResultRoots, target: str
) -> None:
    """The platform's passwords lie there."""
    link = laravel.web_root / "up"
    link.symlink_to(target)
    secret = laravel.web_root.parent / ".env"
    assert secret.is_file()
    with pytest.raises(ResultUnavailable, match="restart the app"):
        find(laravel.web_root, f"up/{secret.relative_to(link.resolve())}")


def test_links_that_stay_in_the_web_root_are_followed(root: Path) -> None:
    """Some installations have one of the web root to itself, for a site below a folder."""
    (root / "atom").symlink_to(".")
    (root / "downloads" / "latest").symlink_to("jobs/finding aid.pdf")
    for path in ("atom/downloads/jobs/finding aid.pdf", "downloads/latest"):
        result = find(root, path)
        assert result is not None
        assert result.path == root / "downloads" / "jobs" / "finding aid.pdf"


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="there are no devices")
def test_a_device_is_not_served(tmp_path: Path) -> None:
    """Not even where a link at the start led to the folder of devices."""
    roots = ResultRoots(tmp_path.resolve(), {"devices": Path("/dev").resolve()})
    with pytest.raises(ResultUnavailable, match="does not name a file"):
        find_result(roots, "devices/null")
