"""What speaks TLS, from Here and through a real sshd: the handshake is ours with the target, whatever lies between.

The contract's other peers speak in the clear or not at all; here a real nginx presents a certificate.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from migrawatch.check import Check
from migrawatch.look import look
from migrawatch.model import Observation, Verdict
from migrawatch.probe import CERT_EXPIRY
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason
from migrawatch.talk.http_expect import Expect
from tests.contract.kinds import check_of
from tests.servers.certificates import Authority, Issued
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "secure.example"
SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_protocols TLSv1.3;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        location = /large {{ root {pages}; }}
        location / {{ default_type text/plain; return 200 "$server_protocol by $ssl_protocol for $host"; }}
    }}
"""
LARGE = 3_000_000
"""Bytes: more than a channel of SSH, or a stream of HTTP/2, takes at once."""


@dataclass(frozen=True)
class Asked:
    """A kind that speaks TLS, and how it is asked to. *version* is of HTTP, and *answered* what nginx calls it."""

    kind: str
    version: str = ""
    answered: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.version}".strip()

    def check(self, port: int, ca_file: str, vantage: Vantage) -> Check:
        changed: dict[str, Any] = {"ca_file": ca_file, "address": "127.0.0.1", "port": port, "name": NAME}
        if self.kind == "tcp":
            changed |= {"tls": True, "send": "GET / HTTP/1.0\r\n\r\n", "expect": "by TLSv1.3"}
        if self.kind == "http":
            changed = self._page(port, "/", Expect(body=f"^{self.answered} by TLSv1.3 for {NAME}$"), ca_file)
        return check_of(self.kind, vantage=vantage.name, timeout=10, **changed)

    def large(self, port: int, ca_file: str, vantage: Vantage) -> Check:
        asked = self._page(port, "/large", Expect(body="^x*$"), ca_file)
        return check_of(self.kind, vantage=vantage.name, timeout=20, **asked)

    def _page(self, port: int, path: str, expect: Expect, ca_file: str) -> dict[str, Any]:
        url = f"https://{NAME}:{port}{path}"
        return {"url": url, "dial": "127.0.0.1", "ca_file": ca_file, "version": self.version, "expect": expect}


PAGES = (Asked("http", "1.1", "HTTP/1.1"), Asked("http", "2", "HTTP/2.0"), Asked("http", "auto", "HTTP/2.0"))
ASKED = (*PAGES, Asked("tls"), Asked("tcp"))


@dataclass(frozen=True)
class Ports:
    """Where nginx presents which certificate, and the file that makes one trust the authority."""

    good: int
    expired: int
    another: int
    stranger: int
    ca_file: str


@pytest.fixture(scope="module")
def ports(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    folder = tmp_path_factory.mktemp("secure")
    issued = {
        "good": authority.issue(NAME),
        "expired": authority.issue(NAME, starts_in=timedelta(days=-90), lasts=timedelta(days=80)),
        "another": authority.issue("another.example"),
        "stranger": authority.self_signed(NAME),
    }
    with presenting(folder, issued) as found:
        yield Ports(**found, ca_file=str(authority.root_file))


@contextmanager
def presenting(folder: Path, issued: dict[str, Issued]) -> Iterator[dict[str, int]]:
    found = {name: free_port() for name in issued}
    # pytest's own folders are for nobody else, and nginx's worker is somebody else.
    with TemporaryDirectory() as pages:
        Path(pages).chmod(0o755)
        (Path(pages) / "large").write_text("x" * LARGE)
        servers = "".join(SERVER.format(port=found[name], issued=one, pages=pages) for name, one in issued.items())
        with nginx(folder, servers, first_port=found["good"]):
            yield found


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_a_certificate_that_verifies_is_ok_with_its_facts(asked: Asked, ports: Ports, vantage: Vantage) -> None:
    seen = await look(asked.check(ports.good, ports.ca_file, vantage), vantage)

    assert (seen.verdict, seen.reason) == (Verdict.OK, None), seen.detail
    assert seen.subject.vantage == vantage.name
    assert words_of(seen, "probe_tls_version_info") == ("TLS 1.3",)
    assert words_of(seen, "probe_ssl_last_chain_info")[2] == f"CN={NAME}"
    assert "tls" in [step.name for step in seen.steps if step.finished]


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize(
    ("presented", "reason"),
    [
        ("expired", Reason.TLS_EXPIRED),
        ("another", Reason.TLS_NAME_MISMATCH),
        ("stranger", Reason.TLS_UNTRUSTED),
    ],
)
async def test_a_certificate_that_does_not_verify_is_down_with_its_facts(
    asked: Asked, presented: str, reason: Reason, ports: Ports, vantage: Vantage
) -> None:
    seen = await look(asked.check(getattr(ports, presented), ports.ca_file, vantage), vantage)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason), seen.detail
    name = "another.example" if presented == "another" else NAME
    assert words_of(seen, "probe_ssl_last_chain_info")[2] == f"CN={name}"
    [ends_at] = [reading.value for reading in seen.readings if reading.measure is CERT_EXPIRY]
    assert (ends_at < seen.at.timestamp()) == (presented == "expired")


@pytest.mark.slow
@pytest.mark.parametrize("asked", PAGES, ids=str)
async def test_a_large_page_comes_whole(asked: Asked, ports: Ports, vantage: Vantage) -> None:
    """Records of TLS, frames of HTTP/2 and packets of SSH end at different places."""
    seen = await look(asked.large(ports.good, ports.ca_file, vantage), vantage)

    assert (seen.verdict, seen.reason) == (Verdict.OK, None), seen.detail
    [length] = [
        reading.value for reading in seen.readings if reading.measure.name == "probe_http_uncompressed_body_length"
    ]
    assert length == LARGE


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_the_same_is_told_through_ssh_as_from_here(asked: Asked, ports: Ports, far: Ssh) -> None:
    """In health and of an expired certificate: reason, steps, facts in words, and whatever is no time."""
    for port in (ports.good, ports.expired):
        near = await look(asked.check(port, ports.ca_file, Here()), Here())
        through = await look(asked.check(port, ports.ca_file, far), far)

        assert through.reason is near.reason, f"{near.detail} / {through.detail}"
        assert told(through) == told(near)


def words_of(seen: Observation, name: str) -> tuple[str, ...]:
    """The labels of the one reading of the measure *name*."""
    [labels] = [reading.labels for reading in seen.readings if reading.measure.name == name]
    return labels


def told(seen: Observation) -> tuple[list[str], set[tuple[str, ...]], dict[str, float]]:
    """The steps, what is told in words, and every number that is no duration."""
    return (
        [step.name for step in seen.steps],
        {reading.labels for reading in seen.readings if reading.measure.name.endswith("_info")},
        {
            reading.measure.name: reading.value
            for reading in seen.readings
            if not reading.measure.name.endswith(("_seconds", "_info"))
        },
    )
