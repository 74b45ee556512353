"""No secret of the configuration reaches a page, whoever is told and whatever was seen."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from migrawatch.config import load
from migrawatch.config.receivers import RECEIVERS
from migrawatch.daemon.receivers import Means, receivers_of
from migrawatch.decide.incident import Ack, Difference, Incident, Other
from migrawatch.model import Evidence, Secret, Severity
from migrawatch.store import Store, Transaction
from migrawatch.talk.client import Client
from migrawatch.tell.censor import censored, secrets_in
from migrawatch.tell.courier import Courier
from migrawatch.tell.desk import Surroundings
from migrawatch.tell.receiver import Receiver
from migrawatch.tell.register import Registers
from tests.servers.peers import peer
from tests.tell.office import office
from tests.tell.stories import AT, delivery, incident, letter

SECRET = "hunter2/of mpanel"
KEY = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjE\nAAAABG5vbmUAAAAEbm9\n-----END KEY-----\n"


@dataclass(frozen=True)
class Probe:
    password: Secret


@dataclass(frozen=True)
class Settings:
    checks: tuple[Probe, ...] = (Probe(Secret(SECRET)),)
    receivers: Mapping[str, Any] = field(default_factory=lambda: {"hook": Probe(Secret("t0ken-of-hook"))})
    key: Secret = field(default_factory=lambda: Secret(KEY))
    short: Secret = field(default_factory=lambda: Secret("web"))


def now() -> datetime:
    return datetime.now(UTC)


def leaking() -> Any:
    """An incident with a secret in every place that is told."""
    of = incident(opened_at=now())
    nasty = f"login as {SECRET} failed"
    cause = replace(of.cause, detail=nasty, summary=nasty, target=nasty, runbook=f"https://{SECRET}")
    ack = Ack(by="ann", at=AT, severity=of.severity, note=nasty)
    evidence = (Evidence(nasty, nasty), Evidence("log", "GET /?p=hunter2%2Fof%20mpanel AAAABG5vbmUAAAAEbm9"))
    changed = (Difference(check="web", what=nasty, before=nasty, after=nasty, at=AT),)
    told = replace(of, cause=cause, evidence=evidence, changed=changed, ack=ack)
    return replace(told, remedy=(nasty,), reproduce=nasty)


def test_every_secret_is_found_in_each_way_it_may_be_seen() -> None:
    """Also within mappings, quoted in a URL, and line by line of a key; what is too short would hide plain words."""
    assert set(secrets_in(Settings())) == {
        SECRET,
        "hunter2%2Fof%20mpanel",
        "t0ken-of-hook",
        "b3BlbnNzaC1rZXktdjE",
        "AAAABG5vbmUAAAAEbm9",
    }


def test_a_letter_without_a_secret_stays_as_it_is() -> None:
    """Almost all of them."""
    assert censored(letter(), secrets_in(Settings())) == letter()


async def mailbox(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[bytes]) -> None:
    """A mail server that takes everything."""
    writer.write(b"220 here\r\n")
    is_mail = False
    while line := await reader.readline():
        heard.append(line)
        if is_mail and line != b".\r\n":
            continue
        is_mail = line == b"DATA\r\n"
        writer.write(b"354 go on\r\n" if is_mail else b"250 well\r\n")


WRITTEN = {
    "webhook": 'url: "{url}"',
    "alertmanager": 'urls: ["{url}"]',
    "email": "to: [a@example.org], sender: us@example.org, host: 127.0.0.1, port: {mail}, tls: none",
    "apprise": 'url: "{json}"',
}
"""How each kind of receiver is configured to tell the servers of the test; a kind without an entry fails it."""

CONFIG = """\
hosts: {{web: {{address: 127.0.0.1}}}}
checks: {{page: {{probe: tcp, host: web, port: 1}}}}
receivers: {{desk: {{kind: {kind}, {written}}}}}
routes: [{{to: [desk]}}]
"""


def receiver_of(kind: str, written: str, folder: Path, client: Client, store: Store) -> Mapping[str, Receiver]:
    """The receiver as the daemon makes it of what is *written* of it."""
    config = folder / "migrawatch.yaml"
    config.write_text(CONFIG.format(kind=kind, written=written))
    means = Means(client=client, registers=Registers(store, now), now=now, recheck=seen_again)
    return receivers_of(load(config, {}), means)


async def seen_again(_: Incident) -> None:
    """Looking again finds all as it was."""


@pytest.mark.parametrize("kind", sorted(RECEIVERS))
@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
async def test_no_receiver_gets_a_secret(kind: str, tmp_path: Path) -> None:
    """All that went over the wire is looked through."""
    heard: list[bytes] = []
    async with (
        Store.open(tmp_path / "state.db") as store,
        Client.open() as client,
        office() as there,
        peer(lambda reader, writer: mailbox(reader, writer, heard)) as port,
    ):
        written = WRITTEN[kind].format(url=there.url, json=there.url.replace("http", "json"), mail=port)
        courier = Courier(Surroundings(store=store, now=now, secrets=lambda: tuple(secrets_in(Settings()))))
        await courier.serve(receiver_of(kind, written, tmp_path, client, store))
        work = asyncio.create_task(courier.run())
        told = delivery(of=leaking(), at=now())
        other = Other(incident="i2", severity=Severity.WARNING, first_failed=AT, summary=f"login as {SECRET} failed")
        told = replace(told, notice=replace(told.notice, others=(other,)))
        await store.commit(Transaction(deliveries=(told,)))
        courier.post((told,))
        arrived = await courier.drain(20)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        whole = b"".join([*(one.body for one in there.arrived), *heard]).replace(b"=\r\n", b"")

    assert arrived
    assert b"login as *** failed" in whole
    assert b"hunter2" not in whole
    assert b"AAAABG5vbmUAAAAEbm9" not in whole
