"""Apprise, by its json:// to a real server on 127.0.0.1."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from migrawatch.config import ConfigError, load
from migrawatch.decide.incident import Change
from migrawatch.model import Secret
from migrawatch.tell.apprise import AppriseReceiver
from migrawatch.tell.receiver import Retryable
from tests.servers.ports import closed_port
from tests.tell.office import Office, office
from tests.tell.stories import incident, letter, resolved

# Apprise reads all of its plug-ins, and one of them a module that Python has given up.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")


@pytest.fixture
async def service() -> AsyncIterator[Office]:
    async with office() as found:
        yield found


def receiver(service: Office, limit: float = 5.0) -> AppriseReceiver:
    return AppriseReceiver("chat", Secret(service.url.replace("http://", "json://")), "https://q", limit)


async def test_a_page_is_a_title_and_what_one_must_know(service: Office) -> None:
    """Short: a chat is read on a telephone."""
    await receiver(service).send(letter())

    told = service.arrived[0].document
    assert told["title"] == "DOWN: mpanel-backend is stopped on mpanel-core"
    assert told["type"] == "failure"
    assert told["message"].splitlines() == [
        "when: since 2026-11-24 03:04:05 UTC, critical, sure after 4 s",
        "why: process_stopped: mpanel-backend is stopped, 3 restarts",
        "breaks: api-public: http_gateway: HTTP 502, wanted 200",
        "breaks: backend@srv1",
        'type: ssh mpanel-core "pm2 restart mpanel-backend"',
        "runbook: https://wiki.example/mpanel-backend",
        "https://q/#incident-i1",
    ]


async def test_an_end_is_told_as_a_success(service: Office) -> None:
    """Services colour by it."""
    await receiver(service).send(letter(Change.RESOLVED, resolved()))

    assert service.arrived[0].document["type"] == "success"


async def test_a_refusal_is_tried_again_and_tells_the_status_and_no_secret(
    service: Office, capfd: pytest.CaptureFixture[str]
) -> None:
    """Apprise itself says no more than that it failed; its address is its password."""
    service.answers.append((403, {}, b"no such hook: t0ken"))

    with pytest.raises(Retryable) as caught:
        await receiver(service).send(letter())

    assert str(caught.value) == "HTTP 403"
    assert "t0ken" not in repr(receiver(service).__dict__) + "".join(capfd.readouterr())


async def test_a_closed_port_is_tried_again() -> None:
    """Nobody there."""
    with closed_port() as port:
        chat = AppriseReceiver("chat", Secret(f"json://127.0.0.1:{port}/"))
        with pytest.raises(Retryable, match="not taken"):
            await chat.send(letter())


async def test_a_service_that_hangs_holds_nothing_up(service: Office) -> None:
    """Its thread hangs alone, and is not joined by a second one."""
    service.silent = True
    chat = receiver(service, limit=0.5)

    sending = asyncio.create_task(chat.send(letter()))
    await service.expect(1)
    sending.cancel()
    with pytest.raises(Retryable, match="still hangs"):
        await chat.send(letter())
    # Apprise lets go by itself.
    async with asyncio.timeout(10):
        while chat._going is not None and chat._going.is_alive():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_what_was_seen_is_no_terminals_command(service: Office) -> None:
    """A server that is broken into says what it likes."""
    cause = replace(incident().cause, summary="x\x1b[2J\u202e", detail="<b>\x07")
    await receiver(service).send(letter(of=incident(cause=cause)))

    told = service.arrived[0].document
    assert told["title"] == "DOWN: x\\x1b[2J\\x202e"
    assert "<b>\\x07" in told["message"]


CONFIG = """\
hosts: {web: {address: 127.0.0.1}}
checks: {page: {probe: tcp, host: web, port: 80}}
receivers: {chat: {kind: apprise, url: "%s"}}
routes: [{to: [chat]}]
"""


def test_without_the_package_the_configuration_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the first page."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    (tmp_path / "c.yaml").write_text(CONFIG % "json://127.0.0.1/")

    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "c.yaml", {})

    assert "pip install 'migrawatch[apprise]'" in str(refused.value)


def test_an_address_that_apprise_does_not_know_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """It may be a token with a typing mistake."""
    (tmp_path / "c.yaml").write_text(CONFIG % "jsno://127.0.0.1/t0ken")

    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "c.yaml", {})

    assert "Apprise does not know this address" in str(refused.value)
    assert "t0ken" not in str(refused.value)
