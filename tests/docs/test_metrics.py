"""The page of all metrics is made from the code, is current, and leaves nothing out."""

from migrawatch.daemon.reference import reference
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs/metrics.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == reference(), "run: python -m migrawatch.daemon.reference > docs/metrics.md"


def test_every_metric_of_the_goldens_is_told() -> None:
    """What the kinds really expose, in health and in a fault."""
    page = PAGE.read_text()
    exposed = {
        line.split()[2]
        for path in (ROOT / "tests/contract/golden").glob("*.prom")
        for line in path.read_text().splitlines()
        if line.startswith("# HELP")
    }

    assert len(exposed) > 50
    assert [name for name in sorted(exposed) if f"| `{name}` |" not in page] == []


def test_a_metric_has_its_type_labels_and_meaning() -> None:
    page = PAGE.read_text()

    assert "| `migrawatch_notices_total` | counter | `receiver`, `outcome` | Attempts to tell, by outcome. |" in page
    assert "| `migrawatch_vantage_up` | gauge | `vantage` |" in page
    assert "| `probe_http_duration_seconds` | `phase` | Duration of http request by phase" in page
