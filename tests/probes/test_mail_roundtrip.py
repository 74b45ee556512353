"""mail_roundtrip: a mail through a real Postfix into a real Dovecot, signed by a milter; each reason provoked there."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from migrawatch.look import look
from migrawatch.model import Observation, Secret, Verdict
from migrawatch.parse.marked_mail import Mark, check_mark, write_mail
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from migrawatch_probes.mail_roundtrip import MailRoundtripProbe, Signing
from tests.servers.certificates import Authority
from tests.servers.looking import check_of, look_at
from tests.servers.mail_host import ADDRESS, HELD, NAME, PASSWORD, USER, MailHost, mail_host
from tests.servers.mail_zones import key_record
from tests.servers.milter import Signer
from tests.servers.postfix import OUTSIDER, Smtpd
from tests.servers.zones import ZoneServer, txt, zone_server

OURS = "192.0.2.25"
KEY = "mail._domainkey.example.org"
LEGS = {"submission", "mailbox", "send", "delivery", "fetch", "delete", "verify"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def running(authority: Authority, key: rsa.RSAPrivateKey) -> Iterator[MailHost]:
    signers = {
        "good": Signer(key),
        "another key": Signer(rsa.generate_private_key(65537, 2048)),
        "another domain": Signer(key, domain="example.net"),
        "changed later": Signer(key, and_changes=True),
    }
    smtpds = {
        "unsigned": Smtpd(),
        "held": Smtpd(settings=HELD),
        "refuses the mail": Smtpd(settings={"smtpd_end_of_data_restrictions": "reject"}),
        "refuses the sender": Smtpd(settings={"smtpd_sender_restrictions": "reject", "smtpd_delay_reject": "no"}),
        "no tls": Smtpd(settings={"smtpd_tls_security_level": "none", "smtpd_sasl_auth_enable": "no"}),
    }
    with mail_host(authority, smtpds, signers) as host:
        yield host


@pytest.fixture
def host(running: MailHost) -> Iterator[MailHost]:
    """The server, with nothing in its queue and nothing in the mailbox before and after."""
    running.forget()
    yield running
    running.forget()


@pytest.fixture
async def names(key: rsa.RSAPrivateKey) -> AsyncIterator[ZoneServer]:
    zones = {
        KEY: {"TXT": [txt(key_record(key.public_key()))]},
        "mail._domainkey.example.net": {"TXT": [txt(key_record(key.public_key()))]},
        "example.org": {"TXT": [txt(f"v=spf1 ip4:{OURS} -all")]},
    }
    async with zone_server(zones) as server:
        yield server


@pytest.fixture
def probe(host: MailHost, names: ZoneServer, authority: Authority) -> Any:
    """The probe at one of the server's smtpds."""

    def at(smtpd: str = "good", **settings: Any) -> MailRoundtripProbe:
        given: dict[str, Any] = {
            "address": "127.0.0.1", "port": host.postfix.ports[smtpd], "name": "localhost",
            "imap_address": ADDRESS, "imap_port": host.dovecot.tls_port, "imap_name": NAME,
            "ca_file": str(authority.root_file), "user": USER, "password": Secret(PASSWORD),
            "resolvers": (f"127.0.0.1:{names.port}",), "poll": 0.05, "late_after": 10.0, "lost_after": 15.0,
        }  # fmt: skip
        return MailRoundtripProbe(**given | settings)

    return at


async def looked(probe: MailRoundtripProbe, **around: Any) -> Observation:
    return await look_at(probe, **{"timeout": 20.0, **around})


def told(seen: Observation) -> tuple[Verdict, Reason | None]:
    return seen.verdict, seen.reason


def down(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.DOWN, reason


def readings(seen: Observation, name: str) -> dict[tuple[str, ...], float]:
    return {one.labels: one.value for one in seen.readings if one.measure.name == f"probe_mail_roundtrip_{name}"}


# -- in health ------------------------------------------------------------------------------------------------------


async def test_a_mail_goes_round_and_each_leg_is_timed(probe: Any, host: MailHost) -> None:
    seen = await looked(probe(sending_addresses=(OURS,)))

    assert told(seen) == (Verdict.OK, None), seen.detail
    assert {labels[0] for labels in readings(seen, "duration_seconds")} == LEGS
    assert 0 < readings(seen, "delivery_seconds")[()] < 10
    assert readings(seen, "dkim_info") == {("example.org", "mail"): 1.0}
    assert readings(seen, "spf_info") == {(OURS, "pass"): 1.0}
    assert readings(seen, "leftovers") == {(): 0.0}
    assert list(readings(seen, "hop_delay_seconds")) == [("1", "mail.example.org")]
    assert host.mails == [], "it must leave nothing behind"
    assert PASSWORD not in repr(seen)


async def test_somebody_who_finds_the_mail_can_tell_what_it_is(probe: Any, host: MailHost) -> None:
    """On hold, so that it is not read and deleted at once."""
    await looked(probe("held", late_after=0.1, lost_after=0.2))
    host.release()
    await arrived(host)
    mail = host.mails[0].read_text()

    assert "Subject: migrawatch test mail of the check 'example'" in mail
    assert "Auto-Submitted: auto-generated" in mail
    assert "you may delete it" in mail
    assert mail.count("Message-ID:") == mail.count("Date:") == 1
    assert PASSWORD not in mail


async def held(host: MailHost) -> None:
    async with asyncio.timeout(10):
        while not list((host.postfix.home / "queue/hold").iterdir()):  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(0.02)


async def arrived(host: MailHost, count: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(host.mails) < count:  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(0.02)


# -- late and lost --------------------------------------------------------------------------------------------------


async def test_a_mail_that_never_comes_is_lost(probe: Any, host: MailHost) -> None:
    seen = await looked(probe("held", late_after=0.1, lost_after=0.3))

    assert told(seen) == down(Reason.MAIL_NOT_DELIVERED)
    assert seen.detail == f"delivery: not in INBOX of {USER} 0.3 s after it was taken"
    [taken] = [piece.text for piece in seen.evidence]
    assert "queued as" in taken, "who looks for it in the log needs its number"


async def test_a_mail_that_comes_later_than_it_should_warns(probe: Any, host: MailHost) -> None:
    looking = asyncio.ensure_future(looked(probe("held", late_after=0.1, dkim=Signing(required=False))))
    await held(host)
    await asyncio.sleep(0.3)
    while not looking.done():
        await asyncio.to_thread(host.release)
        await asyncio.sleep(0.1)

    seen = await looking

    assert told(seen) == (Verdict.WARN, Reason.MAIL_LATE), seen.detail
    assert host.mails == []


async def test_the_deadline_while_waiting_says_that_nothing_came(probe: Any) -> None:
    seen = await looked(probe("held"), timeout=4.0)

    assert told(seen) == down(Reason.MAIL_NOT_DELIVERED)
    assert "delivery" in seen.detail


# -- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("smtpd", "words"),
    [
        ("unsigned", "the mail arrived unsigned"),
        ("another key", f"the key at {KEY} does not verify the mail"),
        ("another domain", "the mail is signed by example.net, wanted example.org"),
        ("changed later", f"the key at {KEY} does not verify the mail: body hash mismatch"),
    ],
)
async def test_a_signature_that_is_missing_or_wrong_is_told(probe: Any, host: MailHost, smtpd: str, words: str) -> None:
    seen = await looked(probe(smtpd))

    assert told(seen) == down(Reason.MAIL_DKIM_INVALID)
    assert words in seen.detail
    assert host.mails == []


@pytest.mark.parametrize(
    ("records", "reason", "words"),
    [
        ([txt("v=DKIM1; k=rsa; p=")], Reason.MAIL_DKIM_INVALID, f"the key at {KEY} is revoked"),
        ([], Reason.MAIL_DKIM_INVALID, f"there is no key at {KEY}"),
        ([txt("v=DKIM1; k=rsa; p=!")], Reason.MAIL_DKIM_INVALID, f"the key at {KEY} cannot be read"),
        ([txt("v=DKIM1; k=rsa; p=AAAA")], Reason.MAIL_DKIM_INVALID, f"the key at {KEY} does not verify the mail"),
        ([txt("v=DKIM1; k=ed25519; p=AAAA")], Reason.MAIL_DKIM_INVALID, f"the key at {KEY} is ed25519"),
        ("SERVFAIL", Reason.DNS_SERVFAIL, f"{KEY} TXT"),
        ("REFUSED", Reason.DNS_REFUSED, f"{KEY} TXT"),
        ("silent", Reason.DNS_TIMEOUT, f"{KEY} TXT"),
    ],
)
async def test_a_key_that_cannot_be_used_or_had_is_told(
    probe: Any, names: ZoneServer, records: Any, reason: Reason, words: str
) -> None:
    names.zones[KEY] = {"TXT": records}

    seen = await looked(probe(answer_within=0.2))

    assert told(seen) == down(reason)
    assert words in seen.detail


async def test_two_keys_at_one_name_are_both_tried(probe: Any, names: ZoneServer) -> None:
    """While a key is exchanged both stand there."""
    other = rsa.generate_private_key(65537, 2048).public_key()
    names.zones[KEY] = {"TXT": [txt(key_record(other)), *names.zones[KEY]["TXT"]]}

    assert told(await looked(probe())) == (Verdict.OK, None)


async def test_without_dkim_nobody_is_asked(probe: Any, names: ZoneServer) -> None:
    seen = await looked(probe("unsigned", dkim=Signing(required=False)))

    assert told(seen) == (Verdict.OK, None)
    assert names.asked == []


async def test_another_signer_may_be_the_right_one(probe: Any) -> None:
    seen = await looked(probe("another domain", dkim=Signing(domain="example.net")))

    assert told(seen) == (Verdict.OK, None)


# -- what is left behind, and who else looks ------------------------------------------------------------------------


def left(host: MailHost, check: str, age: float, number: int) -> str:
    """Put a mail of an earlier look into the mailbox; its file's name."""
    sent = int(datetime.now(UTC).timestamp() - age)
    text = write_mail(Mark(check_mark(check), sent, f"{number:032x}"), check=check, sender=USER, recipient=USER)
    place = host.mailbox / "new" / f"{sent}.M{number}P1.example"
    place.write_text(text)
    place.chmod(0o666)
    return place.name


def names_of(host: MailHost) -> set[str]:
    return {path.name.partition(":")[0].partition(",")[0] for path in host.mails}


async def test_leftovers_of_this_check_are_deleted_and_nothing_else(probe: Any, host: MailHost) -> None:
    gone = {left(host, "example", 7200, 1), left(host, "example", 4000, 2)}
    kept = {left(host, "another", 7200, 3), left(host, "example", 60, 4)}
    host.dovecot.deliver(1)
    persons = names_of(host) - gone - kept

    seen = await looked(probe())

    assert told(seen) == (Verdict.OK, None), seen.detail
    assert readings(seen, "leftovers") == {(): 2.0}
    assert names_of(host) == kept | persons
    assert len(persons) == 1


async def test_looks_side_by_side_find_each_its_own_mail(probe: Any, host: MailHost) -> None:
    """Two checks, and each of them on two machines."""
    checks = [check_of(probe(smtpd), timeout=20.0, check=name) for name in ("a", "ab") for smtpd in ("good", "good")]
    unsigned = check_of(probe("unsigned"), timeout=20.0, check="a")

    seen = await asyncio.gather(*(look(check, Here()) for check in (*checks, unsigned)))

    assert [told(one) for one in seen] == [(Verdict.OK, None)] * 4 + [down(Reason.MAIL_DKIM_INVALID)]
    assert host.mails == []


# -- what fails on the way ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("smtpd", "settings", "reason", "words"),
    [
        ("good", {"password": Secret("another")}, Reason.SMTP_AUTH, "login: 535 5.7.8"),
        ("good", {"recipient": "nobody@example.org"}, Reason.SMTP_RECIPIENT, "send: RCPT: 550 5.1.1"),
        ("refuses the sender", {}, Reason.SMTP_SENDER, "send: MAIL: 554 5.7.1"),
        ("refuses the mail", {}, Reason.SMTP_MESSAGE, "send: the mail: 554 5.7.1"),
        ("no tls", {}, Reason.SMTP_NO_STARTTLS, "wanted STARTTLS"),
        ("good", {"name": "other.example"}, Reason.TLS_NAME_MISMATCH, "other.example"),
        ("good", {"imap_name": "other.example"}, Reason.TLS_NAME_MISMATCH, "other.example"),
        ("good", {"mailbox": "Nowhere"}, Reason.IMAP_MAILBOX, 'SELECT "Nowhere"'),
    ],
)
async def test_each_step_has_its_reason(
    probe: Any, host: MailHost, smtpd: str, settings: dict[str, Any], reason: Reason, words: str
) -> None:
    seen = await looked(probe(smtpd, **settings))

    assert told(seen) == down(reason), seen.detail
    assert words in seen.detail
    assert host.mails == []


async def test_a_login_that_only_imap_refuses_keeps_the_mail_unsent(probe: Any) -> None:
    seen = await looked(probe(user=OUTSIDER))

    assert told(seen) == down(Reason.IMAP_AUTH)
    assert "queued" not in " ".join(piece.text for piece in seen.evidence)


async def test_a_mailbox_nobody_can_reach_keeps_the_mail_unsent(probe: Any) -> None:
    seen = await looked(probe(imap_port=1))

    assert told(seen) == down(Reason.CONNECT_REFUSED)
    assert [step.name for step in seen.steps if not step.finished] == ["mailbox", "connect"]


async def test_a_frozen_dovecot_is_told_as_that(probe: Any, host: MailHost) -> None:
    host.dovecot.freeze()
    try:
        seen = await looked(probe(), timeout=0.5)
    finally:
        host.dovecot.thaw()

    assert told(seen) == down(Reason.TLS_TIMEOUT)


# -- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"late_after": 30.0, "lost_after": 20.0}, "late_after"),
        ({"leftovers_after": 5.0}, "leftovers_after"),
        ({"sender": "é@example.org"}, "sender"),
        ({"recipient": "a@example.org>\r\nDATA"}, "recipient"),
        ({"port": 0}, "port"),
        ({"resolvers": ("dns.example",)}, "resolvers"),
        ({"sending_addresses": ("mail.example",)}, "mail.example"),
        ({"poll": 0.0}, "poll"),
        ({"user": "monitor"}, "sender"),
        ({"helo": "a b"}, "helo"),
        ({"mailbox": "Envoyés"}, "mailbox"),
    ],
)
def test_settings_that_cannot_be_are_refused(changed: dict[str, Any], words: str) -> None:
    right = MailRoundtripProbe(address="127.0.0.1", user=USER, password=Secret("x"))

    with pytest.raises(ValueError, match=words):
        dataclasses.replace(right, **changed)


def test_a_mail_that_is_waited_for_is_an_answer_too() -> None:
    """check-config compares it with the check's timeout."""
    assert MailRoundtripProbe(address="127.0.0.1", user=USER, password=Secret("x"), lost_after=45.0).silence == 45.0
