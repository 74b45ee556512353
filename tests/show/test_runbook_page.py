"""The runbook as the daemon serves it: the text of docs/runbook.md, an anchor a section, and no HTML but ours."""

from collections import Counter
from dataclasses import replace
from functools import cache

from migrawatch.reason import Reason
from migrawatch.show.board import Board
from migrawatch.show.page import Page
from migrawatch.show.runbook import rendered, runbook, runbook_file
from tests.docs.markdown import ROOT, sections
from tests.docs.test_runbook import told
from tests.show.scenes import NOW, healthy
from tests.show.test_page import Reader
from tests.show.test_server import open_door
from tests.tell.stories import incident


@cache
def page() -> Reader:
    return Reader(runbook())


def test_every_section_is_found_by_the_name_that_links_give_it() -> None:
    """Those in the text, of the rules for Prometheus, and on GitHub."""
    assert runbook_file() == ROOT / "docs/runbook.md"
    assert page().ids == [section.anchor for section in sections(ROOT / "docs/runbook.md")]


def test_every_reason_that_can_be_told_has_one_place_to_lead_to() -> None:
    counted = Counter(page().ids)

    assert {reason for reason in told() if counted[reason] != 1} == set()


def test_no_link_of_it_leads_nowhere() -> None:
    """What lies beside it in docs/ is not served: its name is said."""
    anchors = {f"#{name}" for name in page().ids}

    assert {link for link in page().addresses if link not in anchors} == {"data:,", "./"}
    assert "heartbeats (docs/heartbeats.md)" in page().text


def test_html_in_the_text_is_shown_and_never_passed_on() -> None:
    found = Reader(
        rendered("<script>x</script>\n\na <b onclick=x>b</b> [c](javascript:x) `<i>` ![d](https://e.example/f)\n")
    )

    assert set(found.tags) <= {"p", "code", "img"}
    assert "<script>x</script> a <b onclick=x>b</b> [c](javascript:x) <i>" in found.text


def test_the_text_arrives_as_it_is_written() -> None:
    """Tables, commands with their `<` and `&&`, a word of code in a heading."""
    assert "DOWN: mpanel-core hangs: it accepts connections and answers nothing" in page().text
    assert 'ssh srv1 "nginx -t && systemctl reload nginx"' in page().text
    assert "nc -w 10 10.1.10.101 587 </dev/null" in page().text
    assert {"table", "pre", "h3"} <= set(page().tags)


async def test_it_is_served_and_may_load_and_run_nothing() -> None:
    async with open_door(healthy()) as client:
        answer = await client.get("/runbook")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text == runbook()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_incident_without_a_runbook_of_its_own_leads_to_the_reasons_section_here() -> None:
    """Whatever name we are seen under: the link is relative."""
    found = Board(lambda: NOW)
    bare = incident()
    found.judged((replace(bare, cause=replace(bare.cause, runbook="")),))

    assert f"runbook#{Reason.PROCESS_STOPPED}" in Reader(Page(found).whole()).addresses
