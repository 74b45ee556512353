"""Our own heartbeat: to an address and to a real Alertmanager, while all is well and while it is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from migrawatch.model import Secret
from migrawatch.talk.client import Client
from migrawatch.tell.heartbeat import Heart, Outpost, outposts
from migrawatch.tell.instance import Access
from tests.servers.alertmanager import alertmanagers
from tests.servers.ports import closed_port
from tests.tell.office import Office, office


@asynccontextmanager
async def beating(*waiting: Outpost, every: float = 0.05, ails: list[str] | None = None) -> AsyncIterator[Heart]:
    async with Client.open() as client:
        heart = Heart(client, lambda: datetime.now(UTC), lambda: ails[0] if ails else "")
        heart.beat_for(waiting, every)
        task = asyncio.create_task(heart.run())
        try:
            yield heart
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def post() -> AsyncIterator[Office]:
    async with office() as opened:
        yield opened


def at(url: str) -> Outpost:
    return Outpost(url=Secret(url))


async def test_it_is_told_again_and_again(post: Office) -> None:
    async with beating(at(post.url)) as heart:
        await post.expect(3)

    assert {letter.body for letter in post.arrived} == {b""}
    assert list(heart.heard_at) == [urlsplit(post.url).netloc]


async def test_a_daemon_that_ails_is_silent(post: Office) -> None:
    """Whoever waits must cry out then."""
    ails = ["the grid has not moved for 11 s"]
    async with beating(at(post.url), ails=ails):
        await asyncio.sleep(0.5)
        silent = len(post.arrived)
        ails[0] = ""
        await post.expect(2)

    assert silent == 0


async def test_one_that_hangs_or_is_gone_keeps_it_from_nobody(post: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """And its address, which may be a password, is not logged."""
    post.plan(500)
    with closed_port() as port:
        async with beating(at(f"http://127.0.0.1:{port}/s3cret"), at(post.url + "?token=s3cret")) as heart:
            await post.expect(3)
            await asyncio.sleep(0.1)

    said = capsys.readouterr().out
    assert said.count("heartbeat_not_told") == 2
    assert "HTTP 500" in said
    assert "heartbeat_told_again" in said
    assert "s3cret" not in said
    assert len(heart.heard_at) == 1


@pytest.mark.slow
async def test_an_alertmanager_holds_an_alert_that_ends_without_us(post: Office) -> None:
    with alertmanagers(post.url) as (manager,):
        access = Access(url=Secret(manager.url))
        async with beating(*outposts((), (access,)), every=1.0):
            async with asyncio.timeout(20):
                while not manager.alerts:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            [alert] = manager.alerts
            await asyncio.sleep(4)
            [later] = manager.alerts
        await asyncio.sleep(4)
        ended = manager.alerts

    assert alert["labels"] == {"alertname": "MigrawatchAlive", "service": "migrawatch", "severity": "none"}
    assert later["startsAt"] == alert["startsAt"]
    assert later["endsAt"] > alert["endsAt"]
    assert ended == []
