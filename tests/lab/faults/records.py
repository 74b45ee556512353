"""What is wrong with single records of a zone: addresses, MX, SPF, DKIM, DMARC."""

from tests.lab.act import on
from tests.lab.faults.names import CLIENT, MEND_ZONES, OWN, PUBLIC_VIEW, RECORDS_OF, SIGNED, zone
from tests.lab.truth import Fault


def record(
    name: str, breaks: str, check: str, reason: str, *edits: str, of: str = CLIENT, warns: bool = False
) -> Fault:
    """The zone as sed leaves it, on both servers."""
    asked = " ".join(f"-e '{edit}'" for edit in edits)
    change = on("dns-core", f"change_zone {of} {asked}")
    return zone(name, breaks, check, reason, change, on("dns-core", f"mend_zones {of}"), of=of, warns=warns)


ADDRESSES = (
    record("address-missing", "the domain itself has no address", "dns-a", "dns_nodata", "/^@ IN A /d", of=OWN),
    record("www-missing", "the www name is gone", f"dns-a/www.{OWN}", "dns_nxdomain", "/^www /d", of=OWN),
    record(
        "address-wrong",
        "the site's address is another machine's",
        "dns-a",
        "record_mismatch",
        "s/^@ IN A .*/@ IN A 73.139.18.219/",
        of=OWN,
    ),
    record(
        "address-doubled",
        "the site has a second address, another machine's: every other visitor lands there",
        "dns-a",
        "record_duplicate",
        "/^@ IN A /a @ IN A 73.139.18.219",
        of=OWN,
    ),
    record(
        "legacy-address",
        "a client's www name points at the legacy VPS again",
        PUBLIC_VIEW,
        "legacy_address",
        "s/^www IN A .*/www IN A 31.220.98.95/",
        warns=True,
    ),
    record("mx-missing", "the MX record is gone", RECORDS_OF, "record_missing", "/IN MX/d"),
    record(
        "mx-elsewhere",
        "an MX record of somebody else's stands before ours",
        RECORDS_OF,
        "record_mismatch",
        "/IN MX/a @ IN MX 5 mx.example.net.",
    ),
    record(
        "mx-doubled",
        "an MX record of somebody else's stands beside ours: half of the mail goes there",
        RECORDS_OF,
        "record_mismatch",
        "/IN MX/a @ IN MX 10 mx.example.net.",
    ),
    record(
        "mx-wrong",
        "the MX record is somebody else's: all mail goes there",
        RECORDS_OF,
        "record_mismatch",
        "s/^@ IN MX .*/@ IN MX 10 mx.example.net./",
    ),
    record(
        "mx-an-address",
        "the MX record is an address instead of a name",
        RECORDS_OF,
        "mx_not_a_name",
        "s/^@ IN MX .*/@ IN MX 10 154.38.180.61./",
    ),
    record(
        "mx-unresolvable",
        "the MX record is a name without an address",
        RECORDS_OF,
        "mx_unresolvable",
        "s/^@ IN MX .*/@ IN MX 10 mail2.migrahosting.com./",
    ),
    record(
        "mail-name-missing",
        "mail.migrahosting.com has no address: no domain's mail arrives",
        f"dns-a/mail.{OWN}",
        "dns_nxdomain",
        "/^mail IN A/d",
        of=OWN,
    ),
    record(
        "mail-name-wrong",
        "mail.migrahosting.com has another machine's address: nobody's mail arrives, and ours fails SPF",
        f"dns-a/mail.{OWN}",
        "record_mismatch",
        "s/^mail IN A .*/mail IN A 73.139.18.219/",
        of=OWN,
    ),
)

SPF = '"v=spf1 mx -all"'


def spf(name: str, breaks: str, reason: str, *edits: str, warns: bool = False) -> Fault:
    return record(f"spf-{name}", breaks, RECORDS_OF, reason, *edits, warns=warns)


def one_key(name: str, breaks: str, reason: str, made: str) -> Fault:
    """The client's DKIM record is what *made* prints."""
    return keys(name, breaks, reason, made, 's#^(mail._domainkey IN TXT).*#\\1 $(quoted "$made")#')


def keys(name: str, breaks: str, reason: str, made: str, edit: str) -> Fault:
    """The client's DKIM records are as *edit* leaves them, which knows what *made* prints."""
    inject = on("dns-core", f'made="{made}"; change_zone {CLIENT} -e "{edit}"')
    return zone(f"dkim-{name}", breaks, SIGNED, reason, inject, MEND_ZONES)


RECORDS = (
    spf("missing", "the SPF record is gone", "record_missing", "/v=spf1/d"),
    spf(
        "doubled",
        "there is a second SPF record",
        "record_duplicate",
        '/v=spf1/a @ IN TXT "v=spf1 include:example.net -all"',
    ),
    spf(
        "malformed",
        "an address of the SPF record has a typing error",
        "spf_invalid",
        "s/spf1 mx/spf1 ip4:154.38.180.610 mx/",
    ),
    spf(
        "too-many-lookups",
        "the SPF record includes six others before it comes to us: over ten look-ups",
        "spf_too_many_lookups",
        "s/spf1 mx/spf1 " + " ".join(f"include:_spf{number}.{CLIENT}" for number in range(6)) + " mx/",
        *(f'$a _spf{number} IN TXT "v=spf1 a:www.{CLIENT} -all"' for number in range(6)),
    ),
    spf(
        "void-lookups",
        "the SPF record names three hosts that are gone",
        "spf_too_many_lookups",
        "s/spf1 mx/spf1 " + " ".join(f"a:gone{number}.{CLIENT}" for number in range(3)) + " mx/",
    ),
    spf(
        "include-missing",
        "the SPF record includes a name without one",
        "spf_invalid",
        "s/spf1 mx/spf1 include:gone.example.net mx/",
    ),
    spf("passes-all", "the SPF record lets everybody send", "spf_pass_all", "s/mx -all/mx +all/"),
    spf(
        "without-us",
        "the SPF record lets another address send, and not ours",
        "spf_fails_us",
        "s/spf1 mx/spf1 ip4:73.139.18.218/",
    ),
    record("dkim-missing", "the DKIM record is gone", SIGNED, "record_missing", "/_domainkey/d"),
    keys(
        "doubled",
        "there is a second DKIM record, of a key that nobody signs with",
        "record_duplicate",
        "$(key_record 2048)",
        '/^mail._domainkey/a mail._domainkey IN TXT $(quoted "$made")',
    ),
    one_key("revoked", "the DKIM key is revoked: p is empty", "dkim_revoked", "v=DKIM1; k=rsa; p="),
    one_key("malformed", "the DKIM key is no base64", "dkim_invalid", "v=DKIM1; k=rsa; p=MIIB*not*a*key"),
    record(
        "dkim-truncated",
        "the DKIM record lost all but its first string",
        SIGNED,
        "dkim_invalid",
        's/^(mail._domainkey IN TXT "[^"]*").*/\\1/',
    ),
    one_key(
        "of-another-key", "the DKIM record is of a key that nobody signs with", "dkim_mismatch", "$(key_record 2048)"
    ),
    record("dmarc-missing", "the DMARC record is gone", RECORDS_OF, "record_missing", "/^_dmarc/d"),
    record(
        "dmarc-malformed",
        "the DMARC record's policy has a typing error",
        RECORDS_OF,
        "dmarc_invalid",
        's/p=quarantine; rua.*/p=quarentine"/',
    ),
    record(
        "dmarc-none",
        "the DMARC policy asks receivers to do nothing",
        RECORDS_OF,
        "dmarc_policy_none",
        "s/p=quarantine/p=none/",
        warns=True,
    ),
    record(
        "dmarc-doubled",
        "there is a second DMARC record",
        RECORDS_OF,
        "record_duplicate",
        '/^_dmarc/a _dmarc IN TXT "v=DMARC1; p=reject"',
    ),
)

FAULTS = (*ADDRESSES, *RECORDS)
