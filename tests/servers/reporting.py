"""Jobs that report over real HTTP to what the daemon takes reports with, on a disk of its own; a clock that obeys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from migrawatch.check import Check
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.heartbeats import Heartbeats
from migrawatch.daemon.looks import Looks
from migrawatch.model import Observation, Seconds, Secret, Trigger
from migrawatch.reach.here import Here
from migrawatch.show.server import Door, serve
from migrawatch.store import Store
from migrawatch_probes.heartbeat import HeartbeatProbe
from tests.servers.looking import check_of
from tests.servers.ports import free_port
from tests.show.scenes import healthy

TOKEN = "a-token-of-the-nightly-job"


def job(name: str = "nightly", token: str = TOKEN, **settings: Any) -> Check:
    """A check whose job runs once an hour, unless said otherwise."""
    probe = HeartbeatProbe(token=Secret(token), **({"period": 3600.0, "grace": 600.0} | settings))
    return check_of(probe, check=name)


class Dial(Clock):
    """The date, set by the test."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> Seconds:
        return self.at.timestamp()

    def pass_by(self, **length: float) -> None:
        self.at += timedelta(**length)


@dataclass
class Jobs:
    """What takes reports, the client that sends them, and what was seen of their checks."""

    clock: Dial
    looks: Looks
    heartbeats: Heartbeats
    store: Store
    client: httpx.AsyncClient
    checks: dict[str, Check]
    seen: list[Observation] = field(default_factory=list)

    async def post(self, path: str, token: str = TOKEN, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **request.pop("headers", {})}
        return await self.client.post(f"/api/v1/heartbeats/{path}", headers=headers, **request)

    async def look(self, name: str = "nightly") -> Observation:
        """What is seen of the job now."""
        await self.looks.look_again(Trigger(checks=(name,)))
        return self.seen[-1]

    async def listen(self, **length: float) -> None:
        """Let time pass in which the daemon listens."""
        end = self.clock.at + timedelta(**length)
        while self.clock.at < end:
            self.clock.at = min(end, self.clock.at + timedelta(minutes=1))
            await self.heartbeats.watch(self.checks)

    async def watch(self, *checks: Check) -> None:
        """A reload."""
        self.checks = {check.name: check for check in checks}
        self.looks.watch(self.checks, {"here": Here()})
        await self.heartbeats.watch(self.checks)


@asynccontextmanager
async def reporting(folder: Path, *checks: Check, clock: Dial | None = None) -> AsyncIterator[Jobs]:
    """All of it, on what *folder* holds from an earlier time."""
    clock, seen = clock or Dial(), list[Observation]()
    by_name = {check.name: check for check in checks}
    url = f"http://127.0.0.1:{(port := free_port())}"
    async with Store.open(folder / "state.db") as store, asyncio.TaskGroup() as group:
        memory = {
            name: kept.value(by_name[name].probe.memory, by_name[name].probe.remembers_under)  # type: ignore[arg-type]
            for name, kept in store.saved.memory.items()
            if name in by_name
        }
        looks = Looks(clock, group, lambda _, observation, __: seen.append(observation), memory)
        heartbeats = Heartbeats(clock, looks, store)
        opened = asyncio.Event()
        door = Door(board=healthy(), reload=_never, intake=heartbeats)
        serving = group.create_task(serve(f"127.0.0.1:{port}", door, lambda _: opened.set()))
        await opened.wait()
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as client:
            jobs = Jobs(clock, looks, heartbeats, store, client, by_name, seen)
            await jobs.watch(*checks)
            yield jobs
        serving.cancel()
        await asyncio.wait([serving])
        await looks.land()


async def _never() -> tuple[str, ...]:
    raise AssertionError("nobody asked for a reload")


def changed(check: Check, **settings: Any) -> Check:
    """*check* with other settings of its probe."""
    return replace(check, probe=replace(check.probe, **settings))  # type: ignore[type-var]
