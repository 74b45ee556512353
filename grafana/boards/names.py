"""DNS, registrations and certificates: what ends when, and whether the servers agree."""

from grafana.dashboard import SITE, Dashboard, Section
from grafana.panel import Query, lines, reasons, stat, table, timeline

KINDS = f'probe=~"dns|dns_consistency|domain_expiry|tls",{SITE}'
DAY = 86400.0
ENDS = (("red", None), ("orange", 7 * DAY), ("green", 14 * DAY))
ENDS_YEARLY = (("red", None), ("orange", 14 * DAY), ("green", 30 * DAY))

NAMES = Dashboard(
    name="names",
    title="migrawatch: DNS and certificates",
    about="What ends when, whether the name servers agree, and how fast names are found.",
    since="now-24h",
    sections=(
        Section(
            title="Now",
            panels=(
                stat(
                    "The first certificate ends in",
                    "Of all chains that were seen, those of mail servers included.",
                    Query(ask=f"min(probe_ssl_earliest_cert_expiry{{{SITE}}}) - time()"),
                    unit="s",
                    empty="no certificate seen",
                    steps=ENDS,
                ),
                stat(
                    "The first registration ends in",
                    "As the registry told it. Nothing works after that day.",
                    Query(ask=f"min(probe_domain_expiry_timestamp_seconds{{{SITE}}}) - time()"),
                    unit="s",
                    empty="not watched",
                    steps=ENDS_YEARLY,
                ),
                stat(
                    "The first DNSSEC signature ends in",
                    "Validating resolvers find nothing after that moment.",
                    Query(ask=f"min(probe_dns_signature_expiry_timestamp_seconds{{{SITE}}}) - time()"),
                    unit="s",
                    empty="no zone is signed",
                    steps=(("red", None), ("orange", DAY), ("green", 3 * DAY)),
                ),
                stat(
                    "Zones with two serials",
                    "Their servers do not have the same zone.",
                    Query(ask=f"sum(max by (check) (probe_dns_serials{{{SITE}}}) > bool 1)"),
                    unit="none",
                    empty="not watched",
                    steps=(("green", None), ("red", 1.0)),
                ),
                stat(
                    "Servers that serve nothing",
                    "Authoritative servers that were asked and do not serve their zone.",
                    Query(
                        ask=f"sum(max by (check) (probe_dns_servers{{{SITE}}} - probe_dns_servers_serving{{{SITE}}}))"
                    ),
                    unit="none",
                    empty="not watched",
                    steps=(("green", None), ("red", 1.0)),
                ),
                stat(
                    "Names at the legacy server",
                    "They must be none before it is switched off.",
                    Query(ask=f"sum(max by (check) (probe_dns_legacy_names{{{SITE}}}))"),
                    unit="none",
                    empty="not watched",
                    steps=(("green", None), ("orange", 1.0)),
                ),
                reasons(KINDS, "Names and certificates"),
            ),
        ),
        Section(
            title="What ends when",
            panels=(
                table(
                    "Certificates",
                    "The first certificate of each chain to end, the nearest first.",
                    Query(ask=f"min by (check, host, service) (probe_ssl_earliest_cert_expiry{{{SITE}}}) - time()"),
                    unit="s",
                    empty="no certificate seen",
                    columns={"Value": "ends in", "check": "check", "service": "service", "host": "host"},
                    width=12,
                    height=9,
                    steps=ENDS,
                ),
                table(
                    "Registrations",
                    "When each domain's registration ends, the nearest first.",
                    Query(ask=f"min by (check, service) (probe_domain_expiry_timestamp_seconds{{{SITE}}}) - time()"),
                    unit="s",
                    empty="not watched",
                    columns={"Value": "ends in", "check": "check", "service": "domain"},
                    width=6,
                    height=9,
                    steps=ENDS_YEARLY,
                ),
                table(
                    "TLS versions",
                    "How many checks negotiated which version.",
                    Query(ask=f"count by (version) (max by (check, version) (probe_tls_version_info{{{SITE}}}))"),
                    unit="none",
                    empty="no TLS seen",
                    columns={"version": "version", "Value": "checks"},
                    width=6,
                    height=9,
                ),
            ),
        ),
        Section(
            title="Name servers",
            panels=(
                lines(
                    "Our servers: phases of a question",
                    "The slowest look of each phase, all chosen checks together.",
                    Query(ask=f"max by (phase) (probe_dns_duration_seconds{{{SITE}}})", name="{{phase}}"),
                    unit="s",
                    empty="not watched",
                ),
                lines(
                    "Resolving: the ten slowest",
                    "What finding the address took, before anything else could begin.",
                    Query(ask=f"topk(10, max by (check) (probe_dns_lookup_time_seconds{{{SITE}}}))", name="{{check}}"),
                    unit="s",
                    empty="no name was looked up",
                    steps=(("green", None), ("orange", 1.0)),
                ),
                lines(
                    "Servers that serve each zone",
                    "Less than were asked: a server is gone, or has forgotten the zone.",
                    Query(ask=f"min by (service) (probe_dns_servers_serving{{{SITE}}})", name="{{service}}"),
                    unit="none",
                    empty="not watched",
                ),
                timeline("Checks over time", "A bar for each check of names and certificates.", KINDS, "check"),
            ),
        ),
    ),
)
