"""Readable names of jobs: the platform stores the name of a class."""

from __future__ import annotations

import re
from typing import Final

from jobs_data.platform import values

_KNOWN: Final = {
    "arFindingAidJob": "Finding aid",
    "arInformationObjectCsvExportJob": "CSV export",
    "arInformationObjectXmlExportJob": "XML export",
    "arActorCsvExportJob": "CSV export of authority records",
    "arActorXmlExportJob": "XML export of authority records",
    "arRepositoryCsvExportJob": "CSV export of repositories",
    "arFileImportJob": "Import",
    "arObjectMoveJob": "Move",
    "arUpdatePublicationStatusJob": "Publication status",
    "arInheritRightsJob": "Inherit rights",
    "arCalculateDescendantDatesJob": "Calculate dates",
    "arGenerateReportJob": "Report",
    "arUpdateEsIoDocumentsJob": "Search index update",
    "arUpdateEsActorDocumentsJob": "Search index update of authority records",
    "arValidateCsvJob": "CSV check",
}

_CLASS: Final = re.compile(r"(?:ar|\\?App\\Jobs\\(?:[A-Za-z]\w*\\)*)([A-Z][A-Za-z0-9]*?)Job", re.ASCII)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ACRONYMS: Final = frozenset({"Csv", "Xml", "Pdf", "Ead", "Eac", "Skos", "Url", "Dip", "Aip", "Oai"})


def human_name(name: str) -> str:
    """Return the readable name for a stored name: `Finding aid` for `arFindingAidJob`.

    The name of another class of the platform is split into its words. Other names are unchanged; a
    blank name becomes `values.UNKNOWN_NAME`.
    """
    if known := _KNOWN.get(name):
        return known
    if (found := _CLASS.fullmatch(name)) is None:
        return values.name_called(name)
    if known := _KNOWN.get(f"ar{found[1]}Job"):
        return known
    words = [_as_said(word) for word in _WORD.findall(found[1])]
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


def _as_said(word: str) -> str:
    """Return a word of a class's name as it stands in a sentence."""
    if word in _ACRONYMS or (word.isupper() and len(word) > 1):
        return word.upper()
    return word.lower()
