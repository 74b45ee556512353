"""What must hold of every judgement, whatever the checks, their needs and their history."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrawatch.decide.incident import Change, Incident
from migrawatch.decide.judgement import Judgement
from migrawatch.decide.policy import Policy
from migrawatch.decide.route import Route, address
from migrawatch.decide.streak import Suspect
from migrawatch.model import Severity, Subject
from migrawatch.reason import Reason
from tests.decide.boards import Room

R = Reason
HOSTS = ("srv1", "mpanel-core")
REASONS = (
    None,
    None,
    R.CONNECT_REFUSED,
    R.CONNECT_TIMEOUT,
    R.TLS_TIMEOUT,
    R.TLS_EXPIRED,
    R.HTTP_GATEWAY,
    R.HTTP_TIMEOUT,
    R.SLOW,
    R.VANTAGE_LOST,
    R.PROCESS_MISSING,
    R.HOST_DOWN,
    R.PG_AUTH,
    R.CONFIG_INVALID,
)
ONLY = {"host": R.HOST_DOWN, "ssh": R.SSH_TIMEOUT}
"""How a check of these kinds fails, if not for want of a way to look."""
ROUTES = (
    Route(to=("pager", "ops"), severity=Severity.CRITICAL),
    Route(to=("ops",), severity=Severity.WARNING),
    Route(to=("web",), host="srv1"),
)
Step = tuple[bool, float, dict[str, Reason | None]]


@st.composite
def subjects(draw: st.DrawFn) -> list[Subject]:
    """A few checks; each may need what comes after it."""
    count = draw(st.integers(1, 7))
    found: list[Subject] = []
    for place in reversed(range(count)):
        later = [subject.check for subject in found]
        found.append(
            Subject(
                check=f"c{place}",
                probe=draw(st.sampled_from(("http", "http", "unit", "host", "ssh"))),
                host=draw(st.sampled_from(HOSTS)),
                service=draw(st.sampled_from(("a", "b"))),
                vantage=draw(st.sampled_from(("here", *HOSTS))),
                target=draw(st.sampled_from(("x:1", "y:2"))),
                needs=tuple(draw(st.lists(st.sampled_from(later), unique=True, max_size=3))) if later else (),
            )
        )
    return found[::-1]


def steps(names: list[str]) -> st.SearchStrategy[list[Step]]:
    """Stretches of time, each with what some of the checks look like in it, and whether the daemon is started anew."""
    looks = st.dictionaries(st.sampled_from(names), st.sampled_from(REASONS), max_size=len(names))
    restarts = st.sampled_from((False, False, False, True))
    return st.lists(
        st.tuples(restarts, st.sampled_from((1.0, 5.0, 30.0, 200.0, 700.0)), looks), min_size=1, max_size=12
    )


class Story:
    """A room whose checks go through a history, while everything that must hold is watched."""

    def __init__(self, checks: list[Subject]) -> None:
        self.room = Room(subjects=checks, policies={s.check: Policy(open_after=2) for s in checks})
        self.world: dict[str, Reason | None] = {}
        self.reached: dict[str, set[str]] = defaultdict(set)
        self.last: dict[str, Change] = {}
        self.numbers: dict[str, int] = defaultdict(int)

    def go_on(self, restarted: bool, pause: float, changes: dict[str, Reason | None]) -> None:
        if restarted:
            self.room.restart()
        self.room.wait(pause)
        self.world |= {name: self.as_seen(name, reason) for name, reason in changes.items()}
        judgement = self.judge()
        for name in changes:
            self.room.see(name, self.world[name])
            # After a start one check is known after the other.
            judgement = self.judge()
        for _ in range(12):
            suspects = [name for name, s in self.room.standings.items() if isinstance(s.streak, Suspect)]
            asked = {*judgement.wanted, *(name for name in suspects if self.world.get(name) is not R.VANTAGE_LOST)}
            if not asked:
                break
            self.room.wait(1)
            for name in sorted(asked):
                self.room.see(name, self.world.get(name))
            judgement = self.judge()
        else:
            raise AssertionError(f"never sure of {sorted(judgement.wanted)}")
        self.all_failing_are_told()

    def as_seen(self, name: str, reason: Reason | None) -> Reason | None:
        kind = self.room.standings[name].subject.probe
        return reason if reason in (None, R.VANTAGE_LOST) else ONLY.get(kind, reason)

    def judge(self) -> Judgement:
        before = dict(self.room.incidents)
        judgement = self.room.judge()
        for notice in judgement.notices:
            self.tell(notice.incident, notice.change, notice.key, before.get(notice.incident.id))
        for incident in self.room.incidents.values():
            self.is_sound(incident)
        members = [name for incident in self.room.incidents.values() for name in incident.members]
        assert len(members) == len(set(members)), "a check is in two incidents"
        return judgement

    def tell(self, incident: Incident, change: Change, key: str, before: Incident | None) -> None:
        self.numbers[incident.id] += 1
        assert key == f"{incident.id}-{self.numbers[incident.id]}"
        assert (change is Change.OPENED) == (before is None)
        assert self.last.get(incident.id) is not Change.RESOLVED, "told after it was resolved"
        self.last[incident.id] = change
        notice = next(n for n in self.room.notices if n.key == key)
        told, deliveries = address(notice, ROUTES, ())
        receivers = {delivery.receiver for delivery in deliveries}
        assert len(receivers) == len(deliveries)
        if change is Change.RESOLVED:
            assert receivers == self.reached[incident.id], "a resolve reaches everyone who was told"
            if before is not None and not incident.closing:
                assert not any(self.room.standings[name].failing for name in before.members)
        self.reached[incident.id] |= receivers
        if incident.id in self.room.incidents:
            self.room.incidents[incident.id] = replace(self.room.incidents[incident.id], told=told.told)

    def is_sound(self, incident: Incident) -> None:
        assert incident.resolved_at is None
        assert incident.cause.check not in incident.symptoms
        for name in incident.members:
            standing = self.room.standings[name]
            assert standing.failing or standing.streak.blind_since is not None

    def all_failing_are_told(self) -> None:
        homes = {name for incident in self.room.incidents.values() for name in incident.members}
        untold = [n for n, s in self.room.standings.items() if s.failing and s.bad and n not in homes]
        assert not untold, f"{untold} fail and nobody was told"


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_history_is_told_soundly(data: st.DataObject) -> None:
    """Each failing check in one incident, keys numbered, resolves complete, nothing told after the resolve."""
    checks = data.draw(subjects())
    story = Story(checks)

    for step in data.draw(steps([s.check for s in checks])):
        story.go_on(*step)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_all_well_again_leaves_nothing_open(data: st.DataObject) -> None:
    """Whatever went before: three good looks in five minutes, and every incident is resolved."""
    checks = data.draw(subjects())
    story = Story(checks)
    for step in data.draw(steps([s.check for s in checks])):
        story.go_on(*step)

    for _ in range(4):
        story.go_on(False, 130, {s.check: None for s in checks})

    assert not story.room.incidents


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_suppression_never_resolves(data: st.DataObject) -> None:
    """If from some moment on nothing can be seen, nothing that is open is resolved: unknown is not well."""
    checks = data.draw(subjects())
    story = Story(checks)
    for step in data.draw(steps([s.check for s in checks])):
        story.go_on(*step)
    failing = {i.id for i in story.room.incidents.values() if any(story.room.standings[n].bad for n in i.members)}

    for _ in range(3):
        story.room.wait(timedelta(minutes=5).total_seconds())
        for subject in checks:
            story.room.see(subject.check, R.VANTAGE_LOST)
        story.judge()

    assert failing <= story.room.incidents.keys()
