"""The kind `mail_dns`: each record missing, doubled or wrong, as name servers on 127.0.0.1 tell it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from migrawatch.model import Observation, Verdict
from migrawatch.reach.dialled import LOOKUP_TIME
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch.talk.mail_records.settings import Dkim, Mail
from migrawatch_probes.mail_dns import MailDnsProbe
from tests.contract.conduct import loop_is_held_at_most, nothing_left_behind
from tests.contract.situations import Gone
from tests.reach.ssh_servers import login_of
from tests.servers.looking import look_at
from tests.servers.mail_zones import OURS, healthy, key_record, pem, public_key
from tests.servers.ports import closed_port
from tests.servers.powerdns import name_servers
from tests.servers.sshd import sshd
from tests.servers.zones import ZoneServer, txt, zone_server

AT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
ELEVEN = " ".join(f"exists:{n}.example.org" for n in range(11))
ELLIPTIC = ec.generate_private_key(ec.SECP256R1()).public_key()
SILENT_AFTER = 0.5
MAIL = Mail(sending_addresses=(OURS,), helo="mail.example.net")
DKIM = Dkim(selectors=("mail",))
KEY, DMARC, PTR = "mail._domainkey.example.org", "_dmarc.example.org", "25.2.0.192.in-addr.arpa"


@asynccontextmanager
async def public() -> AsyncIterator[tuple[ZoneServer, ZoneServer]]:
    """A resolver of the healthy zones, and the server they are kept on, which has the same."""
    async with zone_server(healthy()) as resolver, zone_server(resolver.zones, "127.0.0.2") as kept:
        yield resolver, kept


def probe(resolver: ZoneServer, kept: ZoneServer, **changed: Any) -> MailDnsProbe:
    settings: dict[str, Any] = {
        "domain": "example.org",
        "address": "127.0.0.2",
        "port": kept.port,
        "resolvers": (f"127.0.0.1:{resolver.port}",),
        "mx": ("mail.example.net",),
        "mail": MAIL,
        "dkim": DKIM,
        "answer_within": 5.0,
    }
    return MailDnsProbe(**(settings | changed))


async def seen_with(changes: dict[str, dict[str, Any]], **changed: Any) -> Observation:
    """A look with some names changed for the public and on the server alike; an empty name is taken away."""
    async with public() as (resolver, kept):
        for server in (resolver, kept):
            server.zones = {name: at for name, at in (healthy() | changes).items() if at}
        return await look_at(probe(resolver, kept, **changed))


def of(spf: str) -> dict[str, dict[str, Any]]:
    return {"example.org": healthy()["example.org"] | {"TXT": [txt(spf)]}}


def mx(*records: str) -> dict[str, dict[str, Any]]:
    return {"example.org": healthy()["example.org"] | {"MX": list(records)}}


def text(name: str, *records: str) -> dict[str, dict[str, Any]]:
    return {name: {"TXT": [txt(record) for record in records]}}


async def test_a_domain_whose_records_are_right_is_well_and_its_queries_are_counted() -> None:
    """The bar of 500 domains rests on this number: the server they are kept on is asked six questions."""
    async with public() as (resolver, kept):
        seen = await look_at(
            probe(resolver, kept, dkim=Dkim(selectors=("mail",), public_keys={"mail": pem(public_key())}))
        )

        assert (seen.verdict, seen.findings) == (Verdict.OK, ())
        values = {(reading.measure.name, *reading.labels): reading.value for reading in seen.readings}
        assert values == {
            ("probe_mail_dns_queries", "public"): len(resolver.asked),
            ("probe_mail_dns_queries", "kept"): 6,
            ("probe_mail_spf_lookups",): 2,
            ("probe_mail_dkim_key_size_bytes", "mail"): 256,
            ("probe_dns_lookup_time_seconds",): 0,
        }
        assert len(kept.asked) == 6
        assert len(resolver.asked) == len(set(resolver.asked)) == 9
        assert any("include:_spf.example.net" in evidence.text for evidence in seen.evidence)


async def test_the_records_are_facts() -> None:
    """A policy that somebody edited is told with what it was."""
    spf = (await seen_with({})).facts, (await seen_with(of("v=spf1 ip4:198.51.100.1 -all"))).facts

    before, after = ({fact.what: fact.value for fact in facts} for facts in spf)
    assert "example.org MX" in before
    assert "v=spf1" in before["example.org TXT"]
    assert "v=spf1 ip4:198.51.100.1 -all" in after["example.org TXT"]
    assert {what for what in before if before[what] != after.get(what, before[what])} == {"example.org TXT"}


DOWN, WARN = Verdict.DOWN, Verdict.WARN


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        (mx(), DOWN, Reason.RECORD_MISSING),
        (mx("0 ."), DOWN, Reason.RECORD_MISMATCH),
        (mx("10 mail.elsewhere.test."), DOWN, Reason.MX_UNRESOLVABLE),
        (mx("10 mail.example.net.", "20 mail.elsewhere.test."), DOWN, Reason.RECORD_MISMATCH),
        (mx("10 192.0.2.25."), DOWN, Reason.MX_NOT_A_NAME),
        ({"mail.example.net": {"TXT": []}}, DOWN, Reason.MX_UNRESOLVABLE),
        (of("v=DKIM1"), DOWN, Reason.RECORD_MISSING),
        ({"example.org": healthy()["example.org"] | {"TXT": [txt("v=spf1 mx -all"), txt("v=spf1 -all")]}},
         DOWN, Reason.RECORD_DUPLICATE),
        (of("v=spf1 ipv4:192.0.2.25 -all"), DOWN, Reason.SPF_INVALID),
        (of("v=spf1 include:nowhere.example.org mx -all"), DOWN, Reason.SPF_INVALID),
        (of("v=spf1 mx include:nowhere.example.org -all"), WARN, Reason.SPF_INVALID),
        (of(f"v=spf1 {ELEVEN} ip4:192.0.2.25 -all"), DOWN, Reason.SPF_TOO_MANY_LOOKUPS),
        (of("v=spf1 ip4:192.0.2.25 " + "a " * 11 + "-all"), WARN, Reason.SPF_TOO_MANY_LOOKUPS),
        (of("v=spf1 ip4:198.51.100.1 -all"), DOWN, Reason.SPF_FAILS_US),
        (of("v=spf1 ip4:198.51.100.1 ~all"), DOWN, Reason.SPF_FAILS_US),
        (of("v=spf1 ip4:198.51.100.1 ?all"), WARN, Reason.SPF_FAILS_US),
        (of("v=spf1 mx +all"), DOWN, Reason.SPF_PASS_ALL),
        (of("v=spf1 mx ip4:0.0.0.0/0 -all"), DOWN, Reason.SPF_PASS_ALL),
        ({KEY: {}}, DOWN, Reason.RECORD_MISSING),
        (text(KEY, key_record(public_key()), key_record(public_key(1024))), DOWN, Reason.RECORD_DUPLICATE),
        (text(KEY, key_record(public_key())[:-40]), DOWN, Reason.DKIM_INVALID),
        (text(KEY, "v=DKIM1; k=rsa; h=sha1; " + key_record(public_key())[16:]), DOWN, Reason.DKIM_INVALID),
        (text(KEY, "v=DKIM1; p="), DOWN, Reason.DKIM_REVOKED),
        (text(KEY, key_record(public_key(1024))), WARN, Reason.DKIM_WEAK),
        ({DMARC: {}}, DOWN, Reason.RECORD_MISSING),
        (text(DMARC, "v=DMARC1; p=reject", "v=DMARC1; p=none"), DOWN, Reason.RECORD_DUPLICATE),
        (text(DMARC, "v=DMARC1; p=rejekt"), DOWN, Reason.DMARC_INVALID),
        (text(DMARC, "v=DMARC1; p=reject; adkim=strict"), WARN, Reason.DMARC_INVALID),
        (text(DMARC, "v=DMARC1; p=none"), WARN, Reason.DMARC_POLICY_NONE),
        (text(DMARC, "v=DMARC1; p=quarantine; t=y"), WARN, Reason.DMARC_POLICY_NONE),
        (text("_mta-sts.example.org", "v=STSv1; id=a-b"), WARN, Reason.RECORD_MISMATCH),
        (text("_smtp._tls.example.org", "v=TLSRPTv1; rua=mailto:a@b", "v=TLSRPTv1; rua=mailto:c@d"),
         WARN, Reason.RECORD_DUPLICATE),
        ({PTR: {}}, DOWN, Reason.PTR_MISMATCH),
        ({PTR: {"PTR": ["elsewhere.example.net."]}}, DOWN, Reason.PTR_MISMATCH),
        ({PTR: {"PTR": ["other.example.net."]}, "other.example.net": {"A": [OURS]}}, WARN, Reason.PTR_MISMATCH),
        ({PTR: {"PTR": ["mail.example.net.", "vmi1.provider.test."]}}, WARN, Reason.PTR_MISMATCH),
        ({KEY: {"TXT": "SERVFAIL"}}, DOWN, Reason.DNS_SERVFAIL),
        ({DMARC: {"TXT": "REFUSED"}}, DOWN, Reason.DNS_REFUSED),
    ],
)  # fmt: skip
async def test_each_fault_of_a_record_has_its_reason(
    changes: dict[str, dict[str, Any]], verdict: Verdict, reason: Reason
) -> None:
    seen = await seen_with(changes)

    assert (seen.verdict, seen.reason) == (verdict, reason), seen.findings


@pytest.mark.parametrize(
    ("changed", "verdict", "reason"),
    [
        ({"dkim": Dkim(selectors=("mail",), public_keys={"mail": pem(public_key(1024))})}, DOWN, Reason.DKIM_MISMATCH),
        ({"mta_sts": True}, WARN, Reason.RECORD_MISSING),
        ({"tls_rpt": True}, WARN, Reason.RECORD_MISSING),
        ({"mail": Mail(sending_addresses=(OURS,), helo="nowhere.example.net")}, DOWN, Reason.PTR_MISMATCH),
        ({"mx": ("mx.example.net",)}, DOWN, Reason.RECORD_MISMATCH),
        ({"domain": "nowhere.example.org"}, DOWN, Reason.DNS_NXDOMAIN),
    ],
)
async def test_what_the_check_wants_is_missed(changed: dict[str, Any], verdict: Verdict, reason: Reason) -> None:
    seen = await seen_with({}, **changed)

    assert (seen.verdict, seen.reason) == (verdict, reason), seen.findings


async def test_the_names_of_the_addresses_may_be_all_that_is_judged() -> None:
    """A check of the address that sends asks neither for a domain's records nor the server that they are kept on."""
    async with public() as (resolver, kept):
        resolver.zones = kept.zones = {name: at for name, at in healthy().items() if name != DMARC}
        well = await look_at(probe(resolver, kept, records=False))
        resolver.zones = {name: at for name, at in healthy().items() if name != PTR}
        unnamed = await look_at(probe(resolver, kept, records=False))

    assert well.verdict is Verdict.OK
    assert (unnamed.verdict, unnamed.reason) == (Verdict.DOWN, Reason.PTR_MISMATCH)
    assert kept.asked == []
    assert set(resolver.asked) == {f"udp {PTR} PTR", "udp mail.example.net A"}


@pytest.mark.parametrize("second", [{"A": [OURS]}, {"A": "SERVFAIL"}])
async def test_a_second_name_of_an_address_is_wrong_only_if_it_leads_elsewhere(second: dict[str, Any]) -> None:
    """What nobody answers for at the moment is not known to."""
    names = {PTR: {"PTR": ["mail.example.net.", "smtp.example.net."]}, "smtp.example.net": second}

    seen = await seen_with(names, answer_within=5.0)

    assert seen.verdict is Verdict.OK, seen.findings


async def test_every_finding_is_told_worst_first() -> None:
    seen = await seen_with(text(DMARC, "v=DMARC1; p=none") | of("v=spf1 +all") | {PTR: {}})

    assert [finding.reason for finding in seen.findings] == [
        Reason.SPF_PASS_ALL, Reason.PTR_MISMATCH, Reason.DMARC_POLICY_NONE,
    ]  # fmt: skip


async def test_the_policy_of_the_domain_above_holds_for_one_without() -> None:
    """RFC 9989's tree walk; `sp` is what counts there."""
    zones = {f"sub.{name}": at for name, at in healthy().items() if name in ("example.org", KEY)}
    zones |= {"mail._domainkey.sub.example.org": healthy()[KEY]}

    good = await seen_with(zones, domain="sub.example.org")
    weak = await seen_with(zones | text(DMARC, "v=DMARC1; p=reject; sp=none"), domain="sub.example.org")

    assert good.verdict is Verdict.OK, good.findings
    assert [finding.reason for finding in weak.findings] == [Reason.DMARC_POLICY_NONE]


@pytest.mark.parametrize(
    ("record", "mail", "verdict"),
    [
        ("v=DMARC1; p=reject", MAIL, Verdict.OK),
        ("v=DMARC1; p=reject; adkim=s", MAIL, WARN),
        ("v=DMARC1; p=reject; adkim=s; aspf=s", Mail(sending_addresses=(OURS,), envelope="b.example.org"), DOWN),
    ],
)
async def test_mail_that_is_signed_as_another_domain_is_aligned_as_the_policy_says(
    record: str, mail: Mail, verdict: Verdict
) -> None:
    signed = {
        "mail._domainkey.s.example.org": healthy()[KEY],
        "b.example.org": of("v=spf1 mx:example.org -all")["example.org"],
    }

    seen = await seen_with(
        text(DMARC, record) | signed, mail=mail, dkim=Dkim(selectors=("mail",), domain="s.example.org")
    )

    assert seen.verdict is verdict, seen.findings
    assert {finding.reason for finding in seen.findings} <= {Reason.DMARC_UNALIGNED}


# -- the public, and what is kept -----------------------------------------------------------------------------------


async def test_what_is_kept_otherwise_than_the_public_sees_is_a_warning() -> None:
    """The public answer is judged: a record that is wrong on our server only is wrong tomorrow."""
    async with public() as (resolver, kept):
        kept.zones = healthy() | of("v=spf1 -all")

        seen = await look_at(probe(resolver, kept))

    assert [(finding.verdict, finding.reason) for finding in seen.findings] == [(WARN, Reason.ANSWERS_DIFFER)]
    assert "v=spf1 -all" in seen.detail


async def test_an_edit_takes_a_while_to_be_everywhere() -> None:
    """Who edits a zone at night is not woken by the seconds until the second server has it."""
    known: list[Any] = []
    async with public() as (resolver, kept):
        settings = probe(resolver, kept)
        await look_at(settings, at=AT, remember=known.append)
        kept.zones = healthy() | of("v=spf1 -all")
        young = await look_at(settings, at=AT + timedelta(minutes=1), last=known[-1], remember=known.append)
        still = await look_at(settings, at=AT + timedelta(minutes=14), last=known[-1], remember=known.append)
        old = await look_at(settings, at=AT + timedelta(minutes=17), last=known[-1], remember=known.append)
        kept.zones = healthy()
        everywhere = await look_at(settings, at=AT + timedelta(minutes=18), last=known[-1], remember=known.append)
        kept.zones = healthy() | of("v=spf1 -all")
        again = await look_at(settings, at=AT + timedelta(minutes=19), last=known[-1])

    assert [one.findings for one in (young, still, everywhere, again)] == [()] * 4
    assert [(finding.verdict, finding.reason) for finding in old.findings] == [(WARN, Reason.ANSWERS_DIFFER)]
    assert "for 16 min, 15 are in order" in old.detail


async def test_a_domain_that_the_public_is_sent_elsewhere_for_is_told_as_that() -> None:
    async with public() as (resolver, kept):
        resolver.zones = healthy() | {"example.org": of("v=spf1 mx -all")["example.org"] | {"NS": ["ns.other.test."]}}

        seen = await look_at(probe(resolver, kept))

    assert [finding.reason for finding in seen.findings] == [Reason.DELEGATED_AWAY]
    assert "ns.other.test" in seen.detail


async def test_an_alias_that_leads_out_of_the_zone_differs_from_nothing() -> None:
    """A key that somebody else publishes: the server that we keep the alias on has no answer of its own."""
    async with public() as (resolver, kept):
        resolver.zones = healthy() | {KEY: {"CNAME": ["key.other.test."]}, "key.other.test": healthy()[KEY]}
        kept.zones = healthy() | {KEY: {"CNAME": ["key.other.test."]}}

        seen = await look_at(probe(resolver, kept))

    assert seen.verdict is Verdict.OK, seen.findings


@pytest.mark.parametrize(("answer", "reason"), [("REFUSED", Reason.DNS_REFUSED), ("silent", Reason.DNS_TIMEOUT)])
async def test_a_server_of_ours_that_does_not_answer_is_a_warning_while_the_public_is_served(
    answer: str, reason: Reason
) -> None:
    async with public() as (resolver, kept):
        kept.zones = {name: {"ANY": answer} for name in healthy()}

        # Who answers at once is not hurried by a busy machine.
        within = SILENT_AFTER if answer == "silent" else 5.0
        seen = await look_at(probe(resolver, kept, answer_within=within), timeout=20)

    assert [(finding.verdict, finding.reason) for finding in seen.findings] == [(WARN, reason)]
    assert len([asked for asked in kept.asked if asked.startswith("tcp")]) <= 1


async def test_a_resolver_that_is_silent_is_down_at_once() -> None:
    async with public() as (resolver, kept):
        resolver.zones = {name: {"ANY": "silent"} for name in healthy()}

        seen = await look_at(probe(resolver, kept, answer_within=0.1))

    assert (seen.verdict, seen.reason) == (DOWN, Reason.DNS_TIMEOUT), seen.detail
    assert kept.asked == []
    assert seen.took < 1


async def test_names_that_take_for_ever_end_in_the_named_step_at_the_deadline() -> None:
    async with public() as (resolver, kept):
        resolver.zones = healthy() | {name: {"ANY": "silent"} for name in (KEY, DMARC, PTR)}

        seen = await look_at(probe(resolver, kept, answer_within=5), timeout=0.3)

    assert (seen.verdict, seen.reason) == (DOWN, Reason.DNS_TIMEOUT)
    assert seen.detail.startswith("public: ")
    assert seen.took < 0.55


async def test_nobody_there_to_ask_is_refused() -> None:
    async with public() as (resolver, kept):
        with closed_port() as port:
            seen = await look_at(probe(resolver, kept, resolvers=(f"127.0.0.1:{port}",)))

    assert (seen.verdict, seen.reason) == (DOWN, Reason.CONNECT_REFUSED), seen.detail


async def test_another_resolver_is_asked_where_one_fails() -> None:
    async with public() as (resolver, kept):
        with closed_port() as port:
            seen = await look_at(probe(resolver, kept, resolvers=(f"127.0.0.1:{port}", f"127.0.0.1:{resolver.port}")))

    assert seen.verdict is Verdict.OK, seen.findings


async def test_the_same_is_seen_from_a_host_over_tcp(tmp_path: Path) -> None:
    """SSH forwards no UDP."""
    async with public() as (resolver, kept):
        with sshd(tmp_path) as server:
            box = Ssh(login_of(server), Here())
            seen = await look_at(probe(resolver, kept, answer_within=2), vantage=box)
            await box.close()

        assert seen.verdict is Verdict.OK, seen.findings
        assert {asked.partition(" ")[0] for asked in resolver.asked + kept.asked} == {"tcp"}


async def test_a_lost_vantage_says_nothing_of_the_domain() -> None:
    async with public() as (resolver, kept):
        seen = await look_at(probe(resolver, kept), vantage=Gone("gone"))

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.VANTAGE_LOST)


async def test_a_real_powerdns_keeps_what_the_public_sees() -> None:
    """dns-core is one: a key is longer than a string of TXT, and its answers are in another order than ours."""
    zone = "$ORIGIN example.org.\n@ 60 IN SOA ns1.example.net. h.example.org. 1 3600 600 86400 60\n"
    for name, at in healthy().items():
        if name.endswith("example.org"):
            for kind, records in at.items():
                zone += "".join(f"{name}. 60 IN {kind} {record}\n" for record in records)
    with name_servers({"127.0.53.7": {"example.org": zone}}) as servers:
        async with public() as (resolver, kept):
            power = servers["127.0.53.7"]

            well = await look_at(probe(resolver, kept, address="127.0.53.7", port=power.port))
            resolver.zones = healthy() | {KEY: {}}
            differs = await look_at(probe(resolver, kept, address="127.0.53.7", port=power.port))

    assert well.verdict is Verdict.OK, well.findings
    assert [finding.reason for finding in differs.findings] == [Reason.RECORD_MISSING, Reason.ANSWERS_DIFFER]


# -- conduct (the contract's points 5, 7 and 9, with servers that can be asked) ---------------------------------------


@pytest.mark.parametrize("answer", [None, "silent", "SERVFAIL"])
async def test_a_look_leaves_nothing_behind_and_does_not_hold_the_loop(answer: str | None) -> None:
    async with public() as (resolver, kept):
        looked_at = probe(resolver, kept, answer_within=SILENT_AFTER)
        await look_at(looked_at)
        if answer:
            resolver.zones = healthy() | {KEY: {"ANY": answer}}
        async with nothing_left_behind():
            with loop_is_held_at_most():
                seen = await look_at(looked_at)

    assert {reading.measure for reading in seen.readings} <= {*MailDnsProbe.measures, LOOKUP_TIME}


async def test_a_look_is_cancelled_at_once() -> None:
    async with public() as (resolver, kept):
        resolver.zones = healthy() | {KEY: {"ANY": "silent"}}
        looking = asyncio.ensure_future(look_at(probe(resolver, kept, answer_within=5), timeout=10))
        while not any(KEY in asked for asked in resolver.asked):  # noqa: ASYNC110 - it is no event of ours
            await asyncio.sleep(0.005)

        looking.cancel()
        await asyncio.wait((looking,), timeout=0.1)

    assert looking.cancelled()


# -- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"mail": Mail(sending_addresses=("mail.example.net",))}, {"resolvers": ("resolver.example.net",)}, {"port": 0},
     {"domain": "a..b"}, {"domain": "org"}, {"records": False},
     {"records": False, "mail": Mail(sending_addresses=(OURS,), ptr=False)},
     {"resolvers": ("127.0.0.1:x",)}, {"dkim": Dkim(selectors=("a",), public_keys={"b": pem(public_key())})},
     {"dkim": Dkim(selectors=("a",), public_keys={"a": "garbage"})},
     {"dkim": Dkim(selectors=("a",), public_keys={
         "a": ELLIPTIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()})}],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        MailDnsProbe(**{"domain": "example.org", "address": "127.0.0.1"} | wrong)


async def test_records_of_many_bytes_and_odd_signs_are_shown_short_and_plain() -> None:
    seen = await seen_with(text(KEY, "v=DKIM1; p=\x07" + "A" * 2000))

    assert seen.reason is Reason.DKIM_INVALID
    assert all(
        re.fullmatch(r"[^\x00-\x08]{0,400}", evidence.text) for evidence in seen.evidence if "TXT" in evidence.source
    )


async def test_many_domains_at_once_cost_each_other_nothing() -> None:
    async with public() as (resolver, kept):
        looks = (look_at(probe(resolver, kept, answer_within=30), timeout=60) for _ in range(20))
        seen = await asyncio.gather(*looks)

    assert {each.verdict for each in seen} == {Verdict.OK}
