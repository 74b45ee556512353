"""The kind `unix`: a socket that accepts, and where asked says the right thing."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reason import Reason
from migrawatch.talk.dialogue import Turn
from migrawatch_probes.unix import UnixProbe
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

SERVERS = """
server {{ listen 127.0.0.1:{port}; listen unix:{folder}/plain; location / {{ return 200 well; }} }}
server {{
    listen unix:{folder}/tls ssl;
    ssl_certificate {issued.chain_file};
    ssl_certificate_key {issued.key_file};
    location / {{ return 200 sealed; }}
}}
"""


@pytest.fixture(scope="module")
def folder(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder, port = tmp_path_factory.mktemp("unix"), free_port()
    servers = SERVERS.format(port=port, folder=folder, issued=authority.issue("socket.example.org"))
    with nginx(folder, servers, first_port=port):
        yield folder


@contextmanager
def listening(path: Path | str, backlog: int = 8) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(backlog)
        yield listener


def said(seen: Observation) -> tuple[Verdict, Reason | None, str]:
    return seen.verdict, seen.reason, seen.detail


async def test_a_socket_that_accepts_and_answers_is_ok(folder: Path) -> None:
    plain = str(folder / "plain")
    accepts = await look_at(UnixProbe(path=plain))
    answers = await look_at(UnixProbe(path=plain, send="GET / HTTP/1.0\r\n\r\n", expect="well$"))
    turns = (Turn(send="GET / HTTP/1.0\r\n\r\n"), Turn(expect="^HTTP/1.1 ([0-9]+)", labels={"status": "${1}"}))
    talks = await look_at(UnixProbe(path=plain, dialogue=turns))

    assert [one.verdict for one in (accepts, answers, talks)] == [Verdict.OK] * 3
    assert [step.name for step in accepts.steps] == ["connect"]
    [info] = [reading for reading in talks.readings if reading.measure.name == "probe_expect_info"]
    assert (info.measure.labels, info.labels) == (("status",), ("200",))


async def test_tls_is_spoken_and_verified_by_the_name_that_is_given(folder: Path, authority: Authority) -> None:
    settings: dict[str, Any] = {"path": str(folder / "tls"), "tls": True, "ca_file": str(authority.root_file)}
    asks = {"send": "GET / HTTP/1.0\r\n\r\n", "expect": "sealed$"}
    right = await look_at(UnixProbe(**settings, **asks, name="socket.example.org"))
    wrong = await look_at(UnixProbe(**settings, name="other.example.org"))

    assert right.verdict is Verdict.OK
    assert (wrong.verdict, wrong.reason) == (Verdict.DOWN, Reason.TLS_NAME_MISMATCH)


async def test_a_socket_without_a_file_is_reached_by_its_name() -> None:
    name = f"@migrawatch-test-{os.getpid()}"
    with listening("\0" + name[1:]):
        seen = await look_at(UnixProbe(path=name))

    assert seen.verdict is Verdict.OK


async def test_nobody_behind_it_is_refused_and_so_is_none_at_all(tmp_path: Path) -> None:
    path = tmp_path / "s"
    missing = await look_at(UnixProbe(path=str(path)))
    with listening(path):
        pass
    left = await look_at(UnixProbe(path=str(path)))

    assert said(missing) == (Verdict.DOWN, Reason.CONNECT_REFUSED, f"connect: there is no {path}")
    assert said(left) == (Verdict.DOWN, Reason.CONNECT_REFUSED, f"connect: {path} refused the connection")


async def test_silence_and_a_wrong_answer_are_told_apart(folder: Path, tmp_path: Path) -> None:
    with listening(tmp_path / "s"):
        silent = await look_at(UnixProbe(path=str(tmp_path / "s"), expect="well"), timeout=0.2)
    other = await look_at(UnixProbe(path=str(folder / "plain"), send="GET / HTTP/1.0\r\n\r\n", expect="ill"))

    assert (silent.verdict, silent.reason) == (Verdict.DOWN, Reason.TCP_SILENT)
    assert (other.verdict, other.reason) == (Verdict.DOWN, Reason.TCP_MISMATCH)


async def test_one_who_accepts_nobody_any_more_is_down_by_the_deadline(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with listening(path, backlog=0), socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(path)
        seen = await look_at(UnixProbe(path=path), timeout=0.2)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONNECT_TIMEOUT)


async def test_a_socket_that_is_not_ours_to_use_is_unknown(tmp_path: Path, as_nobody: Callable[[], Any]) -> None:
    path = tmp_path / "s"
    with listening(path):
        path.chmod(0o600)
        with as_nobody():
            seen = await look_at(UnixProbe(path=str(path)))

    assert said(seen) == (Verdict.UNKNOWN, Reason.FILES_UNREADABLE, f"connect: {path}: permission denied")


@pytest.fixture
def as_nobody(tmp_path: Path) -> Callable[[], Any]:
    """Rights of an ordinary user for the length of a block, where the tests are root's."""

    @contextmanager
    def block() -> Iterator[None]:
        for above in (tmp_path, *tmp_path.parents):
            if str(above).startswith("/tmp/"):
                above.chmod(0o755)
        ordinary = os.geteuid() == 0
        if ordinary:
            os.seteuid(65534)
        try:
            yield
        finally:
            if ordinary:
                os.seteuid(0)

    return block


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"path": "run/s"}, "wanted a path from the root, or @name, got 'run/s'"),
        ({"path": "/" + "s" * 107}, "at most 107 bytes"),
        ({"path": "/s", "tls": True}, "a path has no name"),
        ({"path": "/s", "expect": "a", "dialogue": (Turn(expect="b"),)}, "leave send and expect out"),
    ],
)
def test_what_cannot_be_asked_is_refused_when_it_is_written(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        UnixProbe(**settings)
