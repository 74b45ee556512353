"""Boards for the tests: the production checks with their needs, and a room in which they are seen and judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from migrawatch.decide.incident import Change, Incident, Notice
from migrawatch.decide.judgement import Judgement, judge
from migrawatch.decide.knowledge import STARTED_AT
from migrawatch.decide.policy import Policy
from migrawatch.decide.standing import Standing
from migrawatch.model import Fact, Finding, Measure, Observation, Reading, Severity, Subject, Verdict, worst_first
from migrawatch.reason import Reason

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
POLICY = Policy()
QUIET = Policy(severity=Severity.WARNING)

ADDRESSES = {"srv1": "10.1.10.10", "mpanel-core": "10.1.10.206", "db-core": "10.1.10.210"}
EDGE = "73.139.18.218"
WARNS = frozenset({Reason.SLOW, Reason.TLS_EXPIRING, Reason.CONFIG_NOT_LOADED})
UNKNOWNS = frozenset({Reason.VANTAGE_LOST, Reason.UPLINK_LOST, Reason.EDGE_UNSEEN, Reason.NO_HISTORY, Reason.BUG})


def subject(
    check: str,
    host: str,
    service: str,
    *,
    probe: str = "http",
    vantage: str = "here",
    target: str = "",
    needs: Iterable[str] = (),
) -> Subject:
    """A subject; what every check on a host needs anyway is added."""
    implicit = [f"host/{host}"] if probe != "host" else []
    if vantage != "here":
        implicit.append(f"ssh/{vantage}")
    return Subject(
        check=check,
        probe=probe,
        host=host,
        service=service,
        vantage=vantage,
        target=target or check,
        needs=(*needs, *implicit),
        shows_life=probe != "port_closed",
    )


def _edge() -> list[Subject]:
    nginx = {"probe": "unit", "vantage": "srv1"}
    panel, marketing = "migrapanel.com", "migrahosting.com"
    api = ("nginx-unit", "nginx-proxy/api", "backend@srv1")
    found = [
        subject("nginx-unit", "srv1", "nginx", needs=["nginx-config"], **nginx),
        subject("nginx-config", "srv1", "nginx", probe="nginx_config", vantage="srv1"),
        *(
            subject(f"nginx-proxy/{name}", "srv1", "nginx", probe="nginx_proxy", vantage="srv1")
            for name in ("api", "graphql", "frontend")
        ),
    ]
    sites = [
        ("marketing-site", marketing, f"https://{marketing}/", ("nginx-unit",)),
        ("marketing-site-www", marketing, f"https://www.{marketing}/", ("nginx-unit",)),
        ("login-page", panel, f"https://{panel}/login", ("nginx-unit", "nginx-proxy/frontend", "frontend@srv1")),
        ("panel-www", panel, f"https://www.{panel}/login", ("nginx-unit", "nginx-proxy/frontend", "frontend@srv1")),
        ("api-public", panel, f"https://{panel}/api/health", api),
        ("graphql-public", panel, f"https://{panel}/graphql", ("nginx-unit", "nginx-proxy/graphql", "backend@srv1")),
        ("checkout-cors", panel, f"https://{panel}/api/marketing/checkout-intent", api),
        ("checkout-route", panel, f"https://{panel}/api/marketing/checkout-intent", api),
    ]
    found += [subject(name, "srv1", service, target=url, needs=needs) for name, service, url, needs in sites]
    for name in (marketing, f"www.{marketing}", panel, f"www.{panel}"):
        service = name.removeprefix("www.")
        url = f"http://{name}/"
        found.append(subject(f"https-redirect/{name}", "srv1", service, target=url, needs=["nginx-unit"]))
    for name in ("elizefoundation.org", "holisticgroupllc.com"):
        found.append(subject(f"client-site/{name}", "srv1", name, target=f"https://{name}/", needs=["nginx-unit"]))
    for port in (2271, 2272, 5432):
        found.append(subject(f"closed/{port}", "srv1", f"port {port}", probe="port_closed", target=f"{EDGE}:{port}"))
    return found


def _panel() -> list[Subject]:
    core, url = "mpanel-core", "http://10.1.10.206:2271/api/health"
    behind = ("pm2/mpanel-backend", "db-select-1@mpanel-core")
    inside = {"vantage": core}
    return [
        subject(
            "backend@srv1", core, "mpanel-backend", vantage="srv1", target=url, needs=("backend@mpanel-core", *behind)
        ),
        subject(
            "backend@mpanel-core",
            core,
            "mpanel-backend",
            target="http://127.0.0.1:2271/api/health",
            needs=behind,
            **inside,
        ),
        subject("backend@here", core, "mpanel-backend", target=url, needs=("backend@mpanel-core", *behind)),
        subject(
            "frontend@srv1",
            core,
            "mpanel-frontend",
            vantage="srv1",
            target="http://10.1.10.206:2272/",
            needs=("frontend@mpanel-core", "pm2/mpanel-frontend"),
        ),
        subject(
            "frontend@mpanel-core",
            core,
            "mpanel-frontend",
            target="http://127.0.0.1:2272/",
            needs=["pm2/mpanel-frontend"],
            **inside,
        ),
        *(subject(f"pm2/{name}", core, name, probe="pm2", **inside) for name in ("mpanel-backend", "mpanel-frontend")),
    ]


def _database() -> list[Subject]:
    core, target = "db-core", "10.1.10.210:5432/mpanel"
    postgres = {"probe": "postgres", "target": target, "needs": ["db-unit"]}
    return [
        subject("db-select-1@mpanel-core", core, "postgresql", vantage="mpanel-core", **postgres),
        subject("db-select-1@here", core, "postgresql", **postgres),
        subject("db-unit", core, "postgresql", probe="unit", vantage="db-core"),
    ]


def _implicit() -> list[Subject]:
    hosts = [subject(f"host/{h}", h, "host", probe="host", target=a) for h, a in ADDRESSES.items()]
    return hosts + [subject(f"ssh/{h}", h, "ssh", probe="ssh", target=f"{a}:22") for h, a in ADDRESSES.items()]


PRODUCTION: tuple[Subject, ...] = (*_edge(), *_panel(), *_database(), *_implicit())
"""Every check of the production configuration, in its order."""


def policy_of(one: Subject) -> Policy:
    """ssh/HOST wakes nobody."""
    return QUIET if one.check.startswith("ssh/") else POLICY


def verdict_of(reason: Reason | None) -> Verdict:
    """The verdict that usually comes with *reason*."""
    if reason is None:
        return Verdict.OK
    if reason in UNKNOWNS:
        return Verdict.UNKNOWN
    return Verdict.WARN if reason in WARNS else Verdict.DOWN


def observation(
    one: Subject,
    at: datetime,
    reason: Reason | None = None,
    verdict: Verdict | None = None,
    started: datetime | None = None,
    facts: Iterable[Fact] = (),
) -> Observation:
    """One look at *one*."""
    worst = verdict or verdict_of(reason)
    findings = [Finding(worst, reason, f"{one.check}: {reason}")] if reason is not None else []
    readings = [Reading(Measure(STARTED_AT, "", "seconds"), started.timestamp())] if started else []
    return Observation(
        subject=one,
        at=at,
        took=0.01,
        findings=worst_first(findings),
        readings=tuple(readings),
        facts=tuple(facts),
    )


@dataclass
class Room:
    """Where checks are seen and judged by hand; time moves only when told."""

    subjects: Iterable[Subject] = PRODUCTION
    policies: Mapping[str, Policy] = field(default_factory=dict)
    now: datetime = START
    standings: dict[str, Standing] = field(init=False)
    incidents: dict[str, Incident] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self.standings = {
            s.check: Standing(subject=s, policy=self.policies.get(s.check, policy_of(s))) for s in self.subjects
        }
        for name in self.standings:
            self.see(name)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def restart(self) -> None:
        """What was seen is gone; streaks and incidents come back from the store."""
        self.standings = {name: replace(standing, seen=None, earlier=()) for name, standing in self.standings.items()}

    def see(
        self,
        name: str,
        reason: Reason | None = None,
        verdict: Verdict | None = None,
        started: datetime | None = None,
        facts: Iterable[Fact] = (),
    ) -> None:
        """Look at *name* now."""
        standing = self.standings[name]
        seen = observation(standing.subject, self.now, reason, verdict, started, facts)
        self.standings[name] = standing.after(seen)

    def see_all(self, bad: Mapping[str, Reason] | None = None, times: int = 1, pause: float = 1.0) -> None:
        """Look at every check, *times* times; those of *bad* fail. Then judge."""
        for _ in range(times):
            self.wait(pause)
            for name in self.standings:
                self.see(name, (bad or {}).get(name))
        self.judge()

    def fail(self, *names: str, reason: Reason, times: int = 3) -> None:
        """Let *names* fail *times* looks in a row, a second apart, without judging."""
        for _ in range(times):
            self.wait(1)
            for name in names:
                self.see(name, reason)

    def judge(self) -> Judgement:
        """Judge now, and keep what follows."""
        judgement = judge(self.incidents.values(), self.standings, self.now, self._new_id)
        self.incidents = {incident.id: incident for incident in judgement.incidents if incident.resolved_at is None}
        self.notices += judgement.notices
        return judgement

    def told(self, change: Change) -> list[Notice]:
        """The notices of this kind so far."""
        return [notice for notice in self.notices if notice.change is change]

    @property
    def opened(self) -> list[Incident]:
        """The incidents as they were opened, in order."""
        return [notice.incident for notice in self.told(Change.OPENED)]

    @property
    def resolved(self) -> list[Incident]:
        """The incidents as they were resolved, in order."""
        return [notice.incident for notice in self.told(Change.RESOLVED)]

    @property
    def causes(self) -> dict[str, Incident]:
        """The open incidents by their cause's check."""
        return {incident.cause.check: incident for incident in self.incidents.values()}

    def _new_id(self) -> str:
        self.made += 1
        return f"i{self.made}"
