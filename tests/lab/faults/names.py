"""What is wrong with names: the servers, the zones, single records, and what the registries tell the world."""

from tests.lab.act import both, clear_filter, filter_packets, on
from tests.lab.plan import SITES
from tests.lab.truth import Act, Cause, Fault, Severity

PDNS = "pdns"
# What the public sees of a zone, of the records that its mail lives by, and of those that name the signer's key.
PUBLIC_VIEW, RECORDS_OF, SIGNED = "zone", "mail-records", "mail-records-core"
CLIENT, OWN = "holisticgroupllc.com", "migrahosting.com"
MEND_PDNS = on("dns-core", "restart_pdns")
MEND_ZONES = on("dns-core", f"mend_zones {OWN} {CLIENT}")
MEND_SECOND = on("resolver", "remember_zones")
MEND_REGISTRY = on("resolver", "mend_registry")


def server(name: str, breaks: str, check: str, reason: str, inject: str | Act, heal: Act, *holds: str) -> Fault:
    """A whole name server fails, or the way to it."""
    return Fault(
        name=f"names-{name}",
        breaks=breaks,
        causes=(Cause(check=check, host="dns-core", service=OWN if check == f"dns/{OWN}" else PDNS, reason=reason),),
        shows={check: ("down", reason), **dict.fromkeys(holds, ("ok", ""))},
        inject=on("dns-core", inject) if isinstance(inject, str) else inject,
        heal=heal,
    )


def zone(
    name: str,
    breaks: str,
    check: str,
    reason: str,
    inject: Act,
    heal: Act,
    *,
    of: str = CLIENT,
    warns: bool = False,
) -> Fault:
    """Something about one zone; the zone is the service. *check* is followed by its name unless it has another."""
    named = check if "/" in check else f"{check}/{of}"
    # What the public sees of a zone wakes nobody, however bad: dns-core's own answers do.
    severity = Severity.WARNING if warns or check == PUBLIC_VIEW else Severity.CRITICAL
    return Fault(
        name=f"names-{name}",
        breaks=breaks,
        causes=(Cause(check=named, host="dns-core", service=of, reason=reason, severity=severity),),
        shows={named: ("warn" if warns else "down", reason), "pdns-unit": ("ok", "")},
        inject=inject,
        heal=heal,
    )


def reverse(name: str, breaks: str, edit: str) -> Fault:
    """The name of the mail server's address, as the registry of its network tells it."""
    return Fault(
        name=f"names-reverse-{name}",
        breaks=breaks,
        causes=(Cause(check="mail-address", host="mail-core", service="mail-address", reason="ptr_mismatch"),),
        shows={"mail-address": ("down", "ptr_mismatch"), f"{RECORDS_OF}/{OWN}": ("ok", "")},
        inject=on("resolver", f"change_registry in-addr.arpa.zone '{edit}'"),
        heal=MEND_REGISTRY,
    )


def record(
    name: str, breaks: str, check: str, reason: str, *edits: str, of: str = CLIENT, warns: bool = False
) -> Fault:
    """The zone as sed leaves it, on both servers."""
    asked = " ".join(f"-e '{edit}'" for edit in edits)
    change = on("dns-core", f"change_zone {of} {asked}")
    return zone(name, breaks, check, reason, change, MEND_ZONES, of=of, warns=warns)


SERVERS = (
    server("server-stopped", "systemctl stop pdns", "pdns-unit", "unit_inactive", "systemctl stop pdns", MEND_PDNS),
    server(
        "server-failed",
        "a restart with a setting that PowerDNS does not know: the unit has failed",
        "pdns-unit",
        "unit_failed",
        "break_pdns 'nonsense=yes'",
        on("dns-core", "mend_pdns"),
    ),
    server(
        "server-hung",
        "PowerDNS stands still (SIGSTOP): nobody answers",
        f"dns/{OWN}",
        "dns_timeout",
        "systemctl kill --signal=STOP pdns",
        MEND_PDNS,
        "pdns-unit",
    ),
    server(
        "server-closed",
        "PowerDNS listens on its own host alone",
        f"dns/{OWN}",
        "connect_refused",
        "break_pdns 'local-address=127.0.0.1'",
        on("dns-core", "mend_pdns"),
        "pdns-unit",
    ),
    server(
        "database-lost",
        "PowerDNS cannot open its database: SERVFAIL for every zone",
        f"dns/{OWN}",
        "dns_servfail",
        "lose_database",
        on("dns-core", "find_database"),
        "pdns-unit",
    ),
    server(
        "udp-dropped",
        "dns-core's firewall drops questions by UDP; TCP gets through",
        f"dns/{OWN}",
        "dns_timeout",
        filter_packets("dns-core", 'iifname "eth0" udp dport 53 drop'),
        clear_filter("dns-core"),
        "pdns-unit",
    ),
    server(
        "tcp-dropped",
        "dns-core's firewall drops questions by TCP: long answers and zone transfers are lost",
        "dns-tcp",
        "connect_timeout",
        filter_packets("dns-core", 'iifname "eth0" tcp dport 53 drop'),
        clear_filter("dns-core"),
        "pdns-unit",
        f"dns/{OWN}",
    ),
)

ZONES = (
    zone(
        "zone-missing",
        "a client's zone was deleted on dns-core: REFUSED, while the second server still has it",
        "dns",
        "dns_refused",
        on("dns-core", f"delete_zone {CLIENT}"),
        MEND_ZONES,
    ),
    zone(
        "zone-unreadable",
        "a client's zone in the database cannot be read: SERVFAIL for it alone",
        "dns",
        "dns_servfail",
        on("dns-core", f"spoil_zone {CLIENT}"),
        MEND_ZONES,
    ),
    zone(
        "serial-drift",
        "the second server may not fetch a zone that was changed",
        PUBLIC_VIEW,
        "serial_drift",
        both(
            filter_packets("dns-core", "ip saddr 10.1.10.104 tcp dport 53 drop"),
            on("dns-core", f"change_alone {CLIENT}"),
        ),
        both(clear_filter("dns-core"), MEND_ZONES),
        warns=True,
    ),
    zone(
        "answers-differ",
        "a record was changed on dns-core under the old serial: the second server never hears of it",
        PUBLIC_VIEW,
        "answers_differ",
        on("dns-core", f"change_first {CLIENT} -e 's/^www IN A .*/www IN A 73.139.18.219/'"),
        MEND_ZONES,
    ),
    zone(
        "second-server-lame",
        "the second server does not know a client's zone any more",
        PUBLIC_VIEW,
        "lame_delegation",
        on("resolver", f"forget_zone {CLIENT}"),
        MEND_SECOND,
        warns=True,
    ),
    Fault(
        name="names-second-server-stopped",
        breaks="the zones' second server is stopped",
        # No check is about that server, which the map does not have: each zone has its own.
        causes=tuple(
            Cause(
                check=f"{PUBLIC_VIEW}/{site}",
                host="dns-core",
                service=site,
                reason="connect_refused",
                severity=Severity.WARNING,
            )
            for site in SITES
        ),
        shows={f"{PUBLIC_VIEW}/{site}": ("warn", "connect_refused") for site in SITES},
        inject=on("resolver", "systemctl stop pdns@ns2"),
        heal=MEND_SECOND,
    ),
    zone(
        "delegation-lame",
        "registry and zone name a third server, which knows nothing of the zone",
        PUBLIC_VIEW,
        "lame_delegation",
        both(
            on("dns-core", f"change_zone {CLIENT} -e '/^@ IN NS ns2/a @ IN NS a.gtld-servers.net.'"),
            on(
                "resolver",
                "change_registry com.zone '/^holisticgroupllc IN NS ns2/a holisticgroupllc IN NS a.gtld-servers.net.'",
            ),
        ),
        both(MEND_REGISTRY, MEND_ZONES),
        warns=True,
    ),
    zone(
        "delegation-differs",
        "the zone names a second server that the registry does not",
        PUBLIC_VIEW,
        "record_mismatch",
        on("resolver", "change_registry com.zone '/^holisticgroupllc IN NS ns2/d'"),
        MEND_REGISTRY,
        warns=True,
    ),
    zone(
        "delegated-away",
        "the owner took the domain to another provider",
        PUBLIC_VIEW,
        "delegated_away",
        on(
            "resolver",
            "systemctl start pdns@away; change_registry com.zone -e '/^holisticgroupllc IN NS ns2/d' "
            "-e 's/^holisticgroupllc IN NS .*/holisticgroupllc IN NS ns1.example.net./'",
        ),
        MEND_REGISTRY,
    ),
    reverse("missing", "the mail server's address has no name any more", "/^61.180.38.154/d"),
    reverse(
        "elsewhere",
        "the mail server's address has the provider's name",
        "s/^(61.180.38.154 IN PTR) .*/\\1 vmi1.contabo.example./",
    ),
)

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
        "legacy-address",
        "a client's www name points at the legacy VPS again",
        PUBLIC_VIEW,
        "legacy_address",
        "s/^www IN A .*/www IN A 31.220.98.95/",
        warns=True,
    ),
    record("mx-missing", "the MX record is gone", "dns-mx", "dns_nodata", "/IN MX/d"),
    record(
        "mx-elsewhere",
        "an MX record of somebody else's stands before ours",
        RECORDS_OF,
        "record_mismatch",
        "/IN MX/a @ IN MX 5 mx.example.net.",
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
        RECORDS_OF,
        "mx_unresolvable",
        "/^mail IN A/d",
        of=OWN,
    ),
)

SPF = '"v=spf1 mx -all"'


def spf(name: str, breaks: str, reason: str, *edits: str, warns: bool = False) -> Fault:
    return record(f"spf-{name}", breaks, RECORDS_OF, reason, *edits, warns=warns)


def one_key(name: str, breaks: str, reason: str, made: str) -> Fault:
    """The client's DKIM record is what *made* prints."""
    inject = on(
        "dns-core", f'made="{made}"; change_zone {CLIENT} -e "s#^(mail._domainkey IN TXT).*#\\1 $(quoted "$made")#"'
    )
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

FAULTS = (*SERVERS, *ZONES, *ADDRESSES, *RECORDS)
