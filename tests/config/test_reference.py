"""The reference is made from the code and is current."""

from pathlib import Path

from migrawatch.config.reference import reference
from tests.config.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs/configuration.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == reference(), "run: python -m migrawatch.config.reference > docs/configuration.md"


def test_a_kinds_settings_are_told_with_type_default_and_meaning() -> None:
    page = reference(KINDS)

    assert "| `dial` | text |  | Where to connect instead. |" in page
    assert "| `expect.status` | whole number or list of whole number | `200` |  |" in page
    assert "| `headers` | mapping to text or secret |  |  |" in page
    assert "| `url` | text | **must be set** |  |" in page
    assert "| `every` | duration | `30s` | How often the check looks. |" in page
