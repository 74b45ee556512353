"""The kind `nginx_config` against a real nginx: what is on disk, what runs, and what is presented."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason
from migrawatch_probes.nginx_config import NginxConfigProbe
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.nginx import NginxServer, nginx
from tests.servers.ports import free_port
from tests.servers.processes import children_of
from tests.servers.recorded import Recorded

pytestmark = pytest.mark.slow

NAME = "a.example"


@dataclass(frozen=True)
class Edge:
    """A running nginx with one TLS site."""

    server: NginxServer
    certificate: Path
    authority: Authority

    @property
    def probe(self) -> NginxConfigProbe:
        return NginxConfigProbe(config=str(self.server.config_file), sudo=False)

    async def look(self) -> Observation:
        return await look_at(self.probe)

    def reload(self) -> None:
        before = self.workers()
        self.server.process.send_signal(signal.SIGHUP)
        self.wait_for_workers_other_than(before)

    def wait_for_workers_other_than(self, before: set[str]) -> None:
        until = time.monotonic() + 5
        while not (now := self.workers()) or now & before:
            assert time.monotonic() < until
            time.sleep(0.02)

    def workers(self) -> set[str]:
        """The workers that take requests: a new one has its master's title for a moment."""
        pid = self.server.process.pid
        children = map(str, children_of(pid))
        return {child for child in children if b"nginx: worker" in Path(f"/proc/{child}/cmdline").read_bytes()}


def install(folder: Path, authority: Authority) -> Path:
    """Put a new certificate where nginx will look for it."""
    issued = authority.issue(NAME)
    (folder / "key.pem").write_bytes(issued.key_file.read_bytes())
    (folder / "fullchain.pem").write_bytes(issued.chain_file.read_bytes())
    return folder / "fullchain.pem"


@contextmanager
def running(folder: Path, authority: Authority) -> Iterator[Edge]:
    port = free_port()
    certificate = install(folder, authority)
    files = f"ssl_certificate {certificate}; ssl_certificate_key {folder}/key.pem;"
    site = f"server {{ listen 127.0.0.1:{port} ssl; server_name {NAME}; {files} }}"
    with nginx(folder, site, first_port=port) as server:
        edge = Edge(server, certificate, authority)
        edge.wait_for_workers_other_than(set())
        yield edge


@pytest.fixture
def edge(tmp_path: Path, authority: Authority) -> Iterator[Edge]:
    with running(tmp_path, authority) as one:
        _age(tmp_path)
        yield one


def _age(folder: Path) -> None:
    """Make the files older than the workers by more than the second in which they all came to be."""
    then = time.time() - 60
    for path in folder.glob("*.*"):
        os.utime(path, (then, then))


async def test_what_was_loaded_is_ok(edge: Edge) -> None:
    seen = await edge.look()

    assert (seen.verdict, seen.detail) == (Verdict.OK, "")
    assert [reading.measure.name for reading in seen.readings] == ["probe_nginx_loaded_at_timestamp_seconds"]


async def test_a_configuration_that_does_not_parse_is_told_in_nginxs_words(edge: Edge) -> None:
    edge.server.config_file.write_text(edge.server.config_file.read_text() + "nonsense on;\n")

    seen = await edge.look()

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONFIG_INVALID)
    assert seen.detail.startswith('unknown directive "nonsense" in ')


async def test_a_file_that_changed_after_the_workers_began_was_never_loaded(edge: Edge) -> None:
    later = time.time() + 5
    os.utime(edge.server.config_file, (later, later))

    seen = await edge.look()

    assert (seen.verdict, seen.reason) == (Verdict.WARN, Reason.CONFIG_NOT_LOADED)
    assert str(edge.server.config_file) in seen.detail


async def test_an_edited_configuration_is_another_fact_with_the_time_of_the_edit(edge: Edge) -> None:
    """The newest file, its date and the digest: "who changed what, and when" before anybody asks."""
    before = await edge.look()
    again = await edge.look()
    edge.server.config_file.write_text(edge.server.config_file.read_text() + "# edited\n")
    after = await edge.look()

    [old], [same], [new] = before.facts, again.facts, after.facts
    assert old == same
    assert (old.what, new.what) == ("configuration of nginx on host", "configuration of nginx on host")
    assert old.value != new.value
    assert new.value.startswith(f"newest file {edge.server.config_file} of 1, sha256 ")
    assert new.since is not None and abs(new.since.timestamp() - edge.server.config_file.stat().st_mtime) < 1


async def test_a_renewed_certificate_that_was_not_loaded_is_seen_by_what_is_presented(edge: Edge) -> None:
    """Its date need not tell: certbot's files can be copied with their dates."""
    install(edge.certificate.parent, edge.authority)
    _age(edge.certificate.parent)

    before = await edge.look()
    edge.reload()
    after = await edge.look()

    assert (before.verdict, before.reason) == (Verdict.WARN, Reason.CONFIG_NOT_LOADED)
    assert "presents another certificate" in before.detail
    assert after.verdict is Verdict.OK


async def test_a_hung_nginx_is_not_this_checks_finding(edge: Edge) -> None:
    """The sites' own checks tell it; two causes for one fault would be two pages."""
    stopped = [edge.server.process.pid, *map(int, edge.workers())]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    seen = await edge.look()
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)

    assert seen.verdict is Verdict.OK
    assert seen.evidence[0].text == "presents nothing in time"


async def test_an_nginx_that_does_not_run_has_nothing_to_compare(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority) as edge:
        probe = edge.probe
    seen = await look_at(probe)

    assert seen.verdict is Verdict.OK
    assert "no worker runs" in seen.evidence[0].text


async def test_a_certificate_that_we_may_not_read_is_not_judged(edge: Edge) -> None:
    """Silence would read as health."""
    edge.certificate.write_text("-----BEGIN NOTHING-----\n")
    _age(edge.certificate.parent)
    dump = f"# configuration file {edge.server.config_file}:\n{edge.server.config_file.read_text()}"
    workers = "5 nginx: worker process\n"
    place = Recorded({str(edge.probe.program): [dump], "ps": [workers], "date": [f"{time.time()}\n"]})

    seen = await look_at(edge.probe, vantage=place)

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)
    assert str(edge.certificate) in seen.detail


@pytest.mark.parametrize(
    "answer", [Completed(1, "", "sudo: a password is required"), Completed(0, "", ""), Completed(127, "", "not found")]
)
async def test_when_nginx_does_not_speak_nothing_is_said_of_it(answer: Completed) -> None:
    seen = await look_at(NginxConfigProbe(), vantage=Recorded({"sudo": [answer]}))

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)
