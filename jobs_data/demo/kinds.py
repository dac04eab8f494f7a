"""The kinds of background jobs in the demo: names, logs, results and failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job; `{n}` in its texts stands for a number."""

    name: str
    type: str
    """The value of `ahg_job_execution.type`."""
    weight: int
    """How often it occurs, relative to the others, outside bursts."""
    typical_seconds: int
    steps: tuple[str, ...]
    failures: tuple[str, ...]
    about_record: bool = False
    result: str = ""
    """The suffix of its result file, if any."""


SEARCH_UPDATE: Final = Kind(
    name="arUpdateEsIoDocumentsJob",
    type="search_update",
    weight=22,
    typical_seconds=3,
    steps=("Updating {n} descriptions in the index.", "Updated descendants: {n}."),
    failures=(
        "No alive nodes found in your cluster",
        "Index read-only: disk usage exceeded flood-stage watermark, index has read-only block",
    ),
)

FREE_TEXT: Final = Kind(
    name="",
    type="import",
    weight=6,
    typical_seconds=90,
    steps=(
        "Read {n} rows.",
        "Row {n}: column “Título” mapped to “title”.",
        'Row {n}: kept as text: <script>alert("imported")</script>',
        "Row {n}: \x1b[33mwarning\x1b[0m: the date “vers 1890?” has no year.",
        "Row {n}: =HYPERLINK(“https://example.org”) left as it is.",
    ),
    failures=(
        "Row {n}: expected 38 columns, found 37.",
        "Zeile {n}: Zeichenkodierung ist nicht UTF-8.",
        "Ligne {n} : la colonne « legacyId » est vide.",
        "Row {n}: <b>repository</b> “Musée d’Orléans & Cie” does not exist.",
    ),
)
"""Jobs with a typed name; see FREE_TEXT_NAMES."""

KINDS: Final = (
    SEARCH_UPDATE,
    FREE_TEXT,
    Kind(
        name="arFindingAidJob",
        type="finding_aid",
        weight=10,
        typical_seconds=40,
        steps=(
            "Generating finding aid ({n} descriptions).",
            "Running Saxon over {n} KB of EAD.",
            "Running FOP, {n} pages.",
        ),
        failures=(
            "Transforming the EAD with Saxon has failed (line {n}).",
            "Running FOP has failed: java.lang.OutOfMemoryError: Java heap space",
            "Exceeded the maximum execution time of {n} seconds.",
        ),
        about_record=True,
        result="pdf",
    ),
    Kind(
        name="arInformationObjectCsvExportJob",
        type="csv_export",
        weight=9,
        typical_seconds=60,
        steps=("Exported {n} descriptions.", "Copied {n} digital objects."),
        failures=("Cannot write to the export folder: No space left on device",),
        about_record=True,
        result="zip",
    ),
    Kind(
        name="arInformationObjectXmlExportJob",
        type="xml_export",
        weight=5,
        typical_seconds=50,
        steps=("Exported {n} descriptions as EAD 2002.",),
        failures=("Invalid XML character (Unicode: 0x1F) in description {n}.",),
        about_record=True,
        result="xml",
    ),
    Kind(
        name="arFileImportJob",
        type="file_import",
        weight=9,
        typical_seconds=180,
        steps=(
            "Importing {n} records.",
            "Row {n} imported.",
            "Row {n}: created the missing creator.",
            "Row {n}: skipped, it exists.",
        ),
        failures=(
            "Row {n}: SQLSTATE[23000]: Integrity constraint violation: 1062 Duplicate entry",
            "The file is not UTF-8: unexpected byte at offset {n}.",
            "SQLSTATE[HY000]: General error: 2006 MySQL server has gone away",
        ),
    ),
    Kind(
        name="arObjectMoveJob",
        type="object_move",
        weight=8,
        typical_seconds=12,
        steps=("Moved; {n} descendants updated.",),
        failures=("Parent {n} does not exist.",),
        about_record=True,
    ),
    Kind(
        name="arUpdatePublicationStatusJob",
        type="publication_status",
        weight=10,
        typical_seconds=15,
        steps=("Publication status set for {n} descendants.",),
        failures=("SQLSTATE[40001]: Serialization failure: 1213 Deadlock found at {n}",),
        about_record=True,
    ),
    Kind(
        name="arInheritRightsJob",
        type="inherit_rights",
        weight=6,
        typical_seconds=20,
        steps=("Rights applied to {n} descendants.", "Kept {n} records with rights of their own."),
        failures=("Rights record {n} does not exist.",),
        about_record=True,
    ),
    Kind(
        name="arCalculateDescendantDatesJob",
        type="descendant_dates",
        weight=6,
        typical_seconds=8,
        steps=("Dates computed from {n} descendants.",),
        failures=("The start date of descendant {n} is after its end date.",),
        about_record=True,
    ),
    Kind(
        name="arGenerateReportJob",
        type="report",
        weight=4,
        typical_seconds=30,
        steps=("Report of {n} rows written.",),
        failures=("The report template has an unknown column: {n}.",),
        result="csv",
    ),
    Kind(
        name="arValidateCsvJob",
        type="validate_csv",
        weight=5,
        typical_seconds=6,
        steps=("{n} rows validated, no warnings.", "{n} rows validated, 2 warnings."),
        failures=("The file has no header row; first cell: {n}.",),
    ),
)

FREE_TEXT_NAMES: Final = (
    "Import: accessions-2026.csv",
    "Import: authority records (Musée d’Orléans).csv",
    "Importación: fondos fotográficos 1890–1936",
    "Erschließungsdaten Größe & Umfang übernehmen",
    "=SUM(A1)",
    "<b>bold</b> <script>alert(1)</script>",
    "[link](https://example.org/x) **strong** :red[red] $x^2$",
    "Digitisation batch 📷 glass negatives ✅",
    "Gegevens inlezen – bevolkingsregisters",
    "استيراد سجلات المحكمة",
    "戦前写真の目録の取り込み",
    None,
    "Przesyłanie zdjęć z Łodzi",
    "+1 description to fix",
    "",
    "Import: ../../accessions.csv",
    "@nightly reindex",
    "Robert'); DROP TABLE job;--",
    "100% of _all_ records",
    "Импорт: метрические книги",
    "An exceptionally long name for a job that somebody pasted from a letter: " + "x" * 180,
    "Nightly checksum run",
    "Nightly checksum run ",
    "Two lines\nin one name",
    '-2+3|"quoted", with a comma',
    "Relatório anual de acervos",
    None,
)
"""Typed names: in many languages, hostile to Markdown, HTML and CSV, or missing."""
