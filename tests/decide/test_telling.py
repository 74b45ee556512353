"""Whatever happens under maintenance, acknowledged or not, reminded and escalated: nobody is left without the end."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from migrawatch.decide.incident import Ack, Change
from migrawatch.decide.route import Addresses, Route, Step
from migrawatch.model import Severity
from migrawatch.reason import Reason
from tests.decide.rooms import NO_DATABASE
from tests.decide.shops import Shop, window

R = Reason
TROUBLES = (
    {},
    NO_DATABASE,
    {name: reason for name, reason in NO_DATABASE.items() if name != "db-unit"},
    {"db-unit": R.SLOW},
    {"closed/5432": R.PORT_EXPOSED},
    {**NO_DATABASE, "closed/5432": R.PORT_EXPOSED},
    {"pm2/mpanel-backend": R.PROCESS_STOPPED},
)
REMIND = 600.0
ROUTES = (
    Route(to=("pager",), severity=Severity.CRITICAL, remind=REMIND, escalate=(Step(after=300.0, to=("boss",)),)),
    Route(to=("ops",), remind=2 * REMIND),
)
WINDOWS = (
    window(("db-core",), 120, 900, "a"),
    window(("srv1",), 600, 1200, "b"),
    window(("mpanel-core",), 0, 300, "c"),
)

moves = st.tuples(
    st.sampled_from(range(len(TROUBLES))),
    st.sampled_from((1.0, 30.0, 200.0, 1000.0)),
    st.sampled_from(("look", "look", "look", "ack", "withdraw", "restart", "end windows")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(moves, min_size=5, max_size=20))
def test_who_hears_of_an_incident_hears_of_its_end_once_and_what_is_quiet_stays_quiet(
    history: list[tuple[int, float, str]],
) -> None:
    shop = Shop(addresses=Addresses(routes=ROUTES), windows=WINDOWS)
    for trouble, pause, move in history:
        if move in ("ack", "withdraw"):
            for key, one in shop.incidents.items():
                ack = Ack(by="ann", at=shop.now, severity=one.severity) if move == "ack" else None
                shop.incidents[key] = replace(one, ack=ack)
        elif move == "restart":
            shop.restart()
        elif move == "end windows":
            shop.windows = ()
        for length in (pause, 1.0, 1.0):
            look(shop, TROUBLES[trouble], length)
    for _ in range(8):
        look(shop, {}, 60.0)

    assert not shop.incidents
    check_ends(shop)
    check_reminders(shop)


def look(shop: Shop, bad: dict[str, Reason], pause: float) -> None:
    """Look at everything, see what is told, and that nobody is told of what lies in a window."""
    shop.see_all(bad, pause=pause)
    for told in shop.outcome.told:
        incident = told.notice.incident
        standing = shop.standings[incident.cause.check]
        covered = [w for w in shop.windows if w.span(shop.now) and w.fits(standing.subject)]
        assert told.notice.change is Change.RESOLVED or not covered
        if told.notice.change in (Change.REMINDER, Change.ESCALATED):
            assert not incident.is_answered
        shop.heard += [(incident.id, told.notice.change, name, shop.now) for name in told.receivers]


def check_ends(shop: Shop) -> None:
    """Everybody who heard of an incident heard of its end, once and last; nobody else did; one opening each."""
    by_pair: dict[tuple[str, str], list[Change]] = {}
    for incident, change, receiver, _ in shop.heard:
        by_pair.setdefault((incident, receiver), []).append(change)
    for heard in by_pair.values():
        assert heard[-1] is Change.RESOLVED
        assert heard.count(Change.RESOLVED) == 1
        assert len(heard) > 1
        assert heard.count(Change.OPENED) + heard.count(Change.ESCALATED) <= 1
    opened = Counter(notice.incident.id for notice in shop.notices if notice.change is Change.OPENED)
    assert not opened or max(opened.values()) == 1
    keys = [notice.key for notice in shop.notices]
    assert len(keys) == len(set(keys))


def check_reminders(shop: Shop) -> None:
    """Between two reminders of one incident lies the length that was asked for; one letter a round for a receiver."""
    last: dict[tuple[str, str], object] = {}
    rounds: Counter[tuple[str, object]] = Counter()
    for incident, change, receiver, at in shop.heard:
        if change is Change.REMINDER:
            rounds[receiver, at] += 1
            before = last.get((incident, receiver))
            assert before is None or (at - before).total_seconds() >= REMIND  # type: ignore[operator]
        last[incident, receiver] = at
    assert not rounds or max(rounds.values()) == 1
