"""Which language stands in for which."""

import pytest

from jobs_data.platform.cultures import fallbacks, preference
from jobs_data.settings import Settings


@pytest.mark.parametrize(
    ("culture", "chain"),
    [
        ("en", ["en"]),
        ("de_AT", ["de_AT", "de"]),
        ("de-AT", ["de-AT", "de_AT", "de"]),
        ("zh_Hant_TW", ["zh_Hant_TW", "zh_Hant", "zh"]),
        ("pt_BR@latin", ["pt_BR@latin", "pt_BR", "pt"]),
        ("fr_CA.UTF-8", ["fr_CA.UTF-8", "fr_CA", "fr"]),
        ("de_DE.UTF-8@euro", ["de_DE.UTF-8@euro", "de_DE@euro", "de_DE", "de"]),
    ],
)
def test_a_culture_falls_back_step_by_step(culture: str, chain: list[str]) -> None:
    """Each of these can be set."""
    assert list(fallbacks(Settings(culture=culture).culture)) == chain


def test_english_comes_before_any_other_language() -> None:
    """However the platform spells a culture."""
    found = ["fr", "en", "de", "DE-at", "de_CH"]
    assert sorted(found, key=preference("de_AT")) == ["DE-at", "de", "en", "fr", "de_CH"]
