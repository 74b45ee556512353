"""The status page: the cause first, every value escaped, nothing from elsewhere."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from migrawatch.decide.incident import Change, Difference, Quiet
from migrawatch.decide.maintenance import Window, lying_in, standing_of
from migrawatch.model import Evidence, Finding, Severity, Subject, Verdict
from migrawatch.reason import Reason
from migrawatch.show.board import Board
from migrawatch.show.live import changed
from migrawatch.show.markup import fill, link
from migrawatch.show.page import Page
from migrawatch.tell.courier import QueueStanding
from tests.show.scenes import NOW, SUBJECTS, board, faulty, healthy, reach, seen
from tests.tell.stories import AT, incident


class Reader(HTMLParser):
    """The page as a browser takes it apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.ids += [str(named["id"])] if "id" in named else []
        self.addresses += [str(named[name]) for name in ("href", "src") if name in named]
        assert not any(name.startswith("on") for name in named), attrs

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] not in (["title"], ["style"], ["script"]):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(of: Board) -> Reader:
    return Reader(Page(of).whole())


def test_the_cause_comes_before_everything_else() -> None:
    """At 3 a.m. the first lines are what is read."""
    text = read(faulty()).text

    order = ["1 thing is broken", "mpanel-backend is stopped on mpanel-core", "process_stopped", "pm2 restart",
             "backend@srv1", "mpanel-core: pm2 jlist", "migrawatch probe pm2/mpanel-backend",
             "connect_refused: connect"]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_hosts_in_trouble_come_first_and_their_worst_checks_first() -> None:
    """Nobody scrolls for what is broken."""
    ids = [name for name in read(faulty()).ids if name.startswith(("host-", "check-"))]

    assert ids[0] == "host-mpanel-core"
    assert ids[-2:] == ["host-db-core", "check-db-select-1"]
    assert ids.index("check-api-public") < ids.index("check-login-page") < ids.index("check-closed/5432")


def test_health_says_so() -> None:
    """A green page says what it covers."""
    text = read(healthy()).text

    assert "Everything holds 8 ok" in text


def test_what_is_not_decided_yet_is_not_called_well() -> None:
    """Between the first failure and the decision the page must not say that everything holds."""
    found = healthy()
    found.observed(seen(SUBJECTS[0], Finding(Verdict.DOWN, Reason.HTTP_STATUS, "HTTP 500")))

    assert "1 check is being looked into" in read(found).text


@pytest.mark.parametrize(
    ("of", "headline"),
    [
        (board(), "Looking around for the first time"),
        (Board(lambda: NOW), "Nothing is watched"),
    ],
)
def test_a_board_with_nothing_seen_claims_nothing(of: Board, headline: str) -> None:
    """Right after the start nothing is known."""
    assert headline in read(of).text


def test_a_check_that_could_not_be_looked_at_is_not_called_well() -> None:
    """Unknown is not ok either."""
    found = healthy()
    found.observed(seen(SUBJECTS[-1], Finding(Verdict.UNKNOWN, Reason.UPLINK_LOST, "no way out")))

    assert "1 check cannot be looked at" in read(found).text


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>{name}'


def test_no_value_from_outside_becomes_markup() -> None:
    """Bodies, logs and banners of others end up in evidence."""
    nasty = Subject(check=EVIL, probe=EVIL, host=EVIL, service=EVIL, vantage=EVIL, target=EVIL, needs=(EVIL,))
    found = Board(lambda: NOW)
    found.watch((nasty,))
    found.observed(seen(nasty, Finding(Verdict.DOWN, Reason.HTTP_BODY, EVIL), evidence=(Evidence(EVIL, EVIL),)))
    bad = incident()
    cause = replace(bad.cause, check=EVIL, detail=EVIL, summary=EVIL, host=EVIL, runbook=f"javascript:{EVIL}")
    bad = replace(bad, changed=(Difference(check=EVIL, what=EVIL, before=EVIL, after=EVIL, at=AT),), holds=(EVIL,))
    found.judged((replace(bad, cause=cause, symptoms=(EVIL,), remedy=(EVIL,), reproduce=EVIL, told=(EVIL,)),))

    page = read(found)

    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not any(address.startswith("javascript:") for address in page.addresses)


def test_what_changed_stands_above_what_to_type() -> None:
    """Who changed what is asked first; what holds is looked at last."""
    found = faulty()
    change = Difference(check="c", what="certificate of web", before="old", after="new", at=AT)
    found.judged((incident(changed=(change,), holds=("db-select-1@here",)),))

    text = read(found).text
    card = text[text.index("Changed") :]

    assert "certificate of web, seen 03:04:05, as it failed: old -> new" in card
    assert card.index("certificate of web") < card.index("Type next") < card.index("It needs, and these hold")


def test_nothing_is_loaded_from_elsewhere() -> None:
    """The page must work when the internet does not."""
    addresses = read(faulty()).addresses

    outside = [address for address in addresses if "//" in address and not address.startswith("data:")]
    assert outside == ["https://wiki.example/mpanel-backend"]


def test_our_own_trouble_is_on_the_page() -> None:
    """Nobody should trust a page whose pages do not go out."""
    found = healthy()
    found.trouble = lambda: "database or disk is full"
    found.set_aside = lambda: ("/var/lib/x/state.db.set-aside-1",)
    reach(found, srv1=False, mail=True)
    found.queues = lambda: [
        QueueStanding(receiver="oncall", waiting=2, oldest_at=AT, trouble="HTTP 503"),
        QueueStanding(receiver="chat", waiting=0, oldest_at=None, trouble="HTTP 422", refused=("i1-1",)),
    ]
    found.reloaded(False)

    text = read(found).text

    assert "State is not written to disk: database or disk is full." in text
    assert "what it was lies in /var/lib/x/state.db.set-aside-1." in text
    assert "No way to look from srv1." in text
    assert "2 notices wait for oncall: HTTP 503." in text
    assert "1 notice was refused by chat (i1-1): HTTP 422." in text
    assert "The last reload was refused" in text


def test_several_incidents_come_critical_first() -> None:
    """A warning that is older must not stand above what is down."""
    found = healthy()
    warning = replace(incident("w", severity=Severity.WARNING), opened_at=AT - timedelta(hours=1))
    found.judged((warning, incident("c")))

    ids = [name for name in read(found).ids if name.startswith("incident-")]

    assert ids == ["incident-c", "incident-w"]


async def test_a_check_is_rendered_again_only_when_it_was_seen() -> None:
    """A page that is open must not cost more than what changes."""
    found = healthy()
    page = Page(found)
    before = page.cards()
    kept = dict(page._lines)

    found.observed(seen(SUBJECTS[0], took=1.5))
    await page.prepare()
    after = page.cards()

    assert {name for name, line in page._lines.items() if line is not kept[name]} == {"login-page"}
    assert [name for name in after if after[name] != before[name]] == ["host-srv1"]
    assert "1.50 s" in after["host-srv1"]


async def test_a_removed_check_is_not_kept() -> None:
    """Reloads must not add up."""
    found = healthy()
    page = Page(found)
    await page.prepare()

    found.watch(SUBJECTS[:1])
    await page.prepare()

    assert list(page._lines) == ["login-page"]


def test_only_what_changed_is_sent() -> None:
    """One host's new look does not send the others again; a new order sends them all."""
    parts, cards = {"summary": "s"}, {"host-a": "1", "host-b": "2"}
    first, sent = changed({}, parts, cards)
    assert first == {"summary": "s", "hosts": "12"}

    second, sent = changed(sent, parts, {"host-a": "1", "host-b": "3"})
    assert second == {"host-b": "3"}

    third, _ = changed(sent, parts, {"host-b": "3", "host-a": "1"})
    assert third == {"hosts": "31"}


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "notes.txt", ""])
def test_only_a_web_address_becomes_a_link(address: str) -> None:
    """A runbook is configured by people who may mistype."""
    assert "<a" not in link(address, "text")


def test_a_template_escapes_what_it_is_given_once() -> None:
    """And leaves alone what was made by another template."""
    inner = fill("<b>{text}</b>", text="<&>")

    assert fill("<p>{inner}</p>", inner=inner) == "<p><b>&lt;&amp;&gt;</b></p>"


def test_the_style_is_readable_at_night_and_on_a_phone() -> None:
    """Both are asked for by the page itself."""
    page = Page(healthy()).whole()

    assert "prefers-color-scheme: dark" in page
    assert re.search(r'name="viewport" content="width=device-width', page)


def under_maintenance() -> Board:
    """mpanel-core is under maintenance for two hours; its backend is stopped, and nobody was told."""
    found = faulty()
    window = Window(
        name="disk<1>",
        hosts=("mpanel-core",),
        at=NOW - timedelta(hours=1),
        duration=7200,
        by="ann",
        note="a new <disk>",
    )
    planned = replace(window, name="later", at=NOW + timedelta(hours=1))
    found.maintenance = lambda: tuple(standing_of(each, lying_in(each, SUBJECTS), NOW) for each in (window, planned))
    quiet = Quiet(window=window.name, until=NOW + timedelta(hours=1), owed=Change.OPENED)
    found.judged((replace(found.incidents[0], quiet=quiet, told=()),))
    return found


def test_what_is_under_maintenance_is_shown_as_that_and_hidden_nowhere() -> None:
    text = read(under_maintenance()).text.replace(" :", ":")

    assert "1 thing is broken" in text
    assert (
        "Maintenance disk<1> until 24 Nov 04:06:05 UTC · 3 checks, of which nobody is told · ann: a new <disk>" in text
    )
    assert "under maintenance (disk<1>) until 24 Nov 04:06:05 UTC: nobody is told" in text
    assert text.count(" maintenance ") == 3 + 1 + 1  # the last one leads to the windows
    assert "later" not in text


def test_after_a_maintenance_the_page_says_what_is_waited_for() -> None:
    found = under_maintenance()
    found.maintenance = tuple
    found.now = lambda: NOW + timedelta(hours=1, seconds=1)

    text = read(found).text

    assert "the maintenance (disk<1>) ended 24 Nov 04:06:05 UTC : it is told if it is still down" in text
    assert "of which nobody is told" not in text
