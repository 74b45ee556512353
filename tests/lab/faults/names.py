"""What is wrong with names: the servers, the zones, and what the registries tell the world."""

from tests.lab.act import both, clear_filter, filter_packets, on
from tests.lab.plan import SITES
from tests.lab.truth import Act, Cause, Fault, Severity

PDNS, SERVER = "pdns", "dns-server"
# What the public sees of a zone, of the records that its mail lives by, and of those that name the signer's key.
PUBLIC_VIEW, RECORDS_OF, SIGNED = "zone", "mail-records", "mail-records-core"
CLIENT, OTHER, OWN = "holisticgroupllc.com", "elizefoundation.org", "migrahosting.com"
MEND_PDNS = on("dns-core", "restart_pdns")
MEND_ZONES = on("dns-core", f"mend_zones {OWN} {CLIENT}")
MEND_SECOND = on("resolver", "remember_zones")
MEND_REGISTRY = on("resolver", "mend_registry")


def server(name: str, breaks: str, check: str, reason: str, inject: str | Act, heal: Act, *holds: str) -> Fault:
    """A whole name server fails, or the way to it."""
    return Fault(
        name=f"names-{name}",
        breaks=breaks,
        causes=(Cause(check=check, host="dns-core", service=PDNS, reason=reason),),
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


def reverse(name: str, breaks: str, edit: str, *, warns: bool = False) -> Fault:
    """The name of the mail server's address, as the registry of its network tells it."""
    address, reason = "mail-address", "ptr_mismatch"
    severity = Severity.WARNING if warns else Severity.CRITICAL
    return Fault(
        name=f"names-reverse-{name}",
        breaks=breaks,
        causes=(Cause(check=address, host="mail-core", service=address, reason=reason, severity=severity),),
        shows={address: ("warn" if warns else "down", reason), f"{RECORDS_OF}/{OWN}": ("ok", "")},
        inject=on("resolver", f"change_registry in-addr.arpa.zone '{edit}'"),
        heal=MEND_REGISTRY,
    )


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
        SERVER,
        "dns_timeout",
        "systemctl kill --signal=STOP pdns",
        MEND_PDNS,
        "pdns-unit",
    ),
    server(
        "server-closed",
        "PowerDNS listens on its own host alone",
        SERVER,
        "connect_refused",
        "break_pdns 'local-address=127.0.0.1'",
        on("dns-core", "mend_pdns"),
        "pdns-unit",
    ),
    server(
        "database-lost",
        "PowerDNS cannot open its database: SERVFAIL for every zone",
        SERVER,
        "dns_servfail",
        "lose_database",
        on("dns-core", "find_database"),
        "pdns-unit",
    ),
    server(
        "udp-dropped",
        "dns-core's firewall drops questions by UDP; TCP gets through",
        SERVER,
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
    Fault(
        name="names-zone-forgotten",
        breaks="a client's zone was made on dns-core, and nobody wrote a check for it",
        causes=(
            Cause(
                check="discovery/zones", host="dns-core", service=PDNS, reason="unwatched", severity=Severity.WARNING
            ),
        ),
        shows={"discovery/zones": ("warn", "unwatched"), SERVER: ("ok", "")},
        inject=on("dns-core", "pdnsutil create-zone forgotten.example ns1.migrahosting.com >/dev/null 2>&1 || true"),
        heal=on("dns-core", "delete_zone forgotten.example"),
    ),
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
            on("dns-core", f"change_zone {OTHER} -e '/^@ IN NS ns2/a @ IN NS ns1.example.net.'"),
            on(
                "resolver",
                "systemctl start pdns@away; "
                "change_registry org.zone '/^elizefoundation IN NS ns2/a elizefoundation IN NS ns1.example.net.'",
            ),
        ),
        both(MEND_REGISTRY, on("dns-core", f"mend_zones {OTHER}")),
        of=OTHER,
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
    # Receivers take one of the names, whichever comes first: some mail is refused, some is not.
    reverse(
        "doubled",
        "the mail server's address has the provider's name beside its own",
        "/^61.180.38.154/a 61.180.38.154 IN PTR vmi1.contabo.example.",
        warns=True,
    ),
)

FAULTS = (*SERVERS, *ZONES)
