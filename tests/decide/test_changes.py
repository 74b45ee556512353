"""What changed since all was well: kept from look to look, and told with the cause."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from migrawatch.decide.changes import LOOKBACK
from migrawatch.decide.changes import MOST as MOST_TOLD
from migrawatch.decide.incident import Difference
from migrawatch.decide.knowledge import LONGEST, MOST, Knowledge, learned
from migrawatch.decide.standing import Standing
from migrawatch.decide.summary import cause_of
from migrawatch.model import Fact, Measure, Reading
from migrawatch.reason import Reason
from tests.decide.boards import START, Room, observation, subject
from tests.decide.rooms import STOPPED

CONFIGURATION = "configuration of nginx on srv1"
CERTIFICATE = "certificate of migrapanel.com"
ADDRESSES = "addresses of migrapanel.com"
SITE = subject("login-page", "srv1", "migrapanel.com")


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def known_after(*looks: Iterable[Fact]) -> Knowledge:
    """What is known after looks, ten seconds apart, that saw these facts."""
    known: Knowledge = {}
    last = None
    for number, facts in enumerate(looks):
        seen = observation(SITE, START + at(10 * number), facts=facts)
        known = learned(known, seen, last)
        last = seen
    return known


def changed(room: Room) -> dict[str, Difference]:
    """What the only open incident tells of changes."""
    room.judge()
    [incident] = room.incidents.values()
    return {told.what: told for told in incident.changed}


def test_a_fact_is_kept_with_its_value_and_when_it_changed() -> None:
    known = known_after([Fact("a", "1")], [Fact("a", "1")], [Fact("a", "2")])["a"]

    assert known.value == "2"
    assert [(turn.before, turn.at, turn.held_at) for turn in known.turns] == [("1", START + at(20), START + at(10))]


def test_a_look_that_could_not_see_a_fact_forgets_nothing() -> None:
    """A refused connection presents no certificate: the next one is held against the one before."""
    known = known_after([Fact("a", "1")], [], [Fact("a", "2")])["a"]

    assert [turn.before for turn in known.turns] == ["1"]


def test_what_is_known_stays_the_very_same_while_nothing_is_new() -> None:
    """It is stored only when it is another one: a look that learns nothing writes nothing."""
    known = known_after([Fact("a", "1"), Fact("b", "1")])

    assert learned(known, observation(SITE, START, facts=[Fact("b", "1"), Fact("a", "1")]), None) is known


def test_two_values_in_one_look_are_one_value() -> None:
    """A redirect that leads to another server of the same name does not change anything from look to look."""
    twice = [Fact("a", "1"), Fact("a", "2")]

    known = known_after(twice, twice, list(reversed(twice)))["a"]

    assert (known.value, known.turns) == ("1 / 2", ())


def test_neither_many_facts_nor_long_ones_fill_the_memory() -> None:
    known = known_after(*([Fact(f"addresses of host-{number}", "x" * 9999)] for number in range(3 * MOST)))

    assert len(known) == MOST
    assert max(len(one.value) for one in known.values()) == LONGEST


def test_measures_that_tell_facts_are_facts() -> None:
    """No kind needs to say twice what it measures."""
    version = Measure("probe_tls_version_info", "", "info", ("version",))
    seen = observation(SITE, START, started=START)
    seen = type(seen)(subject=SITE, at=START, took=0.1, readings=(*seen.readings, Reading(version, 1.0, ("TLS 1.3",))))

    known = learned({}, seen, None)

    assert {what: one.value for what, one in known.items()} == {
        "start of migrapanel.com on srv1": "2026-11-24 03:00:00 UTC",
        "TLS version of migrapanel.com on srv1": "TLS 1.3",
    }


def test_a_page_tells_what_changed_on_the_host_minutes_before_it_failed() -> None:
    """nginx was reloaded with another configuration: its own check is well, and the page is not."""
    room = Room()
    room.see("nginx-config", facts=[Fact(CONFIGURATION, "sha256 aa", START - timedelta(days=9))])
    room.wait(120)
    edited = room.now - at(30)
    room.see("nginx-config", facts=[Fact(CONFIGURATION, "sha256 bb", edited)])
    room.wait(90)
    room.see_all({"marketing-site": Reason.HTTP_GATEWAY}, times=3)

    told = changed(room)[CONFIGURATION]

    assert (told.check, told.before, told.after) == ("nginx-config", "sha256 aa", "sha256 bb")
    assert (told.at, told.exact) == (edited, True)


def test_the_causes_own_changes_come_first_and_each_once() -> None:
    """Every site of a name sees its certificate: it is told by the first of them."""
    room = Room()
    names = ("api-public", "graphql-public", "checkout-cors", "checkout-route", "pm2/mpanel-backend")
    for name in names:
        room.see(name, facts=[Fact(CERTIFICATE, "old"), Fact(f"own of {name}", "old")])
    for _ in range(3):
        room.wait(1)
        for name in room.standings:
            new = [Fact(CERTIFICATE, "new"), Fact(f"own of {name}", "new")] if name in names else []
            room.see(name, STOPPED.get(name), facts=new)

    found = changed(room)

    assert next(iter(found)) == CERTIFICATE
    assert found[CERTIFICATE].check == "pm2/mpanel-backend"
    assert set(found) == {CERTIFICATE, *(f"own of {name}" for name in names)}
    assert all(told.at == START + at(1) and not told.exact for told in found.values())


@pytest.mark.parametrize(("before", "is_told"), [(LOOKBACK - at(60), True), (LOOKBACK + at(60), False)])
def test_what_changed_long_before_is_not_told(before: timedelta, is_told: bool) -> None:
    """Last week's renewal explains nothing of tonight."""
    room = Room()
    room.see("marketing-site", facts=[Fact(CERTIFICATE, "old")])
    room.wait(10)
    room.see("marketing-site", facts=[Fact(CERTIFICATE, "new")])
    room.wait(before.total_seconds())
    room.fail("marketing-site", reason=Reason.HTTP_STATUS)
    room.see_all({"marketing-site": Reason.HTTP_STATUS})

    assert (CERTIFICATE in changed(room)) is is_told


def test_several_changes_are_told_as_one_from_the_value_before_all_of_them() -> None:
    room = Room()
    for value in ("1", "2", "3"):
        room.wait(5)
        room.see("marketing-site", facts=[Fact(ADDRESSES, value)])
    room.fail("marketing-site", reason=Reason.HTTP_STATUS)
    room.see_all({"marketing-site": Reason.HTTP_STATUS})

    told = changed(room)[ADDRESSES]

    assert (told.before, told.after, told.at) == ("1", "3", START + at(10))


@pytest.mark.parametrize("values", ["121", "121212"])
def test_what_changed_back_or_never_rests_is_no_news(values: str) -> None:
    """Addresses that are dealt out in turns would be on every page."""
    room = Room()
    for value in values:
        room.wait(5)
        room.see("marketing-site", facts=[Fact(ADDRESSES, value)])
    room.fail("marketing-site", reason=Reason.HTTP_STATUS)
    room.see_all({"marketing-site": Reason.HTTP_STATUS})

    assert changed(room) == {}


def test_another_site_of_the_same_host_is_not_concerned() -> None:
    """Its certificate was renewed, as some certificate is every day."""
    room = Room()
    for value in ("old", "new"):
        room.wait(5)
        room.see("client-site/elizefoundation.org", facts=[Fact("certificate of elizefoundation.org", value)])
    room.fail("marketing-site", reason=Reason.HTTP_STATUS)
    room.see_all({"marketing-site": Reason.HTTP_STATUS})

    assert changed(room) == {}


def test_a_storm_of_changes_leaves_the_page_readable() -> None:
    room = Room()
    for value in ("old", "new"):
        room.wait(5)
        room.see("marketing-site", facts=[Fact(f"fact {number}", value) for number in range(20)])
    room.fail("marketing-site", reason=Reason.HTTP_STATUS)
    room.see_all({"marketing-site": Reason.HTTP_STATUS})

    assert len(changed(room)) == MOST_TOLD


def test_the_needs_that_hold_are_told_and_those_not_looked_at_since_are_not() -> None:
    """What it is not is half of what it is."""
    room = Room()
    room.fail("marketing-site", reason=Reason.HTTP_STATUS)
    room.wait(1)
    room.see("nginx-unit")
    room.see("host/srv1")
    room.see("marketing-site", Reason.HTTP_STATUS)
    room.judge()
    held = [incident.holds for incident in room.incidents.values()]
    room.see_all({"marketing-site": Reason.HTTP_STATUS})
    [incident] = room.incidents.values()

    assert held in ([], [("nginx-unit", "host/srv1")])
    assert set(incident.holds) == {"nginx-unit", "host/srv1", "nginx-config", "ssh/srv1"}
    assert "nginx-unit" not in incident.symptoms


def test_a_need_that_is_not_well_and_not_to_blame_is_in_the_evidence() -> None:
    """A warning of a need may be the hint."""
    room = Room()
    bad = {"marketing-site": Reason.HTTP_STATUS, "nginx-config": Reason.CONFIG_NOT_LOADED}
    room.see_all(bad, times=4)

    incident = room.causes["marketing-site"]

    assert "nginx-config from srv1" in [piece.source for piece in incident.evidence]
    assert "nginx-config" not in incident.holds


def test_the_runbook_leads_to_the_section_about_the_reason() -> None:
    site = replace(SITE, runbook="https://w/runbook.md#{reason}")
    seen = observation(site, START, Reason.HTTP_GATEWAY)

    assert cause_of(Standing(subject=site).after(seen)).runbook == "https://w/runbook.md#http_gateway"
