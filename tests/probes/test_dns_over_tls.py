"""dns over TLS (RFC 7858): a real PowerDNS behind a certificate that is as right or as wrong as a test asks for."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reach.tls import Certificate
from migrawatch.reason import Reason
from migrawatch.talk.dns_expect import Expect
from migrawatch_probes.dns import DnsProbe
from tests.servers.certificates import DAY, Authority, Issued
from tests.servers.encrypted_names import encrypted
from tests.servers.looking import facts_of, look_at
from tests.servers.peers import closing_peer, garbage_peer
from tests.servers.ports import closed_port
from tests.servers.powerdns import PowerDns, name_servers

ADDRESS = "127.0.53.10"
NAME = "ns1.example.org"
WEEK = 7 * 86400.0
ZONE = """\
$ORIGIN example.org.
$TTL 300
@ IN SOA ns1.example.org. hostmaster.example.org. 2026112601 3600 600 86400 60
@ IN NS ns1.example.org.
@ IN A 192.0.2.7
"""


@pytest.fixture(scope="module")
def power() -> Iterator[PowerDns]:
    with name_servers({ADDRESS: {"example.org": ZONE}}) as servers:
        yield servers[ADDRESS]


def asking(port: int, authority: Authority, **changed: Any) -> DnsProbe:
    settings: dict[str, Any] = {
        "address": "127.0.0.1", "port": port, "name": "example.org", "over": "tls", "server_name": NAME,
        "ca_file": str(authority.root_file),
    }  # fmt: skip
    return DnsProbe(**settings | changed)


async def seen_with(power: PowerDns, authority: Authority, issued: Issued, **changed: Any) -> Observation:
    async with encrypted(power, issued) as port:
        return await look_at(asking(port, authority, **changed))


def measured(seen: Observation) -> dict[str, float]:
    return {reading.measure.name: reading.value for reading in seen.readings}


async def test_a_good_certificate_and_a_good_answer_are_ok(power: PowerDns, authority: Authority) -> None:
    expect = Expect(values=("192.0.2.7",))

    seen = await seen_with(power, authority, authority.issue(NAME), expect=expect)

    assert (seen.verdict, seen.findings) == (Verdict.OK, ())
    assert [step.name for step in seen.steps] == ["resolve", "connect", "tls", "request"]
    assert measured(seen)["probe_dns_query_succeeded"] == 1
    assert measured(seen)["probe_ssl_earliest_cert_expiry"] > seen.at.timestamp() + 80 * 86400
    assert facts_of(seen)[f"certificate of {NAME}"].startswith(f"{NAME} by CN=")
    assert facts_of(seen)["example.org A"] == "192.0.2.7"


async def test_the_address_is_what_the_certificate_is_for_unless_said(power: PowerDns, authority: Authority) -> None:
    """Who configures a resolver by its address, such as 9.9.9.9, has no name to verify."""
    by_address = await seen_with(power, authority, authority.issue("127.0.0.1"), server_name="")
    by_name = await seen_with(power, authority, authority.issue(NAME), server_name="")

    assert by_address.verdict is Verdict.OK, by_address.detail
    assert (by_name.verdict, by_name.reason) == (Verdict.DOWN, Reason.TLS_NAME_MISMATCH)


async def test_the_answer_over_tls_is_judged_like_any(power: PowerDns, authority: Authority) -> None:
    seen = await seen_with(power, authority, authority.issue(NAME), expect=Expect(values=("192.0.2.8",)))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.RECORD_MISMATCH)
    assert "NOERROR aa over tls" in seen.evidence[0].text


@pytest.mark.parametrize(
    ("names", "validity", "reason"),
    [
        (("other.example",), {}, Reason.TLS_NAME_MISMATCH),
        ((NAME,), {"starts_in": -90 * DAY, "lasts": 89 * DAY}, Reason.TLS_EXPIRED),
        ((NAME,), {"starts_in": DAY}, Reason.TLS_NOT_YET_VALID),
    ],
)
async def test_a_certificate_that_is_not_to_be_trusted_ends_the_look_and_is_told(
    power: PowerDns, authority: Authority, names: tuple[str, ...], validity: dict[str, timedelta], reason: Reason
) -> None:
    """No question goes to a server that is not the one we mean; whose certificate it has is evidence."""
    seen = await seen_with(power, authority, authority.issue(*names, **validity))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason), seen.detail
    assert [piece.source for piece in seen.evidence] == [f"certificate of {NAME}"]
    assert seen.evidence[0].text.startswith(f"{names[0]} by CN=")
    assert "request" not in [step.name for step in seen.steps]
    assert measured(seen)["probe_dns_query_succeeded"] == 0


async def test_a_certificate_that_nobody_vouches_for_is_untrusted(power: PowerDns, authority: Authority) -> None:
    seen = await seen_with(power, authority, authority.self_signed(NAME))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.TLS_UNTRUSTED), seen.detail


async def test_a_certificate_that_ends_soon_warns_when_that_is_asked_for(power: PowerDns, authority: Authority) -> None:
    issued = authority.issue(NAME, lasts=5 * DAY)

    warned = await seen_with(power, authority, issued, certificate=Certificate(warn=WEEK))
    quiet = await seen_with(power, authority, issued, certificate=Certificate(warn=2 * 86400.0))

    assert (warned.verdict, warned.reason) == (Verdict.WARN, Reason.TLS_EXPIRING), warned.detail
    assert f"the certificate of {NAME} expires in " in warned.detail
    assert measured(warned)["probe_dns_query_succeeded"] == 1
    assert quiet.verdict is Verdict.OK, quiet.detail


@pytest.mark.parametrize("names", [("other.example",), (NAME,)])
async def test_who_does_not_verify_takes_any_certificate(
    power: PowerDns, authority: Authority, names: tuple[str, ...]
) -> None:
    """Names are then asked for in secret, of whoever it is; the certificate is still a fact."""
    issued = authority.issue(*names, starts_in=-90 * DAY, lasts=89 * DAY)

    seen = await seen_with(power, authority, issued, verify=False, ca_file="")

    assert (seen.verdict, seen.findings) == (Verdict.OK, ())
    assert facts_of(seen)[f"certificate of {NAME}"].startswith(f"{names[0]} by CN=")


async def test_a_port_without_tls_is_told_apart_from_one_that_is_closed(authority: Authority) -> None:
    async with garbage_peer() as port:
        plain = await look_at(asking(port, authority))
    async with closing_peer() as port:
        hung_up = await look_at(asking(port, authority))
    with closed_port() as port:
        closed = await look_at(asking(port, authority))

    assert (plain.verdict, plain.reason) == (Verdict.DOWN, Reason.TLS_NOT_TLS)
    assert (hung_up.verdict, hung_up.reason) == (Verdict.DOWN, Reason.TLS_ALERT)
    assert (closed.verdict, closed.reason) == (Verdict.DOWN, Reason.CONNECT_REFUSED)
