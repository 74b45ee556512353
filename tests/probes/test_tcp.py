"""tcp: a port that accepts, and where asked says the right thing."""

import asyncio
from typing import Any

import pytest

from migrawatch.model import Verdict
from migrawatch.parse.filled import filled
from migrawatch.reason import Reason
from migrawatch.talk.dialogue import Turn
from migrawatch.talk.expression import expression
from migrawatch_probes.tcp import TcpProbe
from tests.servers.certificates import DAY, Authority
from tests.servers.looking import look_at
from tests.servers.peers import Serve, closing_peer, garbage_peer, peer, replying_peer, resetting_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.tls import server_context, tls_server


def tcp(port: int, **settings: Any) -> TcpProbe:
    return TcpProbe(address="127.0.0.1", port=port, **settings)


async def test_an_open_port_is_ok_whatever_it_says() -> None:
    async with silent_peer() as port:
        seen = await look_at(tcp(port))

    assert seen.verdict is Verdict.OK
    assert [step.name for step in seen.steps] == ["resolve", "connect"]
    assert {reading.measure.name: reading.value for reading in seen.readings} == {
        "probe_failed_due_to_regex": 0, "probe_ip_protocol": 4, "probe_ip_addr_hash": 3668918509,
        "probe_dns_lookup_time_seconds": 0,
    }  # fmt: skip


async def test_a_closed_port_is_refused() -> None:
    with closed_port() as port:
        seen = await look_at(tcp(port))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONNECT_REFUSED)


async def test_what_is_sent_is_answered_as_expected() -> None:
    async with replying_peer(b"+PONG\r\n") as port:
        seen = await look_at(tcp(port, send="PING\r\n", expect=r"^\+PONG"))

    assert seen.verdict is Verdict.OK
    assert [step.name for step in seen.steps] == ["resolve", "connect", "answer", "expect"]


async def test_an_answer_in_pieces_is_put_together() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in (b"220-wel", b"come\r\n220 re", b"ady\r\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.005)
        await reader.read()

    async with peer(serve) as port:
        seen = await look_at(tcp(port, expect="(?m)^220 ready"))

    assert seen.verdict is Verdict.OK


async def test_silence_is_not_a_wrong_answer() -> None:
    async with silent_peer() as port:
        seen = await look_at(tcp(port, expect="^SSH-2"), timeout=0.1)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.TCP_SILENT)
    assert "answer" in seen.detail


async def test_a_wrong_answer_of_a_peer_that_stays_is_shown() -> None:
    async with garbage_peer(b"\xff\x00 not at all") as port:
        seen = await look_at(tcp(port, expect="^SSH-2"), timeout=0.1)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.TCP_MISMATCH)
    assert seen.evidence[0].text == "\\xff\x00 not at all"
    assert ("probe_failed_due_to_regex", 1) in [(reading.measure.name, reading.value) for reading in seen.readings]


async def test_a_wrong_answer_and_a_close_are_told_at_once() -> None:
    async with replying_peer(b"-ERR no\r\n", then_close=True) as port:
        seen = await look_at(tcp(port, send="PING\r\n", expect=r"^\+PONG"))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.TCP_MISMATCH)
    assert seen.detail == r"expect: heard '-ERR no\r\n', wanted '^\\+PONG'"


@pytest.mark.parametrize("make", [closing_peer, resetting_peer])
async def test_an_end_without_a_word_is_told_as_one(make: Any) -> None:
    async with make(after_first_bytes=True) as port:
        seen = await look_at(tcp(port, send="PING\r\n", expect="PONG"))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONNECT_RESET)


async def test_endless_talk_is_read_up_to_a_limit() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with peer(serve) as port:
        seen = await look_at(tcp(port, expect="PONG"))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.TCP_MISMATCH)
    assert len(seen.detail) < 400


async def test_the_talk_may_be_encrypted(authority: Authority) -> None:
    settings: dict[str, Any] = {"tls": True, "name": "localhost", "ca_file": str(authority.root_file)}
    expired = authority.issue("localhost", starts_in=-30 * DAY, lasts=27 * DAY)

    async with tls_server(server_context(authority.issue("localhost"))) as port:
        good = await look_at(tcp(port, send="hello\n", expect="^hello", **settings))
    async with tls_server(server_context(expired)) as port:
        bad = await look_at(tcp(port, **settings))

    assert good.verdict is Verdict.OK
    assert bad.reason is Reason.TLS_EXPIRED


@pytest.mark.parametrize("settings", [{"expect": "(unclosed"}, {"port": 0}, {"port": 70000}])
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"regular expression|port must be"):
        tcp(**{"port": 80} | settings)


def test_the_target_is_what_a_person_would_type() -> None:
    assert TcpProbe(address="10.1.10.206", port=2271).target == "10.1.10.206:2271"
    assert TcpProbe(address="::1", port=22).target == "[::1]:22"


def saying(*lines: bytes) -> Serve:
    """A server that says a line, hears one, and so on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line)
            await writer.drain()
            if not await reader.readline():
                return

    return serve


async def test_a_dialogue_goes_turn_by_turn_and_answers_with_what_was_heard() -> None:
    """As IRC does: whoever does not give the number of the PING back is not let in."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b":hub NOTICE * :hello\r\nPING :314\r\n")
        heard.append(await reader.readline())
        writer.write(b":hub 001 prober :Welcome to 2.0\r\n")
        await reader.read()

    turns = (
        Turn(send="NICK prober"),
        Turn(expect="PING :([^ ]+)", send="PONG ${1}"),
        Turn(expect="Welcome to (?P<release>.*)", labels={"release": "v${release}", "name": "hub"}),
    )
    async with peer(serve) as port:
        seen = await look_at(tcp(port, dialogue=turns))

    assert seen.verdict is Verdict.OK, seen.detail
    assert heard == [b"NICK prober\n", b"PONG 314\n"]
    told = {reading.measure.name: (reading.measure.labels, reading.labels) for reading in seen.readings}
    assert told["probe_expect_info"] == (("release", "name"), ("v2.0", "hub"))


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ((Turn(expect="^250 "),), Reason.TCP_MISMATCH),
        ((Turn(expect="^220 "), Turn(expect="^221 ")), Reason.TCP_MISMATCH),
        ((Turn(expect_hex="32 33"),), Reason.TCP_MISMATCH),
        ((Turn(expect="^220 ", send="STARTTLS", starttls=True),), Reason.TLS_NOT_TLS),
        ((Turn(expect_hex="32 32 30", send_hex="00 0a"), Turn(expect="ready")), None),
    ],
)
async def test_a_dialogue_that_does_not_go_as_it_should_is_told(turns: tuple[Turn, ...], reason: Reason | None) -> None:
    """What was heard instead is the evidence."""
    async with peer(saying(b"220 ready\r\n", b"nonsense, long enough for a head\r\n")) as port:
        seen = await look_at(tcp(port, dialogue=turns), timeout=0.3)

    assert seen.reason is reason, seen.detail


async def test_a_dialogue_goes_on_within_tls(authority: Authority) -> None:
    context = server_context(authority.issue("127.0.0.1"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await reader.readline()
        writer.write(b"220 go ahead\r\n")
        await writer.drain()
        await writer.start_tls(context)
        await reader.readline()
        writer.write(b"250 within\r\n")
        await writer.drain()
        await reader.read()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    turns = (
        Turn(expect="^220", send="STARTTLS"),
        Turn(expect="^220", starttls=True),
        Turn(send="EHLO prober"),
        Turn(expect="^250 within"),
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        seen = await look_at(tcp(port, dialogue=turns, ca_file=str(authority.root_file)))

    assert seen.verdict is Verdict.OK, seen.detail
    assert "probe_ssl_earliest_cert_expiry" in {reading.measure.name for reading in seen.readings}


def test_a_dialogue_stands_alone() -> None:
    with pytest.raises(ValueError, match="leave send and expect out"):
        tcp(1, dialogue=(Turn(expect="x"),), send="y")


@pytest.mark.parametrize(
    ("template", "told"),
    [(b"${1}-$1", b"b-b"), (b"$$${0}", b"$abc"), (b"${gone}!", b"!"), (b"plain", b"plain"), (b"${name}", b"b")],
)
def test_templates_are_filled_as_go_fills_them(template: bytes, told: bytes) -> None:
    groups = expression("a(?P<name>b)c").groups_in(b"xabcx")

    assert groups is not None
    assert filled(template, groups) == told
