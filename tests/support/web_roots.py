"""Web roots as the platforms lay them out on disk."""

from pathlib import Path
from typing import Literal


def laravel(folder: Path, link: Literal["absolute", "relative"] = "absolute") -> Path:
    """Make a Laravel project with one result file, and return its web root.

    The link is the one that `artisan storage:link` makes, which is relative with `--relative`.
    Source: Laravel 11, Illuminate/Foundation/Console/StorageLinkCommand.php.
    """
    root, storage = folder / "public", folder / "storage" / "app" / "public"
    (storage / "downloads").mkdir(parents=True)
    (storage / "downloads" / "finding-aid-7.pdf").write_bytes(b"%PDF-1.4")
    root.mkdir()
    (folder / ".env").write_text("DB_PASSWORD=word")
    (root / "storage").symlink_to("../storage/app/public" if link == "relative" else storage)
    return root


def atom(folder: Path) -> Path:
    """Make a web root of AtoM with one result file, and return it."""
    root = folder / "atom"
    (root / "downloads" / "jobs").mkdir(parents=True)
    (root / "downloads" / "jobs" / "finding aid 7.pdf").write_bytes(b"%PDF-1.4")
    return root
