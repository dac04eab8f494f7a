"""The result files of the demo's jobs: small, valid, and the same for the same job."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

LARGE_MEGABYTES: Final = 25
CSV_HEADER: Final = ("legacyId", "title", "levelOfDescription", "extentAndMedium", "culture")


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A job's result file: its path below the platform's web root, and its subject."""

    path: str
    title: str
    large: bool = False


def result_path(job_id: int, suffix: str, title: str, *, leading_slash: bool) -> str:
    """Return a `download_path` as Heratio spells it, with a leading slash, or as AtoM does."""
    if leading_slash:
        return f"/storage/downloads/{title}-{job_id}.{suffix}"
    name = {"csv": "Übersicht", "pdf": "finding aid"}.get(suffix, "export")
    return f"downloads/jobs/{name} {job_id}.{suffix}"


def write_result(root: Path, result: ResultFile) -> None:
    """Write the file below `root`, with the folders that it needs.

    Raises ValueError for a path that would leave `root`, OSError where writing fails.
    """
    relative = Path(result.path.lstrip("/"))
    if ".." in relative.parts:
        raise ValueError(f"{result.path} would leave the folder of results.")
    target = root / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    match target.suffix:
        case ".zip":
            _write_zip(target, result)
        case ".pdf":
            target.write_bytes(_pdf(result.title))
        case ".xml":
            target.write_text(_ead(result.title), encoding="utf-8")
        case _:
            target.write_text(_csv(result.title), encoding="utf-8", newline="")


def _csv(title: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_HEADER)
    writer.writerows(
        (number, f"{title}, item {number}", "Item", f"{number % 9 + 1} photographs", "en")
        for number in range(1, 41)
    )
    return text.getvalue()


def _write_zip(target: Path, result: ResultFile) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        # A bare ZipInfo has a fixed date, so that the same demo has the same files.
        archive.writestr(zipfile.ZipInfo("records.csv"), _csv(result.title))
        if result.large:
            with archive.open(zipfile.ZipInfo("objects/film-0001.raw"), "w") as film:
                for number in range(LARGE_MEGABYTES):
                    film.write(bytes([number]) * 1_000_000)


def _ead(title: str) -> str:
    name = escape(title)
    items = "\n".join(
        f'      <c level="item"><did><unittitle>{name}, item {number}</unittitle></did></c>'
        for number in range(1, 21)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ead>
  <eadheader>
    <eadid>{name}</eadid>
    <filedesc><titlestmt><titleproper>{name}</titleproper></titlestmt></filedesc>
  </eadheader>
  <archdesc level="fonds">
    <did><unittitle>{name}</unittitle></did>
    <dsc>
{items}
    </dsc>
  </archdesc>
</ead>
"""


def _pdf(title: str) -> bytes:
    text = title.encode("latin-1", "replace").translate(None, delete=b"()\\")
    drawing = b"BT /F1 18 Tf 72 760 Td (Finding aid: %s) Tj ET" % text
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    document = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return document + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, len(document))
    )
