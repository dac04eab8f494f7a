"""The text of a search is read as its user means it, and removing one part leaves the others."""

import pytest

from jobs_data.jobs.search_words import parse_search, without

PLAIN = [
    *("Import: accessions-2026.csv", "12:30", "https://archive.example/error:disk", "error:"),
    *("Error: file not found", 'error: "disk"', 'error:""', 'note:"', "output:“” x", 'param:" "'),
    *('say "error"', "App\\Jobs\\FindingAidJob", "terror:disk", "note", ":", "param :x"),
]


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Names, addresses and times have colons, too."""
    assert [(part.words, part.within, part.typed) for part in parse_search(text)] == [
        (text, None, text)
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("error:disk", [("error", "disk")]),
        ("ERROR:disk", [("error", "disk")]),
        ('output:"no space  left"', [("output", "no space left")]),
        ("output:“no space left”", [("output", "no space left")]),
        ('note:"not closed', [("note", "not closed")]),
        ('output:" no space"', [("output", "no space")]),
        ('error:"" error:disk', [(None, 'error:""'), ("error", "disk")]),
        ("param:{12%_", [("param", "{12%_")]),
        ("a error:b c error:b note:d", [(None, "a c"), ("error", "b"), ("note", "d")]),
        ('output:say"hi" x', [(None, "x"), ("output", 'say"hi"')]),
    ],
)
def test_a_prefix_says_where_its_words_are(text: str, parts: list[tuple[str | None, str]]) -> None:
    """A word, or several in quotes, which a phone may have curled; the rest is one plain text."""
    found = parse_search(text)
    assert [(part.within, part.words) for part in found] == parts
    for part in found:
        left = parse_search(without(found, part))
        assert left == tuple(other for other in found if other != part)
