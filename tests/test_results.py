"""A result file is served only from below the root; everything else is explained."""

import os
from pathlib import Path

import pytest

from jobs_data.results import ResultUnavailable, find_result


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a web root with one result file, beside a secret that lies outside of it."""
    root = tmp_path / "web"
    (root / "downloads" / "jobs").mkdir(parents=True)
    (root / "downloads" / "jobs" / "finding aid.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "secret").write_text("word")
    return root


@pytest.mark.parametrize("slash", ["/", ""])
def test_both_spellings_find_the_file(root: Path, slash: str) -> None:
    """Heratio writes a leading slash and AtoM none."""
    result = find_result(root, f"{slash}downloads/jobs/finding aid.pdf")
    assert result is not None
    assert (result.name, result.size, result.read()) == ("finding aid.pdf", 8, b"%PDF-1.4")


def test_a_path_spelt_out_from_the_servers_root_is_found(root: Path) -> None:
    """The web root itself may stand before it."""
    result = find_result(root, str(root / "downloads/jobs/finding aid.pdf"))
    assert result is not None
    assert result.size == 8


def test_a_root_that_is_a_link_is_followed(root: Path, tmp_path: Path) -> None:
    """An installation may link its web root to where it really lies."""
    (tmp_path / "link").symlink_to(root)
    assert find_result(tmp_path / "link", "downloads/jobs/finding aid.pdf") is not None


@pytest.mark.parametrize("path", ["", "   "])
def test_no_path_is_no_file(root: Path, path: str) -> None:
    """A job without a result file is nothing to complain of, whether the root is set or not."""
    assert find_result(root, path) is None
    assert find_result(None, path) is None


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("../secret", "leads outside"),
        ("/../secret", "leads outside"),
        ("downloads/../../secret", "leads outside"),
        ("downloads/../downloads/jobs/finding aid.pdf", "leads outside"),
        ("outside-link", "leads outside"),
        ("outside-folder/secret", "leads outside"),
        ("/etc/passwd", "no longer on the server"),
        ("downloads/gone.zip", "no longer on the server"),
        ("downloads/jobs/finding aid.pdf/more", "no longer on the server"),
        ("downloads", "does not name a file"),
        ("pipe", "does not name a file"),
        ("loop", "not one that a file can have"),
        ("nul\0byte", "not one that a file can have"),
        ("a" * 5000, "not one that a file can have"),
        ("https://evil.example/x.zip", "no longer on the server"),
    ],
)
def test_what_is_not_served_is_explained(root: Path, path: str, sentence: str) -> None:
    """No path of a stranger's leads outside, blocks, or raises anything but a sentence."""
    (root / "outside-link").symlink_to(root.parent / "secret")
    (root / "outside-folder").symlink_to(root.parent)
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    with pytest.raises(ResultUnavailable, match=sentence):
        find_result(root, path)


def test_an_absolute_path_elsewhere_is_refused(root: Path) -> None:
    """The file is there and can be read, but it is not below the root."""
    with pytest.raises(ResultUnavailable):
        find_result(root, str(root.parent / "secret"))


def test_without_a_root_the_setting_is_named(root: Path) -> None:
    """The operator reads which variable is missing, or that its folder is gone."""
    with pytest.raises(ResultUnavailable, match="HERATIO_JOBS_RESULTS_ROOT is not set"):
        find_result(None, "downloads/x.zip")
    with pytest.raises(ResultUnavailable, match="cannot be reached"):
        find_result(root / "gone", "downloads/x.zip")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_explained(root: Path) -> None:
    """The sentence names file permissions."""
    file = root / "downloads" / "jobs" / "finding aid.pdf"
    file.chmod(0)
    with pytest.raises(ResultUnavailable, match="permissions"):
        find_result(root, "downloads/jobs/finding aid.pdf")


def test_a_file_that_became_a_link_meanwhile_is_not_followed(root: Path) -> None:
    """What was found as a file is opened as that file or not at all."""
    result = find_result(root, "downloads/jobs/finding aid.pdf")
    assert result is not None
    result.path.unlink()
    result.path.symlink_to(root.parent / "secret")
    with pytest.raises(ResultUnavailable, match="no longer be read"):
        result.read()
