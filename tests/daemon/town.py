"""A random town for the invariants: hosts, the checks on them with their needs, and a history in which things break,
checks are renamed, removed and brought back, and maintenance keeps a host quiet.

What is told of it later is compared with the history itself, in which no rule of streaks, blame or routes is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from migrawatch.check import Check
from migrawatch.decide.maintenance import Window
from migrawatch.decide.policy import Policy
from migrawatch.decide.route import Route
from migrawatch.model import Severity, Subject
from migrawatch.reason import Reason
from tests.daemon.virtual import START, Broken, Script, Scripted

R = Reason
HOSTS = ("srv1", "mpanel-core")
EVERY = 30.0
CALM = 400.0
"""So long a stretch must last before everything that is broken in it must have been told, and the rest resolved."""

KINDS: dict[str, tuple[Reason, ...]] = {
    "http": (
        R.CONNECT_REFUSED, R.CONNECT_TIMEOUT, R.TLS_TIMEOUT, R.TLS_EXPIRED, R.HTTP_GATEWAY, R.HTTP_TIMEOUT,
        R.HTTP_STATUS, R.HTTP_RESET, R.DNS_TIMEOUT,
    ),
    "unit": (R.UNIT_INACTIVE, R.UNIT_FAILED, R.COMMAND_TIMEOUT),
    "pm2": (R.PROCESS_MISSING, R.PROCESS_STOPPED, R.PROCESS_CRASH_LOOP),
    "postgres": (R.CONNECT_REFUSED, R.CONNECT_TIMEOUT, R.PG_AUTH, R.PG_TIMEOUT, R.PG_TOO_MANY_CONNECTIONS),
    "dns": (R.DNS_TIMEOUT, R.DNS_SERVFAIL, R.CONNECT_REFUSED),
    "nginx_config": (R.CONFIG_INVALID, R.CONFIG_NOT_LOADED),
    "host": (R.HOST_DOWN, R.HOST_UNRESPONSIVE),
    "ssh": (R.SSH_TIMEOUT, R.CONNECT_REFUSED, R.CONNECT_TIMEOUT, R.SSH_HOST_KEY),
}  # fmt: skip
"""How checks of each kind fail."""

ROUTES = (
    Route(to=("pager", "ops"), severity=Severity.CRITICAL),
    Route(to=("ops",), severity=Severity.WARNING),
    Route(to=("web",), host="srv1"),
    Route(to=("night",), tag="night"),
)


@dataclass(frozen=True)
class Stretch:
    """A time in which nothing changes: what is broken in it, and what happens to the daemon at its beginning.

    *world* has the lines that are broken, *checks* are those of the configuration then: a check may have another name
    than its line, and a line no check.
    """

    since: float
    until: float
    world: dict[str, Reason]
    restarts: bool = False
    routes: tuple[Route, ...] = ROUTES
    checks: tuple[Check, ...] = ()

    @property
    def names(self) -> dict[str, str]:
        """What each line that is watched is called."""
        return {line_of(check): check.name for check in self.checks}

    @property
    def is_calm(self) -> bool:
        return self.until - self.since >= CALM


@dataclass
class Town:
    """The checks as they were first, and all that happens to them."""

    checks: list[Check]
    script: Script
    history: list[Stretch] = field(default_factory=list)
    windows: tuple[Window, ...] = ()

    @property
    def end(self) -> float:
        return self.history[-1].until


def town_of(random: Random) -> Town:
    """A few checks on two hosts, some of which are looked from, and up to six stretches that end in health."""
    script = Script()
    town = Town([_check(one, script, random) for one in subjects_of(random)], script)
    for one in _configured(_history(town.checks, random), town.checks, random):
        town.history.append(one)
        script.broken.extend(Broken(name, one.since, one.until, reason) for name, reason in one.world.items())
    town.windows = tuple(
        _window(number, one, random) for number, one in enumerate(town.history) if random.random() < 0.3
    )
    return town


def line_of(check: Check) -> str:
    """What *check* looks at, whatever it is called."""
    assert isinstance(check.probe, Scripted)
    return check.probe.line


def _window(number: int, stretch: Stretch, random: Random) -> Window:
    """A maintenance of a host that begins in *stretch*, and may outlast it."""
    begin = random.uniform(stretch.since, stretch.until)
    return Window(
        name=f"w{number}",
        at=START + timedelta(seconds=begin),
        duration=random.choice((20.0, 200.0, 700.0)),
        hosts=(random.choice(HOSTS),),
    )


def _configured(history: Iterator[Stretch], checks: list[Check], random: Random) -> Iterator[Stretch]:
    """*history* with what is watched in each stretch: now and then a check is renamed, removed or brought back."""
    names = {line_of(check): check.name for check in checks}
    was: dict[str, str] = {}
    gone: set[str] = set()
    own = sorted(line for line in names if "/" not in line)
    for number, stretch in enumerate(history):
        if number and random.random() < 0.4:
            line = random.choice(own)
            if line in gone:
                gone.remove(line)
            elif random.random() < 0.5:
                gone.add(line)
            else:
                was[line], names[line] = names[line], f"{line}-{number}"
        found = (_edited(check, names, was, gone) for check in checks if line_of(check) not in gone)
        yield replace(stretch, checks=tuple(found))


def _edited(check: Check, names: dict[str, str], was: dict[str, str], gone: set[str]) -> Check:
    line = line_of(check)
    needs = tuple(names[need] for need in check.subject.needs if need not in gone)
    return replace(check, subject=replace(check.subject, check=names[line], needs=needs), was=was.get(line, ""))


def subjects_of(random: Random) -> list[Subject]:
    """Checks with needs among them and those that the configuration adds, in any order."""
    looked_from = [host for host in HOSTS if random.random() < 0.8]
    found = [one for host in looked_from for one in _implicit(host)]
    own: list[str] = []
    for number in range(random.randint(1, 6)):
        needs = [name for name in own if random.random() < 0.35]
        found.append(_subject(f"c{number}", needs, looked_from, random))
        own.append(f"c{number}")
    random.shuffle(found)
    return found


def _implicit(host: str) -> tuple[Subject, Subject]:
    common = {"host": host, "vantage": "here", "target": host}
    return (
        Subject(check=f"host/{host}", probe="host", service="host", **common),
        Subject(check=f"ssh/{host}", probe="ssh", service="ssh", needs=(f"host/{host}",), **common),
    )


def _subject(name: str, needs: list[str], looked_from: list[str], random: Random) -> Subject:
    kind = random.choice(("http", "http", "http", "unit", "pm2", "postgres", "dns", "nginx_config"))
    host, vantage = random.choice(HOSTS), random.choice(("here", "here", *looked_from))
    if kind in ("unit", "pm2", "nginx_config") and host in looked_from:
        vantage = host
    implicit = [f"host/{place}" for place in (host, vantage) if place in looked_from]
    if vantage != "here":
        implicit.append(f"ssh/{vantage}")
    return Subject(
        check=name,
        probe=kind,
        host=host,
        service=random.choice("ab"),
        vantage=vantage,
        target=random.choice(("x:1", "y:2")),
        needs=tuple(dict.fromkeys((*needs, *implicit))),
        tags=random.choice(((), ("night",))),
        shows_life=random.random() < 0.9,
    )


def _check(one: Subject, script: Script, random: Random) -> Check:
    severity = Severity.WARNING if one.probe == "ssh" else random.choice(tuple(Severity))
    policy = Policy(settle=random.choice((0.0, 60.0)), open_after=random.choice((2, 3)), severity=severity)
    return Check(subject=one, probe=Scripted(line=one.check, script=script), every=EVERY, policy=policy)


def _history(checks: list[Check], random: Random) -> Iterator[Stretch]:
    world: dict[str, Reason] = {}
    now = 60.0
    for _ in range(random.randint(1, 6)):
        until = now + random.choice((5.0, 40.0, 150.0, CALM, CALM, 900.0))
        touched = [check.subject for check in checks if random.random() < 0.45]
        seen = {one.check: _seen_as(one, random) for one in touched}
        world = {name: reason for name, reason in {**world, **seen}.items() if reason is not None}
        yield Stretch(now, until, dict(world), restarts=random.random() < 0.2, routes=_routes(random))
        now = until
    yield Stretch(now, now + 2 * CALM, {})


def _seen_as(one: Subject, random: Random) -> Reason | None:
    chance = random.random()
    if chance < 0.4:
        return None
    if one.vantage != "here" and chance < 0.55:
        return Reason.VANTAGE_LOST
    return random.choice(KINDS[one.probe])


def _routes(random: Random) -> tuple[Route, ...]:
    return ROUTES if random.random() < 0.8 else ROUTES[: random.randint(1, 3)]
