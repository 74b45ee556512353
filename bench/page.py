"""The trial of pages: ten targets end at random moments, and all stacks watch the same ten at the same time."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from bench.blackbox import MODULES, blackbox
from bench.delays import Trial, page_summary
from bench.edge import Edge, edge
from bench.instances import COUNT, Instance, instances
from bench.receiver import Receiver, receiver
from bench.stacks import Pace, Stack, migrawatch, prometheus

SEED = 1
WITHIN = 60.0
"""The seconds in which the targets end: several of the longest intervals, so that the moments meet any phase."""

LIMIT = 240.0
"""The seconds after the last end in which every stack must have told."""

COMMON = Pace(scrape="15s", evaluate="15s", hold="1m", group_wait="30s", group_interval="5m")
AGGRESSIVE = Pace(scrape="5s", evaluate="5s", hold="10s", group_wait="0s", group_interval="10s")
"""Nothing is waited for but two scrapes that confirm: with less, one lost packet would page."""


def measure_page(common: Pace = COMMON, aggressive: Pace = AGGRESSIVE, within: float = WITHIN) -> dict[str, Any]:
    """Run the trial once, about three minutes; what bench.json says of it."""
    with TemporaryDirectory(prefix="migrawatch-bench-") as name, receiver() as desk:
        folder = Path(name)
        folder.chmod(0o755)
        stops = moments(COUNT, within)
        with (
            instances(folder) as targets,
            edge(folder / "edge", targets) as front,
            _stacks(folder, targets, front, desk.url, common, aggressive) as stacks,
        ):
            if not _wait(lambda: all(stack.sees_all() for stack in stacks), 90):
                blind = [stack.name for stack in stacks if not stack.sees_all()]
                raise SystemExit(f"bench: page: not every target is seen by {', '.join(blind)}")
            trial = _trial(targets, front, stops, [stack.name for stack in stacks], desk)
    return page_summary(trial) | {"moments": [round(moment, 2) for moment in stops]}


def moments(count: int, within: float) -> list[float]:
    """When the targets end, in seconds from the beginning."""
    chance = Random(SEED)
    return sorted(chance.uniform(0, within) for _ in range(count))


@contextmanager
def _stacks(
    folder: Path, targets: Sequence[Instance], front: Edge, page: str, common: Pace, aggressive: Pace
) -> Iterator[list[Stack]]:
    with ExitStack() as running:
        exporter = running.enter_context(blackbox(folder, MODULES)).port

        def peer(name: str, pace: Pace) -> Stack:
            return running.enter_context(prometheus(name, pace, folder / name, targets, exporter, f"{page}/{name}"))

        def own(name: str, every: str, **listening: Any) -> Stack:
            place = f"{page}/{name}"
            return running.enter_context(migrawatch(name, every, folder / name, targets, place, **listening))

        yield [
            peer("prometheus-15s", common),
            own("migrawatch-15s", "15s"),
            own("migrawatch-tripwire", "15s", tripwire=True),
            own("migrawatch-watch", "15s", edge=front),
            peer("prometheus-5s", aggressive),
            own("migrawatch-5s", "5s"),
        ]


def _trial(
    targets: Sequence[Instance], front: Edge, stops: Sequence[float], stacks: list[str], desk: Receiver
) -> Trial:
    """End each target at its moment, have a user ask for it at once, and wait until every stack told of each.

    The seconds count from the end, so from a little before the first request that fails.
    Who tells twice has time to: the slowest stack takes a minute and more longer than the others.
    """
    since, began, ended = time.time(), time.monotonic(), {}
    for moment, target in zip(stops, targets, strict=True):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        ended[target.name] = target.stop()
        front.visit(target.name)
    wanted = {(stack, target.name) for stack in stacks for target in targets}
    _wait(lambda: wanted <= {(told.stack, told.target) for told in desk.told}, LIMIT)
    minutes = sum(at - began for at in ended.values()) / 60
    asked = {stack: sum(target.asked(stack, since) for target in targets) / minutes for stack in stacks}
    return Trial(ended=ended, told=tuple(desk.told), asked=asked)


def _wait(true: Callable[[], bool], limit: float) -> bool:
    """Whether *true* is within *limit* seconds."""
    until = time.monotonic() + limit
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.2)
    return found
