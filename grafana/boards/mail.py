"""Mail: whether it is sent, delivered, read and believed."""

from grafana.dashboard import SITE, Dashboard, Section
from grafana.panel import Query, bars, lines, reasons, standing, standing_shown, standing_steps, stat, table, timeline

ROUND_TRIP = f'probe="mail_roundtrip",{SITE}'
KINDS = f'probe=~"smtp|imap|mail_.+|dnsbl",{SITE}'

MAIL = Dashboard(
    name="mail",
    title="migrawatch: mail",
    about="Whether mail is sent, delivered, read and believed by others.",
    sections=(
        Section(
            title="Now",
            panels=(
                stat(
                    "Sent and read back",
                    "A mail of ours through submission, into the mailbox, its signature verified.",
                    Query(ask=standing(ROUND_TRIP, "probe")),
                    unit="none",
                    empty="not watched",
                    steps=standing_steps(),
                    defaults=standing_shown(),
                ),
                stat(
                    "Delivery took",
                    "From when the server took the mail until it was found in the mailbox.",
                    Query(ask=f"max(probe_mail_roundtrip_delivery_seconds{{{SITE}}})"),
                    unit="s",
                    empty="no mail arrived",
                    steps=(("green", None), ("orange", 30.0), ("red", 120.0)),
                ),
                stat(
                    "Mails that wait",
                    "Mails that Postfix could not deliver at once (its queue `deferred`).",
                    Query(ask=f'max by (host) (probe_mail_queue_messages{{queue="deferred",{SITE}}})', name="{{host}}"),
                    unit="none",
                    empty="not watched",
                    steps=(("green", None), ("orange", 50.0), ("red", 500.0)),
                ),
                stat(
                    "The oldest has waited",
                    "Since the oldest mail arrived that is not on hold.",
                    Query(
                        ask=f"time() - min by (host) (probe_mail_queue_oldest_timestamp_seconds{{{SITE}}})",
                        name="{{host}}",
                    ),
                    unit="s",
                    empty="the queue is empty",
                    steps=(("green", None), ("orange", 3600.0), ("red", 14400.0)),
                ),
                stat(
                    "Blocklists that have us",
                    "Listed addresses, counted once a list. Others then refuse our mail.",
                    Query(ask=f"sum(max by (list, address) (probe_dnsbl_listed{{{SITE}}}))"),
                    unit="none",
                    empty="not watched",
                    steps=(("green", None), ("red", 1.0)),
                ),
                stat(
                    "Look-ups of SPF, at most",
                    "Ten are allowed; with more the record counts as broken.",
                    Query(ask=f"max(probe_mail_spf_lookups{{{SITE}}})"),
                    unit="none",
                    empty="not watched",
                    steps=(("green", None), ("orange", 9.0), ("red", 11.0)),
                ),
                reasons(KINDS, "Mail checks"),
            ),
        ),
        Section(
            title="On its way",
            panels=(
                lines(
                    "Where the round trip's time goes",
                    "Each leg of the last mail that we sent to ourselves.",
                    Query(ask=f"max by (phase) (probe_mail_roundtrip_duration_seconds{{{SITE}}})", name="{{phase}}"),
                    unit="s",
                    empty="not watched",
                    stacked=True,
                ),
                lines(
                    "How long each server had it",
                    "By the servers' own clocks, in whole seconds.",
                    Query(
                        ask=f"max by (hop, by) (probe_mail_roundtrip_hop_delay_seconds{{{SITE}}})",
                        name="{{hop}} {{by}}",
                    ),
                    unit="s",
                    empty="no mail arrived",
                ),
                lines(
                    "Mails in the queues",
                    "Of Postfix. `deferred` that grows is a recipient, or half the world, that does not take our mail.",
                    Query(ask=f"max by (host, queue) (probe_mail_queue_messages{{{SITE}}})", name="{{host}} {{queue}}"),
                    unit="none",
                    empty="not watched",
                    stacked=True,
                ),
                timeline("Mail checks over time", "A bar for each check.", KINDS, "check"),
            ),
        ),
        Section(
            title="Dialogues",
            panels=(
                lines(
                    "SMTP: phases",
                    "The slowest look of each phase, all chosen checks together.",
                    Query(ask=f"max by (phase) (probe_smtp_duration_seconds{{{SITE}}})", name="{{phase}}"),
                    unit="s",
                    empty="not watched",
                ),
                lines(
                    "IMAP: phases",
                    "The slowest look of each phase, all chosen checks together.",
                    Query(ask=f"max by (phase) (probe_imap_duration_seconds{{{SITE}}})", name="{{phase}}"),
                    unit="s",
                    empty="not watched",
                ),
            ),
        ),
        Section(
            title="Reputation",
            panels=(
                table(
                    "Blocklists",
                    "Whether each list has our address, as far as it answers us at all.",
                    Query(ask=f"max by (list, address) (probe_dnsbl_listed{{{SITE}}})"),
                    unit="bool_yes_no",
                    empty="not watched",
                    columns={"list": "list", "address": "address", "Value": "listed"},
                    width=12,
                    height=8,
                ),
                bars(
                    "Length of the DKIM keys",
                    "256 bytes are 2048 bits. Keys under 1024 bits are believed by nobody.",
                    Query(
                        ask=f"min by (service, selector) (probe_mail_dkim_key_size_bytes{{{SITE}}})",
                        name="{{service}} {{selector}}",
                    ),
                    unit="bytes",
                    empty="not watched",
                    steps=(("red", None), ("orange", 128.0), ("green", 256.0)),
                ),
            ),
        ),
    ),
)
