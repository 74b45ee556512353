"""An inquiry: a few checks and everything they need are looked at now, and the cause is named.

It is what `migrawatch probe` runs; the daemon judges by the same rules, so a page and a shell say the same.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

from migrawatch.check import Check
from migrawatch.decide.blame import clarify
from migrawatch.decide.fresh import all_needs, witnesses
from migrawatch.decide.incident import Incident
from migrawatch.decide.judgement import judge
from migrawatch.decide.standing import Standing
from migrawatch.model import Observation, Verdict, worst_verdict

Looking: TypeAlias = Callable[[Check], Awaitable[Observation]]


@dataclass(frozen=True, kw_only=True)
class Inquest:
    """What an inquiry found about *asked*; *observations* come in chain order, needs after what needs them."""

    asked: tuple[str, ...]
    observations: tuple[Observation, ...]
    causes: tuple[Incident, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict among the checks asked for."""
        return worst_verdict(seen.verdict for seen in self.observations if seen.subject.check in self.asked)


async def inquire(
    asked: Iterable[str],
    checks: Mapping[str, Check],
    looking: Looking,
    on_seen: Callable[[Observation], None] = lambda _: None,
) -> Inquest:
    """Look at *asked* and all they need at once, then at the witnesses that a failure calls for, and judge.

    One bad look counts (there is no time for a streak), and nothing is waited for to settle.
    """
    names = tuple(asked)
    board = {name: _standing(check) for name, check in checks.items()}
    wanted = dict.fromkeys(name for root in names for name in (root, *all_needs(root, board)))
    seen: dict[str, Observation] = {}
    while missing := [name for name in wanted if name not in seen]:
        for observation in await asyncio.gather(*(_one(checks[name], looking, on_seen) for name in missing)):
            seen[observation.subject.check] = observation
            board[observation.subject.check] = _standing(checks[observation.subject.check], observation)
        for name in seen:
            if board[name].verdict is Verdict.DOWN:
                wanted |= dict.fromkeys(witnesses(name, board))
    # All was looked at within this inquiry: which look came first, or ended first, says nothing about what is fresh.
    began = min((observation.at for observation in seen.values()), default=datetime.now(UTC))
    # In the order of the configuration, as the daemon judges: it decides between causes that weigh the same.
    judged = {
        name: _standing(checks[name], replace(seen[name], at=began, took=0.0)) for name in checks if name in wanted
    }
    judgement = judge((), judged, datetime.now(UTC), lambda: secrets.token_hex(6))
    clear = clarify(judged)
    return Inquest(
        asked=names,
        observations=tuple(_restated(seen[name], clear[name]) for name in wanted),
        causes=judgement.incidents,
    )


async def _one(check: Check, looking: Looking, on_seen: Callable[[Observation], None]) -> Observation:
    observation = await looking(check)
    on_seen(observation)
    return observation


def _standing(check: Check, seen: Observation | None = None) -> Standing:
    policy = replace(check.policy, open_after=1, resolve_after=1, resolve_for=0.0, settle=0.0)
    standing = Standing(subject=check.subject, policy=policy, remedies=check.remedies)
    return standing if seen is None else standing.after(seen)


def _restated(seen: Observation, standing: Standing) -> Observation:
    """The observation with the findings that only several looks together could tell, such as a cut path."""
    return replace(seen, findings=standing.seen.findings) if standing.seen else seen
