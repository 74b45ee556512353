"""The prober's own process: looks as often as it is told on its input, and answers with the CPU it spent itself.

A line in, such as `{"kind": "http", "looks": 2000}`, is a line out, such as `{"cpu": 0.31, "wall": 0.4}`.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time
from typing import Any

from migrawatch.check import Check
from migrawatch.look import look
from migrawatch.model import Secret, Subject, Verdict
from migrawatch.probe import Probe
from migrawatch.reach.here import Here

CONCURRENCY = 32

Once = Callable[[int], Awaitable[None]]


def probe_of(kind: str, places: dict[str, Any]) -> Probe:
    """The probe that asks what blackbox_exporter's module of the same name asks."""
    from migrawatch_probes.http import HttpProbe
    from migrawatch_probes.tcp import TcpProbe

    if kind == "tcp":
        return TcpProbe(address="127.0.0.1", port=places["tcp"])
    if kind == "http":
        return HttpProbe(url=f"http://127.0.0.1:{places['http']}/")
    if kind == "https":
        return HttpProbe(url=f"https://localhost:{places['https']}/", dial="127.0.0.1", ca_file=places["ca_file"])
    from migrawatch_probes.postgres import PostgresProbe

    return PostgresProbe(**places["postgres"] | {"password": Secret(places["postgres"]["password"])})


def looking(kind: str, places: dict[str, Any]) -> Once:
    """One whole look of migrawatch, from check to observation; each worker is one check and keeps what lives on."""
    vantage = Here()
    checks = [_check(kind, probe_of(kind, places)) for _ in range(CONCURRENCY)]
    kept: list[dict[str, Any]] = [{} for _ in range(CONCURRENCY)]

    async def once(worker: int) -> None:
        seen = await look(checks[worker], vantage, kept=kept[worker])
        if seen.verdict is not Verdict.OK:
            raise AssertionError(f"{kind} is {seen.verdict}: {seen.detail}")

    return once


def _check(kind: str, probe: Probe) -> Check:
    subject = Subject(check=kind, probe=kind, host="here", service=kind, vantage="here", target=probe.target)
    return Check(subject=subject, probe=probe)


def asking_psycopg(places: dict[str, Any]) -> Once:
    """What a script with psycopg alone would be: connect, SELECT 1, close."""
    import psycopg

    where = places["postgres"]

    async def once(_: int) -> None:
        connection = await psycopg.AsyncConnection.connect(
            host=where["address"],
            port=where["port"],
            user=where["user"],
            dbname=where["database"],
            password=where["password"],
            sslmode="disable",
        )
        async with connection:
            row = await (await connection.execute("SELECT 1")).fetchone()
            assert row == (1,)

    return once


async def spend(once: Once, count: int) -> dict[str, float]:
    """Call *once* *count* times, as many at a time as CONCURRENCY; the seconds it took, of CPU and of the clock."""
    left = iter(range(count))

    async def work(worker: int) -> None:
        for _ in left:
            await once(worker)

    cpu, wall = process_time(), perf_counter()
    async with asyncio.TaskGroup() as group:
        for worker in range(CONCURRENCY):
            group.create_task(work(worker))
    return {"cpu": process_time() - cpu, "wall": perf_counter() - wall}


def main() -> None:
    places = json.loads(sys.argv[1])
    ways: dict[str, Once] = {}
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            order = json.loads(line)
            kind = order["kind"]
            if kind not in ways:
                ways[kind] = asking_psycopg(places) if kind == "psycopg" else looking(kind, places)
            print(json.dumps(runner.run(spend(ways[kind], order["looks"]))), flush=True)


if __name__ == "__main__":
    main()
