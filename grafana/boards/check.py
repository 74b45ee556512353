"""One check in depth: how it stands, where its time goes, and what was open meanwhile."""

from grafana.boards.incidents import incidents
from grafana.dashboard import HOST, INCIDENTS, SERVICE, SITE, Dashboard, Marks, Section, Variable
from grafana.panel import Panel, Query, lines, standing_of, stat, table, timeline

ONE = 'check="$check"'
LATENCY = f"migrawatch_look_duration_seconds_bucket{{{ONE}}}"
KINDS_WITH_PHASES = "dns|http|icmp|imap|mail_roundtrip|postgres|s3|smtp"

OWN = Marks(
    name="Its own incidents",
    ask=f"max by (check, severity, reason) (migrawatch_incident{{{ONE}}})",
    title="{{check}}: {{reason}}",
    text="open as {{severity}}, with this check as the cause",
    color="red",
)


def heatmap() -> Panel:
    """All looks by how long they took, each dot a look that can be read in full."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "dark-orange",
                  "reverse": False},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "unit": "s", "reverse": False},
    }  # fmt: skip
    return Panel(
        title="How long looks took",
        about="Looks by length. A dot is one look: its link shows it in full, with steps, findings and evidence, "
        "for an hour.",
        kind="heatmap",
        queries=(Query(ask=f"sum by (le) (increase({LATENCY}[$__rate_interval]))", name="{{le}}", exemplars=True),),
        unit="s",
        empty="not looked at",
        width=12,
        height=8,
        form="heatmap",
        options=options,
        defaults={"custom": {"scaleDistribution": {"type": "linear"}}},
    )


CHECK = Dashboard(
    name="check",
    title="migrawatch: one check in depth",
    about="How one check stands and stood, where its time goes, and which incidents were open meanwhile.",
    variables=(
        HOST,
        SERVICE,
        Variable(name="check", label="Check", of="check", series=f"probe_verdict{{{SITE}}}", default="api-public"),
    ),
    marks=(OWN, INCIDENTS.everywhere("Incidents of others", 'check!="$check"', "orange")),
    sections=(
        Section(
            title="Now",
            panels=(
                standing_of("Stands", "What the last look said.", ONE),
                table(
                    "Why",
                    "The reason of the last look; the runbook has a section for each.",
                    Query(ask=f"max by (reason, vantage) (probe_failure_reason{{{ONE}}})", when="fault"),
                    unit="none",
                    empty="It is ok.",
                    columns={"reason": "reason", "vantage": "seen from", "Value": "holds"},
                    width=8,
                    height=4,
                ),
                stat(
                    "Looked at",
                    "How long ago the last look began.",
                    Query(ask=f"time() - max(migrawatch_look_timestamp_seconds{{{ONE}}})"),
                    unit="s",
                    empty="never",
                    steps=(("green", None), ("orange", 600.0), ("red", 3600.0)),
                ),
                stat(
                    "Took",
                    "How long the last look took.",
                    Query(ask=f"max(probe_duration_seconds{{{ONE}}})"),
                    unit="s",
                    empty="never looked",
                ),
                stat(
                    "Did not fail",
                    "Share of the time in view in which it was ok or only warned.",
                    Query(ask=f"max(avg_over_time(probe_success{{{ONE}}}[$__range]))"),
                    unit="percentunit",
                    empty="never looked",
                    steps=(("red", None), ("orange", 0.99), ("green", 0.999)),
                ),
                incidents("", "All open incidents: is the cause among them?", "Nothing is broken.", height=6),
            ),
        ),
        Section(
            title="Where its time goes",
            panels=(
                heatmap(),
                lines(
                    "Whole looks",
                    "The last look at each moment, and what 95 of 100 looks stayed under (an estimate, the "
                    "buckets are few).",
                    Query(ask=f"max(probe_duration_seconds{{{ONE}}})", name="last look"),
                    Query(
                        ask=f"histogram_quantile(0.95, sum by (le) (rate({LATENCY}[$__rate_interval])))",
                        name="95 %",
                        exemplars=True,
                    ),
                    unit="s",
                    empty="not looked at",
                ),
                lines(
                    "Steps",
                    "Every step of the last look, in all kinds of probes. Where it ended in a timeout, the "
                    "unfinished step is the long one.",
                    Query(ask=f"max by (step) (migrawatch_step_seconds{{{ONE}}})", name="{{step}}"),
                    unit="s",
                    empty="this kind has no steps",
                    stacked=True,
                ),
                lines(
                    "Phases",
                    "The phases that blackbox_exporter has too; a phase that was not reached is 0.",
                    Query(
                        ask=f'max by (phase) ({{__name__=~"probe_({KINDS_WITH_PHASES})_duration_seconds",{ONE}}})',
                        name="{{phase}}",
                    ),
                    unit="s",
                    empty="this kind has no phases",
                    stacked=True,
                ),
            ),
        ),
        Section(
            title="Over time",
            panels=(
                timeline("How it stood", "Verdicts over time.", ONE, "check", height=6),
                lines(
                    "Reasons",
                    "Why it was not ok; a line at 1 while the reason held.",
                    Query(ask=f"max by (reason) (probe_failure_reason{{{ONE}}})", name="{{reason}}", when="fault"),
                    unit="none",
                    empty="it was ok all the time",
                    defaults={"max": 1},
                ),
                lines(
                    "Its certificate ends in",
                    "The first certificate of its chain.",
                    Query(ask=f"min(probe_ssl_earliest_cert_expiry{{{ONE}}}) - time()", name="ends in"),
                    unit="s",
                    empty="no TLS",
                    steps=(("red", None), ("orange", 604800.0), ("green", 1209600.0)),
                ),
                lines(
                    "Its address",
                    "A step is another IP address behind the same name. The number means nothing itself.",
                    Query(ask=f"max(probe_ip_addr_hash{{{ONE}}})", name="address (hash)"),
                    unit="none",
                    empty="no address",
                ),
            ),
        ),
    ),
)
