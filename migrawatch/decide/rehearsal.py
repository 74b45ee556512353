"""A rehearsal: what is supposed to fail is looked at, judged and addressed on a clock that only it moves."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from migrawatch.decide.board import Standings
from migrawatch.decide.incident import Incident, Notice
from migrawatch.decide.judgement import Judgement, judge
from migrawatch.decide.route import Route, Told, address
from migrawatch.decide.standing import Standing
from migrawatch.decide.streak import WINDOW
from migrawatch.decide.supposed import healthy, look
from migrawatch.model import Finding


def rehearse(
    standings: Standings, findings: Mapping[str, Finding], routes: Iterable[Route], begin: datetime
) -> tuple[Told, ...]:
    """The notices that follow when all of *findings* are seen from *begin* on and nothing changes any more.

    Every check is looked at again after `confirm`, as the daemon does, until the judgement waits for nothing.
    """
    stage = _Stage(standings=healthy(standings, begin), findings=findings, routes=tuple(routes), now=begin)
    confirm = max((standing.policy.confirm for standing in standings.values()), default=1.0)
    enough = max((standing.policy.open_after for standing in standings.values()), default=1)
    for looks in range(enough + 2 * WINDOW):
        judgement = stage.looked_at()
        if looks + 1 >= enough and not judgement.wanted and judgement.again_in is None:
            return tuple(stage.told)
        stage.now += max(timedelta(seconds=confirm), judgement.again_in or timedelta(0))
    raise RuntimeError(f"the judgement never comes to rest; it wants {sorted(judgement.wanted)}")


class _Stage:
    """Where every check stands in the rehearsal, and what was told so far."""

    def __init__(
        self,
        standings: Mapping[str, Standing],
        findings: Mapping[str, Finding],
        routes: tuple[Route, ...],
        now: datetime,
    ) -> None:
        self.now = now
        self.told: list[Told] = []
        self._standings = dict(standings)
        self._findings = findings
        self._routes = routes
        self._incidents: dict[str, Incident] = {}
        self._made = 0

    def looked_at(self) -> Judgement:
        """Look at everything once, and judge."""
        for name, standing in self._standings.items():
            self._standings[name] = standing.after(look(standing, self.now, self._findings.get(name)))
        judgement = judge(self._incidents.values(), self._standings, self.now, self._new_id)
        self._incidents = {incident.id: incident for incident in judgement.incidents}
        for notice in judgement.notices:
            self._tell(notice)
        return judgement

    def _tell(self, notice: Notice) -> None:
        incident, deliveries = address(notice, self._routes, self._standings[notice.incident.cause.check].subject.tags)
        self._incidents[incident.id] = incident
        self.told.append(Told(notice=notice, deliveries=deliveries))

    def _new_id(self) -> str:
        self._made += 1
        return f"supposed-{self._made}"
