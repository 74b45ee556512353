"""Templates of the operator's own; a broken one costs nobody a page, and is said."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from migrawatch.decide.incident import Change
from migrawatch.tell.email import Email
from migrawatch.tell.page import headline
from migrawatch.tell.specimen import specimens
from migrawatch.tell.template import NAMES, Templates, read_templates
from tests.tell.stories import AT, incident, letter


def templates(folder: Path, **texts: str) -> Templates:
    """Templates of one's own, by their name with an underscore for the dot."""
    for name, text in texts.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(text)
    return read_templates(str(folder))


@pytest.mark.parametrize("name", NAMES)
def test_the_built_in_templates_take_every_shape_of_a_letter(name: str) -> None:
    rendered = [Templates().rendered(name, each, "https://q") for each in specimens()]

    assert all(text.strip() and "built-in" not in text for text in rendered)


def test_specimens_are_of_every_change() -> None:
    """A template that fails on a rare notice would fail on the night of it."""
    assert {each.notice.change for each in specimens()} == set(Change)
    assert any(each.was_down for each in specimens())


def test_a_template_of_ones_own_replaces_ours_and_the_others_stay(tmp_path: Path) -> None:
    own = templates(tmp_path, mail_txt="{{ incident.cause.host }} / {{ incident.severity }} / {{ change }}\n")

    assert own.rendered("mail.txt", letter()) == "mpanel-core / critical / opened\n"
    assert own.rendered("mail.html", letter()) == Templates().rendered("mail.html", letter())


def test_ours_can_be_put_into_ones_own(tmp_path: Path) -> None:
    """Most want one line more, not another page."""
    own = templates(tmp_path, mail_txt='{% include "builtin/mail.txt" %}Call 555-0100.\n{% include "_sign.txt" %}')
    (tmp_path / "_sign.txt").write_text("-- ops")

    told = read_templates(str(tmp_path)).rendered("mail.txt", letter())

    assert told.startswith(headline(letter()))
    assert told.endswith("Call 555-0100.\n-- ops")
    assert "_sign.txt" in own.rendered("mail.txt", letter())  # it was not there when these were read


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("one\n{% if %}", 2, "Expected an expression, got 'end of statement block'"),
        ("one\ntwo\n{{ incident.causes }}", 3, "UndefinedError: "),
        ("{{ headline }}\n{{ 1 / 0 }}", 2, "ZeroDivisionError: division by zero"),
        ("{{ headline.__class__.__mro__ }}", 1, "SecurityError: "),
        ("{% include 'mail.html' %}", 1, "TemplateNotFound: mail.html"),
        ("{% if resolved %}over{% endif %}\n", 1, "gives an empty page"),
    ],
)
def test_a_broken_template_gives_our_page_and_says_so(tmp_path: Path, text: str, line: int, what: str) -> None:
    """Never a lost notice, and never silence about why it looks different."""
    own = templates(tmp_path, mail_txt=text)

    with capture_logs() as logs:
        told = own.rendered("mail.txt", letter())

    assert told.startswith(headline(letter()))
    assert "incident i1" in told
    assert f"This is the built-in page: mail.txt: {what}" in told
    assert [(each["event"], each["line"], each["log_level"]) for each in logs] == [("template_broken", line, "error")]
    assert logs[0]["file"] == str(tmp_path / "mail.txt")
    [broken] = own.broken(specimens())
    assert (broken.file, broken.line) == (str(tmp_path / "mail.txt"), line)
    assert broken.what.startswith(what)


def test_a_mistake_in_a_part_is_told_where_it_is(tmp_path: Path) -> None:
    own = templates(tmp_path, _part_txt="x\n{{ nothing }}", mail_txt="{% include '_part.txt' %}")

    [broken] = own.broken(specimens())

    assert str(broken) == f"{tmp_path}/_part.txt:2: UndefinedError: 'nothing' is undefined"


def test_a_template_that_only_some_letters_break_is_found(tmp_path: Path) -> None:
    """It would be found on the night on which somebody acknowledges."""
    own = templates(tmp_path, chat_txt="x\n{% if incident.ack %}{{ incident.ack.name }}{% endif %}")

    [broken] = own.broken(specimens())

    assert (broken.line, "name" in broken.what) == (2, True)


def test_what_was_seen_is_no_markup_in_ones_own_either(tmp_path: Path) -> None:
    own = templates(tmp_path, mail_html="<p>{{ incident.cause.detail }}</p>")
    nasty = replace(incident().cause, detail="<script>")

    assert own.rendered("mail.html", letter(of=incident(cause=nasty))) == "<p>&lt;script&gt;</p>"


def test_a_mail_is_written_with_ones_own(tmp_path: Path) -> None:
    own = templates(tmp_path, mail_txt="text {{ incident.id }}\n", mail_html="<b>{{ 1 / 0 }}</b>")
    sender = Email("m", None, "a@example.org", ("b@example.org",), lambda: AT, templates=own)  # type: ignore[arg-type]

    mail = sender.message(letter())

    text, html = (part.get_content() for part in mail.iter_parts())
    assert text == "text i1\n"
    assert "This is the built-in page: mail.html: ZeroDivisionError" in html
    assert "process_stopped" in html


def test_the_page_for_operators_names_all_that_a_template_is_given(tmp_path: Path) -> None:
    """And its example works."""
    text = (Path(__file__).parents[2] / "docs/deployment.md").read_text().partition("### Templates of your own")[2]
    named = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    example = text.partition("```jinja\n")[2].partition("```")[0]
    own = templates(tmp_path, mail_txt=example, chat_txt="".join(f"{{{{ {name} }}}}" for name in named))

    assert named == {"headline", "lines", "incident", "change", "resolved", "link", "trouble"}
    assert list(own.broken(specimens())) == []
    assert "The bridge is open" in own.rendered("mail.txt", letter())
