"""The kinds of background jobs in the demo: names, logs, results and failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final


class Writer(Enum):
    """The code that writes a job's output, each in its own form."""

    ATOM = auto()
    """Each line has a level, a time and the job before the text, which is translated."""
    HERATIO = auto()
    """Bare lines; those of errors begin with `ERROR:`."""
    PACKAGE = auto()
    """Heratio's jobs package: no line while the job runs, then its result as JSON."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job; in its texts `{n}` stands for a number, `{title}` for its record or file."""

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
    writer: Writer = Writer.ATOM
    parameters: Mapping[str, object] = field(default_factory=dict)
    description: str = ""
    """The note that says what the job is for, if any."""

    @property
    def has_rows(self) -> bool:
        """Return whether it is an import, which may complete although some of its rows failed."""
        return self.type in {"import", "file_import"}


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
    parameters={"ioIds": [1204, 1207], "updateIos": True, "updateDescendants": False},
    description="Updating the index for {title}.",
)

FREE_TEXT: Final = Kind(
    name="",
    type="import",
    weight=5,
    typical_seconds=90,
    steps=(
        "Read {n} rows.",
        "Row {n}: column “Título” mapped to “title”.",
        'Row {n}: kept as text: <script>alert("imported")</script>',
        "Row {n}: the title “ERROR: illegible” is kept as it is.",
        "Row {n}: =HYPERLINK(“https://example.org”) left as it is.",
    ),
    failures=(
        "Row {n}: expected 38 columns, found 37.",
        "Zeile {n}: Zeichenkodierung ist nicht UTF-8.",
        "Ligne {n} : la colonne « legacyId » est vide.",
        "Row {n}: <b>repository</b> “Musée d’Orléans & Cie” does not exist.",
    ),
    writer=Writer.HERATIO,
)
"""Jobs with a typed name; see FREE_TEXT_NAMES."""

CSV_IMPORT: Final = replace(FREE_TEXT, name="CSV import - archival descriptions", weight=4)
HERATIO_FINDING_AID: Final = Kind(
    name=r"App\Jobs\FindingAidJob",
    type="finding_aid",
    weight=3,
    typical_seconds=30,
    steps=("Finding aid of {n} descriptions.", "EAD written, {n} KB.", "Making the PDF."),
    failures=("Fatal: description {n} has no title.", "Fatal: the disk is full after {n} pages."),
    about_record=True,
    result="pdf",
    writer=Writer.HERATIO,
)
CHECKSUMS: Final = Kind(
    name="Verify checksums",
    type="fixity_check",
    weight=2,
    typical_seconds=240,
    steps=('{{"checked": {n}, "changed": 0, "errors": [], "storage": "\\/uploads\\/r"}}',),
    failures=("The storage does not answer (file {n}).",),
    writer=Writer.PACKAGE,
)

FINDING_AID: Final = Kind(
    name="arFindingAidJob",
    type="finding_aid",
    weight=9,
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
    parameters={"format": "pdf", "model": "inventory-summary"},
    description="Generating finding aid for: {title}",
)
CSV_EXPORT: Final = Kind(
    name="arInformationObjectCsvExportJob",
    type="csv_export",
    weight=9,
    typical_seconds=60,
    steps=("Exported {n} descriptions.", "Copied {n} digital objects."),
    failures=("Cannot write to the export folder: No space left on device",),
    about_record=True,
    result="zip",
    parameters={
        "objectType": "informationObject",
        "includeDescendants": True,
        "includeDrafts": False,
        "params": {"fromClipboard": True, "slugs": ["brennan-letters-5", "dupont-fonds-0"]},
    },
    description="Exporting {n:,} descriptions for clipboard “{title}”.",
)
FILE_IMPORT: Final = Kind(
    name="arFileImportJob",
    type="file_import",
    weight=8,
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
    parameters={
        "importType": "csv",
        "objectType": "informationObject",
        "update": "match-and-update",
        "index": True,
        "file": {"name": "accessions-2026.csv", "tmp_name": "/uploads/tmp/TMPa81Kc2.csv"},
    },
)
OBJECT_MOVE: Final = Kind(
    name="arObjectMoveJob",
    type="object_move",
    weight=8,
    typical_seconds=12,
    steps=("Moved; {n} descendants updated.",),
    failures=("Parent {n} does not exist.",),
    about_record=True,
    parameters={"parentId": 512},
)
VALIDATION: Final = Kind(
    name="arValidateCsvJob",
    type="validate_csv",
    weight=5,
    typical_seconds=6,
    steps=("{n} rows validated, 0 errors, no warnings.", "{n} rows validated, 2 warnings."),
    failures=("The file has no header row; first cell: {n}.",),
    parameters={"importType": "csv", "file": {"name": "error.csv"}},
)

ATOM_KINDS: Final = (
    SEARCH_UPDATE,
    FINDING_AID,
    CSV_EXPORT,
    Kind(
        name="arInformationObjectXmlExportJob",
        type="xml_export",
        weight=5,
        typical_seconds=50,
        steps=("Exported {n} descriptions as EAD 2002.",),
        failures=("Invalid XML character (Unicode: 0x1F) in description {n}.",),
        about_record=True,
        result="xml",
        parameters={"objectType": "informationObject", "current-level-only": False},
        description="Exporting {n:,} descriptions for clipboard “{title}”.",
    ),
    FILE_IMPORT,
    OBJECT_MOVE,
    Kind(
        name="arUpdatePublicationStatusJob",
        type="publication_status",
        weight=10,
        typical_seconds=15,
        steps=("Publication status set for {n} descendants.",),
        failures=("SQLSTATE[40001]: Serialization failure: 1213 Deadlock found at {n}",),
        about_record=True,
        parameters={"publicationStatusId": 160},
        description="Publishing “{title}” and all below it.",
    ),
    Kind(
        name="arInheritRightsJob",
        type="inherit_rights",
        weight=6,
        typical_seconds=20,
        steps=("Rights applied to {n} descendants.", "Kept {n} records with rights of their own."),
        failures=("Rights record {n} does not exist.",),
        about_record=True,
        parameters={"overwrite_or_combine": "combine", "all_or_digital_only": "all"},
    ),
    Kind(
        name="arCalculateDescendantDatesJob",
        type="descendant_dates",
        weight=6,
        typical_seconds=8,
        steps=("Dates computed from {n} descendants.",),
        failures=("The start date of descendant {n} is after its end date.",),
        about_record=True,
        parameters={"eventTypeId": 111},
    ),
    Kind(
        name="arGenerateReportJob",
        type="report",
        weight=4,
        typical_seconds=30,
        steps=("Report of {n} rows written.",),
        failures=("The report template has an unknown column: {n}.",),
        result="csv",
        parameters={"reportType": "itemList", "reportTypeLabel": "item list", "sortBy": "title"},
    ),
    VALIDATION,
)
KINDS: Final = (*ATOM_KINDS, FREE_TEXT, CSV_IMPORT, HERATIO_FINDING_AID, CHECKSUMS)

STARTED: Final = "Job started."
FINISHED: Final = "Job finished."
RETRY: Final = "Another sensitive job runs; trying again in 10 seconds."
"""What a job of AtoM writes while it waits for another."""
NO_ROW: Final = "Row {n}: the column “title” is empty."
NO_DATE: Final = "Row {n}: the date “vers 1890?” has no year."
INDEXING: Final = "Indexing the imported records."

TRANSLATIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        STARTED: "La tâche a commencé.",
        FINISHED: "La tâche est terminée.",
        NO_ROW: "Ligne {n} : la colonne « title » est vide.",
        NO_DATE: "Ligne {n} : la date « vers 1890? » est sans année.",
        "Row {n} imported.": "Ligne {n} importée.",
        "Importing {n} records.": "Importation de {n} notices.",
        "Exported {n} descriptions.": "{n} descriptions exportées.",
        "Copied {n} digital objects.": "{n} objets numériques copiés.",
        "Generating finding aid ({n} descriptions).": "Instrument de recherche : {n} descriptions.",
        "Generating finding aid for: {title}": "Instrument de recherche pour : {title}",
        "Updating {n} descriptions in the index.": "Mise à jour de {n} descriptions dans l’index.",
        "Publication status set for {n} descendants.": "Statut de publication : {n} descendants.",
    },
    "pt": {
        STARTED: "A tarefa foi iniciada.",
        FINISHED: "A tarefa foi concluída.",
        NO_ROW: "Linha {n}: a coluna “title” está vazia.",
        NO_DATE: "Linha {n}: a data “vers 1890?” não tem ano.",
        "Row {n} imported.": "Linha {n} importada.",
        "Importing {n} records.": "A importar {n} registos.",
        "Exported {n} descriptions.": "{n} descrições exportadas.",
        "Copied {n} digital objects.": "{n} objetos digitais copiados.",
        "Generating finding aid ({n} descriptions).": "Instrumento de pesquisa: {n} descrições.",
        "Generating finding aid for: {title}": "Instrumento de pesquisa para: {title}",
        "Updating {n} descriptions in the index.": "A atualizar {n} descrições no índice.",
        "Publication status set for {n} descendants.": "Estado de publicação: {n} descendentes.",
    },
}
"""AtoM's sentences by the user's culture; one without a translation stays English, as in AtoM."""

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
