"""The daemon's rhythm in virtual time: a grid of looks at a world, each observation stepped and judged at once."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random

from migrawatch.decide.fresh import dependents, witnesses
from migrawatch.decide.schedule import next_due
from migrawatch.decide.streak import Clear, Suspect
from tests.decide.boards import PRODUCTION, START, Room, policy_of
from tests.decide.world import World


@dataclass
class Simulation:
    """Looks at *world* from START on. *eager*: the witnesses of a first failure are looked at before it is sure.

    A look sees the world as it is when the look begins and is told a random moment later, so that looks overtake each
    other.
    """

    seed: int
    eager: bool = True
    world: World = field(default_factory=World)
    room: Room = field(init=False)
    clock: float = 0.0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        subjects = list(PRODUCTION)
        self.room = Room(subjects=subjects)
        self._order = count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._flying: set[str] = set()
        self._due: dict[str, float] = {}
        self._every = {s.check: self.random.choice((15.0, 30.0, 30.0, 60.0)) for s in subjects}
        self._alarm = 0.0
        for one in subjects:
            self._plan(one.check)

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Have *act* happen at *seconds* of virtual time."""
        heapq.heappush(self._queue, (seconds, next(self._order), act))

    def run(self, until: float) -> None:
        """Let virtual time pass."""
        while self._queue and self._queue[0][0] <= until:
            self.clock, _, act = heapq.heappop(self._queue)
            self.room.now = START + timedelta(seconds=self.clock)
            act()
        self.clock = until
        self.room.now = START + timedelta(seconds=until)

    # -- looks --------------------------------------------------------------------------------------------------

    def _plan(self, name: str) -> None:
        streak = self.room.standings[name].streak
        due = next_due(name, self._every[name], policy_of(self.room.standings[name].subject), streak, self.clock)
        self._due[name] = due
        self.at(due, lambda: self._on_grid(name, due))

    def _on_grid(self, name: str, due: float) -> None:
        if self._due[name] == due:
            self._look(name)
            self._plan(name)

    def _look(self, name: str) -> None:
        if name in self._flying:
            return
        self._flying.add(name)
        began = self.clock
        subject = self.room.standings[name].subject
        reason = self.world.observe(subject)
        silent = reason is not None and reason.value.endswith(("_timeout", "_lost"))
        took = self.random.uniform(1, 5) if silent else self.random.uniform(0.005, 0.4)

        def seen() -> None:
            self._flying.discard(name)
            now, self.room.now = self.room.now, START + timedelta(seconds=began)
            before = self.room.standings[name].streak
            self.room.see(name, reason)
            self.room.now = now
            streak = self.room.standings[name].streak
            if isinstance(streak, Suspect) or type(streak) is not type(before):
                self._plan(name)
            if self.eager and isinstance(streak, Suspect) and streak.bad == 1:
                around = {*witnesses(name, self.room.standings), *dependents(name, self.room.standings)}
                self._look_soon(around)
            self._judge()

        self.at(began + took, seen)

    def _look_soon(self, names: set[str] | frozenset[str]) -> None:
        for name in sorted(names):
            self.at(self.clock + self.random.uniform(0, 0.3), lambda name=name: self._look(name))  # type: ignore[misc]

    def _judge(self) -> None:
        if not self.room.incidents and all(isinstance(s.streak, Clear) for s in self.room.standings.values()):
            return
        judgement = self.room.judge()
        self._look_soon(judgement.wanted)
        if judgement.again_in is not None:
            due = self.clock + judgement.again_in.total_seconds()
            self._alarm = due
            self.at(due, lambda: self._judge() if self._alarm == due else None)
