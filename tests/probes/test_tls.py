"""tls: the certificate of whatever stands on a port."""

from typing import Any

from migrawatch.model import Verdict
from migrawatch.reach.tls import Certificate
from migrawatch.reason import Reason
from migrawatch_probes.tls import TlsProbe
from tests.servers.certificates import DAY, Authority
from tests.servers.looking import facts_of, look_at
from tests.servers.peers import closing_peer, garbage_peer, resetting_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.tls import server_context, tls_server

WEEK = 7 * 86400.0


def tls(port: int, authority: Authority, **settings: Any) -> TlsProbe:
    given: dict[str, Any] = {
        "address": "127.0.0.1",
        "port": port,
        "name": "localhost",
        "ca_file": str(authority.root_file),
    }
    return TlsProbe(**given | settings)


async def test_a_good_certificate_is_ok_with_all_its_facts(authority: Authority) -> None:
    async with tls_server(server_context(authority.issue("localhost"))) as port:
        seen = await look_at(tls(port, authority))

    facts = {reading.measure.name: reading for reading in seen.readings}
    assert seen.verdict is Verdict.OK
    assert [step.name for step in seen.steps] == ["resolve", "connect", "tls"]
    assert facts["probe_tls_version_info"].labels == ("TLS 1.3",)
    assert facts["probe_ssl_last_chain_info"].labels[2] == "CN=localhost"
    assert facts["probe_ssl_earliest_cert_expiry"].value > seen.at.timestamp() + 80 * 86400


async def test_a_wrong_certificate_is_down_and_its_facts_are_told_all_the_same(authority: Authority) -> None:
    async with tls_server(server_context(authority.issue("other.example"))) as port:
        seen = await look_at(tls(port, authority))

    names = {reading.measure.name for reading in seen.readings}
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.TLS_NAME_MISMATCH)
    assert {"probe_ssl_last_chain_info", "probe_ssl_earliest_cert_expiry", "probe_tls_version_info"} <= names


async def test_a_certificate_is_a_fact_and_a_wrong_one_is_evidence(authority: Authority) -> None:
    """A page tells whose it is, who issued it and until when, without a second look by hand."""
    async with tls_server(server_context(authority.issue("other.example"))) as port:
        seen = await look_at(tls(port, authority))
    async with tls_server(server_context(authority.issue("localhost"))) as port:
        right = await look_at(tls(port, authority))

    [piece] = seen.evidence
    assert piece.source == "certificate of localhost"
    assert piece.text.startswith("other.example by CN=")
    assert facts_of(seen) == {piece.source: piece.text}
    assert facts_of(right)[piece.source].startswith("localhost by CN=")
    assert right.evidence == ()


async def test_a_certificate_that_expires_soon_is_evidence_too(authority: Authority) -> None:
    async with tls_server(server_context(authority.issue("localhost", lasts=10 * DAY))) as port:
        seen = await look_at(tls(port, authority))

    assert [piece.source for piece in seen.evidence] == ["certificate of localhost"]


async def test_a_certificate_that_expires_soon_warns(authority: Authority) -> None:
    """13 days are left of the 14 that a certificate should have at least."""
    async with tls_server(server_context(authority.issue("localhost", lasts=14 * DAY))) as port:
        soon = await look_at(tls(port, authority))
        soon_enough = await look_at(tls(port, authority, certificate=Certificate(warn=WEEK)))

    assert (soon.verdict, soon.reason) == (Verdict.WARN, Reason.TLS_EXPIRING)
    assert "localhost expires in 13.0 days" in soon.detail
    assert soon_enough.verdict is Verdict.OK


async def test_without_verify_only_the_facts_are_told(authority: Authority) -> None:
    async with tls_server(server_context(authority.self_signed("elsewhere"))) as port:
        seen = await look_at(tls(port, authority, verify=False))

    assert seen.verdict is Verdict.OK


async def test_without_verify_only_what_was_asked_for_is_said_of_its_age(authority: Authority) -> None:
    expired = authority.issue("localhost", starts_in=-20 * DAY, lasts=10 * DAY)
    async with tls_server(server_context(expired)) as port:
        unasked = await look_at(tls(port, authority, verify=False, certificate=Certificate()))
        asked = await look_at(tls(port, authority, verify=False, certificate=Certificate(warn=WEEK)))

    assert unasked.verdict is Verdict.OK
    assert (asked.verdict, asked.reason) == (Verdict.WARN, Reason.TLS_EXPIRING)
    assert "localhost expired 10.0 days ago" in asked.detail


async def test_what_is_no_tls_server_is_told_apart(authority: Authority) -> None:
    seen = {}
    with closed_port() as port:
        seen["closed"] = (await look_at(tls(port, authority))).reason
    for name, make in {
        "silent": silent_peer(),
        "garbage": garbage_peer(),
        "closing": closing_peer(after_first_bytes=True),
        "resetting": resetting_peer(after_first_bytes=True),
    }.items():
        async with make as port:
            seen[name] = (await look_at(tls(port, authority), timeout=0.1)).reason

    assert seen == {
        "closed": Reason.CONNECT_REFUSED,
        "silent": Reason.TLS_TIMEOUT,
        "garbage": Reason.TLS_NOT_TLS,
        "closing": Reason.TLS_ALERT,
        "resetting": Reason.TLS_ALERT,
    }


def test_the_target_names_the_certificate_that_is_asked_for() -> None:
    assert TlsProbe(address="73.139.18.218", name="migrapanel.com").target == "migrapanel.com at 73.139.18.218:443"
    assert TlsProbe(address="mail.migrahosting.com", port=993).target == "mail.migrahosting.com:993"
