"""Readable names of jobs: the platform stores the name of a class."""

from __future__ import annotations

import re
from typing import Final

from jobs_data.platform import values

# AtoM's classes, which Heratio took over, and those of Heratio and its packages.
_KNOWN: Final = {
    "arFindingAidJob": "Finding aid",
    "arInformationObjectCsvExportJob": "CSV export",
    "arInformationObjectXmlExportJob": "XML export",
    "arXmlExportSingleFileJob": "XML export of one description",
    "arActorCsvExportJob": "CSV export of authority records",
    "arActorXmlExportJob": "XML export of authority records",
    "arRepositoryCsvExportJob": "CSV export of repositories",
    "arPhysicalObjectCsvHoldingsReportJob": "Physical storage report",
    "arFileImportJob": "Import",
    "arObjectMoveJob": "Move",
    "arUpdatePublicationStatusJob": "Publication status",
    "arInheritRightsJob": "Inherit rights",
    "arCalculateDescendantDatesJob": "Calculate dates",
    "arGenerateReportJob": "Report",
    "arUpdateEsIoDocumentsJob": "Search index update",
    "arUpdateEsActorDocumentsJob": "Search index update of authority records",
    "arUpdateEsActorRelationsJob": "Search index update of relations",
    "arValidateCsvJob": "CSV check",
    "qtSwordPluginWorker": "SWORD deposit",
    "BuildNerAnnotationsForCanvas": "Entity annotations of an image",
    "FusekiSyncJob": "Linked data sync",
    "GenerateMediaDerivativesJob": "Media derivatives",
    "ImportJob": "Import",
    "IngestCommitJob": "Ingest",
    "IngestDipFromSs": "Import of a DIP",
    "IngestSharePointEventJob": "SharePoint import",
    "NormalizeDigitalObjectJob": "File normalization",
    "PollArchivematicaJobs": "Archivematica status",
    "ProcessPointCloud": "Point cloud",
    "ProcessScanFile": "Scanned file",
    "RegisterDataciteEventJob": "DataCite registration",
    "ScanDatasetJob": "Dataset scan",
    "ScoreMentionEvidenceJob": "Authority match scores",
}

_CLASS: Final = re.compile(
    r"ar(?P<atom>[A-Z][A-Za-z0-9]*?)Job"
    r"|\\?(?:[A-Za-z]\w*\\)+Jobs\\(?:[A-Za-z]\w*\\)*(?P<class>(?P<words>[A-Z][A-Za-z0-9]*?)(?:Job)?)",
    re.ASCII,
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ACRONYMS: Final = frozenset({"Csv", "Xml", "Pdf", "Ead", "Eac", "Skos", "Url", "Dip", "Aip", "Oai"})


def human_name(name: str) -> str:
    """Return the readable name for a stored name: `Finding aid` for `arFindingAidJob`.

    The name of another class of the platform or its packages is split into its words. Other names are
    unchanged; a blank name becomes `values.UNKNOWN_NAME`.
    """
    if known := _KNOWN.get(name):
        return known
    if (found := _CLASS.fullmatch(name)) is None:
        return values.name_called(name)
    stem = found["atom"] or found["words"]
    if known := _KNOWN.get(found["class"] or "", _KNOWN.get(f"ar{stem}Job")):
        return known
    words = [_as_said(word) for word in _WORD.findall(stem)]
    first = words[0]
    return " ".join([first[0].upper() + first[1:], *words[1:]])


def classes_called(words: str) -> list[str]:
    """Return the known classes whose readable name has some words, without `ar` and `Job`."""
    found = words.casefold()
    return [
        name.removeprefix("ar").removesuffix("Job")
        for name, known in _KNOWN.items()
        if found in known.casefold()
    ]


def both_names(name: str) -> str:
    """Return the readable name with the stored one beside it, where that is another."""
    readable = human_name(name)
    return name if readable == name else f"{readable} ({name})"


def _as_said(word: str) -> str:
    """Return a word of a class's name as it stands in a sentence."""
    if word in _ACRONYMS or (word.isupper() and len(word) > 1):
        return word.upper()
    return word.lower()
