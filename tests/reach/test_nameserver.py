"""One question to one server: whatever it says is told in plain words, and each way to say nothing by its reason."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing

import pytest

from migrawatch.model import Down
from migrawatch.reach.answer import Answer, fault_of
from migrawatch.reach.here import Here
from migrawatch.reach.message import Record
from migrawatch.reach.nameserver import Nameserver, Over, ask_server
from migrawatch.reach.question import make_question
from migrawatch.reach.tls import Tls
from migrawatch.reason import Reason
from tests.servers.certificates import Authority
from tests.servers.encrypted_names import encrypted
from tests.servers.names import name_server
from tests.servers.peers import closing_peer, garbage_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.powerdns import PowerDns, name_servers

ZONE = f"""\
$ORIGIN example.org.
$TTL 300
@ IN SOA NS1.example.org. hostmaster.example.org. 2026112601 3600 600 86400 60
@ IN NS ns1.Example.org.
@ IN MX 10 mail.migrahosting.com.
@ IN TXT "v=spf1 ip4:192.0.2.1 " "-all"
odd IN TXT "a\\009b\\195\\188"
ns1 IN A 127.0.53.1
alias IN CNAME www
www IN A 192.0.2.8
www IN A 192.0.2.7
big IN TXT {" ".join(f'"{letter * 250}"' for letter in "abcdef")}
"""


@pytest.fixture(scope="module")
def power() -> Iterator[PowerDns]:
    with name_servers({"127.0.53.1": {"example.org": ZONE, "broken.test": "@ IN SOA nonsense\n"}}) as servers:
        yield servers["127.0.53.1"]


def at(power: PowerDns, patience: float = 2.0, over: Over = "udp") -> Nameserver:
    return Nameserver(address=power.address, port=power.port, patience=patience, over=over)


async def asked(power: PowerDns, name: str, kind: str) -> Answer:
    return await ask_server(at(power), name, kind, Here())


async def test_an_answer_is_told_in_plain_words(power: PowerDns) -> None:
    soa = await asked(power, "Example.org.", "SOA")

    assert (soa.rcode, soa.authoritative, soa.over, soa.serial) == ("NOERROR", True, "udp", 2026112601)
    assert soa.records == (
        Record("example.org", "SOA", 300, "ns1.example.org hostmaster.example.org 2026112601 3600 600 86400 60"),
    )
    assert fault_of(soa) is None


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("example.org", "MX", ("10 mail.migrahosting.com",)),
        ("example.org", "NS", ("ns1.example.org",)),
        ("example.org", "TXT", ("v=spf1 ip4:192.0.2.1 -all",)),
        ("odd.example.org", "TXT", ("a\\tbü",)),
        ("www.example.org", "A", ("192.0.2.7", "192.0.2.8")),
        ("alias.example.org", "A", ("192.0.2.7", "192.0.2.8")),
        ("alias.example.org", "CNAME", ("www.example.org",)),
    ],
)
async def test_values_are_of_the_wanted_type_with_aliases_followed(
    power: PowerDns, name: str, kind: str, values: tuple[str, ...]
) -> None:
    assert (await asked(power, name, kind)).values == values


async def test_texts_are_raw_for_who_parses_them(power: PowerDns) -> None:
    assert (await asked(power, "odd.example.org", "TXT")).texts == (b"a\tb\xc3\xbc",)


async def test_what_does_not_fit_is_fetched_over_tcp(power: PowerDns) -> None:
    big = await asked(power, "big.example.org", "TXT")

    assert (big.over, big.cut_short, len(big.values[0])) == ("tcp", True, 1500)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing.example.org", Reason.DNS_NXDOMAIN),
        ("www.example.org", Reason.DNS_NODATA),
        ("broken.test", Reason.DNS_SERVFAIL),
        ("elsewhere.test", Reason.DNS_REFUSED),
    ],
)
async def test_an_answer_without_the_records_has_its_own_reason(power: PowerDns, name: str, reason: Reason) -> None:
    fault = fault_of(await asked(power, name, "AAAA"))

    assert fault is not None
    assert fault.reason is reason
    assert name in fault.detail


@pytest.mark.slow
async def test_a_frozen_server_is_silent_not_gone(power: PowerDns) -> None:
    with power.frozen(), pytest.raises(Down) as raised:
        await ask_server(at(power, patience=0.2), "example.org", "SOA", Here())

    assert raised.value.reason is Reason.DNS_TIMEOUT
    assert "gave no answer over UDP within 0.2 s" in raised.value.detail


async def test_a_stopped_server_is_refused(power: PowerDns) -> None:
    with power.stopped(), pytest.raises(Down) as raised:
        await asked(power, "example.org", "SOA")

    assert raised.value.reason is Reason.CONNECT_REFUSED


async def test_an_udp_port_that_drops_is_told_from_a_dead_host(power: PowerDns) -> None:
    """A firewall that lets only TCP pass looks like a lost packet, again and again."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as deaf, closed_port("127.0.53.9") as port:
        deaf.bind(("127.0.53.9", port))
        with pytest.raises(Down) as raised:
            await ask_server(Nameserver(address="127.0.53.9", port=port, patience=0.1), "example.org", "SOA", Here())

    assert raised.value.reason is Reason.CONNECT_REFUSED
    assert "gave no answer over UDP" in raised.value.detail


@pytest.mark.parametrize("over", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("peer", "reason"),
    [
        (silent_peer, Reason.DNS_TIMEOUT),
        (garbage_peer, Reason.DNS_MALFORMED),
        (closing_peer, Reason.CONNECT_RESET),
    ],
)
async def test_a_stream_that_gives_no_answer_says_how(
    peer: "type[AbstractAsyncContextManager[int]]", reason: Reason, over: Over
) -> None:
    async with peer() as port:
        server = Nameserver(address="127.0.0.1", port=port, over=over, patience=0.1)
        with pytest.raises(Down) as raised:
            await ask_server(server, "example.org", "SOA", Here())

    assert raised.value.reason is reason


async def test_garbage_over_udp_is_told_as_such() -> None:
    async with name_server({("example.org", "A"): "garbage"}) as (port, _):
        server = Nameserver(address="127.0.0.1", port=port, patience=0.1)
        with pytest.raises(Down) as raised:
            await ask_server(server, "example.org", "A", Here())

    assert raised.value.reason is Reason.DNS_MALFORMED


async def test_a_lost_packet_is_sent_again() -> None:
    """One lost packet in a thousand would page somebody every night."""
    loop = asyncio.get_running_loop()
    heard: list[bytes] = []

    class Forgetful(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, content: bytes, address: tuple[str, int]) -> None:
            heard.append(content)
            if len(heard) > 1:
                self.transport.sendto(content[:2] + b"\x85\x80" + content[4:], address)  # type: ignore[attr-defined]

    packets, _ = await loop.create_datagram_endpoint(Forgetful, local_addr=("127.0.0.1", 0))
    with closing(packets):
        port = packets.get_extra_info("sockname")[1]
        server = Nameserver(address="127.0.0.1", port=port, patience=0.2)
        answer = await ask_server(server, "example.org", "A", Here())

    assert (len(heard), answer.values, answer.authoritative) == (2, (), True)


async def test_a_question_may_be_asked_over_tls(power: PowerDns, authority: Authority) -> None:
    tls = Tls(name="localhost", ca_file=str(authority.root_file))
    async with encrypted(power, authority.issue("localhost")) as port:
        server = Nameserver(address="127.0.0.1", port=port, over="tls", tls=tls)
        answer = await ask_server(server, "www.example.org", "A", Here())

    assert (answer.over, answer.values) == ("tls", ("192.0.2.7", "192.0.2.8"))


@pytest.mark.parametrize(
    ("name", "kind"), [("a..b", "A"), ("x" * 70, "A"), ("-ä-.org", "A"), ("example.org", "NOTHING")]
)
def test_what_cannot_be_asked_is_a_mistake_of_ours(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match="cannot ask for"):
        make_question(name, kind, recursion=False)
