"""docs/troubleshoot.md has each error sentence of the code, and no other."""

import re

from tests.support.sentences import ROOT, error_sentences

DOCUMENT = ROOT / "docs" / "troubleshoot.md"
SENTENCES = error_sentences()
LEAST = 9
"""How many letters a quotation must have, so that it stands for one error."""


def quotations() -> list[str]:
    """Return what stands in the first column of its tables; `…` stands for any text."""
    rows = re.findall(r"^\| (`.+?) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return [quoted for row in rows for quoted in re.findall(r"`([^`]+)`", row)]


def pattern(quoted: str) -> str:
    """Return a regular expression for a quotation; at its beginning, `…` stands for itself."""
    first = "…" * quoted.startswith("…")
    return first + ".*".join(map(re.escape, quoted.removeprefix(first).split("…")))


def test_each_error_sentence_has_its_cause_and_cure() -> None:
    known = re.compile("|".join(map(pattern, quotations())))
    missing = [f"{file}: {text}" for text, file in SENTENCES.items() if not known.fullmatch(text)]
    assert not missing


def test_the_document_quotes_no_sentence_that_is_not() -> None:
    for quoted in quotations():
        assert len(quoted.replace("…", "")) >= LEAST, quoted
        assert [text for text in SENTENCES if re.fullmatch(pattern(quoted), text)], quoted
