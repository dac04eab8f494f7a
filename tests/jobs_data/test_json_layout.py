"""JSON with one value a line, and not one character of a value changed."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_data.json_layout import indented

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
SCALARS = [
    "1e400",
    "0.10",
    "1E5",
    "1e+05",
    "-0",
    "-0.0",
    "12345678901234567890123",
    "1" * 5_000,
    '"\\u00e9\\/\\n\\u0000"',
    '"\u00e9 \u202e \\"{[,:]}\\""',
    "true",
    "null",
]


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_value_stays_as_it_is_written(scalar: str) -> None:
    """Numbers that no parser keeps, and escapes."""
    assert indented(f'{{"a":{scalar},"b":[{scalar}]}}') == (
        f'{{\n  "a": {scalar},\n  "b": [\n    {scalar}\n  ]\n}}'
    )
    assert indented(scalar) == scalar


def test_keys_keep_their_order_and_their_number() -> None:
    """The same key twice is two keys."""
    assert indented('{"b":1,"a":2,"b":3,"c":{},"d":[ ]}') == (
        '{\n  "b": 1,\n  "a": 2,\n  "b": 3,\n  "c": {},\n  "d": []\n}'
    )


@given(VALUES, st.booleans())
def test_it_is_laid_out_as_usual(value: Any, ascii_only: bool) -> None:
    """Where a parser changes nothing, the result is the parser's."""
    text = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    assert indented(text) == json.dumps(value, ensure_ascii=ascii_only, indent=2)
    assert indented(indented(text)) == indented(text)


@pytest.mark.parametrize("opens", ["[", '{"a":'])
@pytest.mark.parametrize("levels", [33, 2_000, 20_000])
def test_deep_nesting_is_no_error(opens: str, levels: int) -> None:
    """Only the space between the tokens grows, and not without end."""
    text = opens * levels + "1" + {"[": "]", "{": "}"}[opens[0]] * levels
    shown = indented(text)
    assert re.sub(r"\s", "", shown) == text
    assert len(shown) < 200 * levels


def test_a_text_that_would_grow_too_long_stays_as_it_is() -> None:
    """A hundred thousand brackets would be megabytes of spaces."""
    text = "[" * 100_000 + "]" * 100_000
    assert indented(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "{", "]", "[1,]", "[,1]", '{"a"}', '{"a":}', '{"a":1,}', "{1:2}", "{}{}", "[1 2]"),
        *(
            "[01]",
            "[1.]",
            "[.5]",
            "[+1]",
            "[-]",
            "[1e]",
            "[NaN]",
            "[Infinity]",
            "[tru]",
            "['a']",
            "[1]x",
        ),
        *('["\t"]', '["\\x"]', '["\\u12g4"]', '["a]', "\ufeff[1]", "[\u0661]", "[1,\u00a02]"),
        *("ERROR: no", 'a:1:{i:0;s:3:"abc";}', 'O:8:"stdClass":1:{s:4:"\0*\0a";i:1;}'),
    ],
)
def test_what_is_not_json_stays_as_it_is(text: str) -> None:
    """Broken, cut, of another notation, or serialised by PHP."""
    assert indented(text) == text
