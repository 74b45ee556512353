"""For the wall: what is broken, since when, and why."""

from grafana.boards.incidents import incidents
from grafana.dashboard import SITE, Dashboard, Section
from grafana.panel import Query, bars, reasons, stat, timeline

BROKEN = (("green", None), ("red", 1.0))
WARNED = (("green", None), ("orange", 1.0))

OVERVIEW = Dashboard(
    name="overview",
    title="migrawatch: what is broken",
    about="What is broken, since when, and why. Green and empty is good, as long as somebody looks.",
    refresh="10s",
    sections=(
        Section(
            title="Now",
            panels=(
                stat(
                    "Critical incidents",
                    "Open incidents that page somebody, of all hosts and services.",
                    Query(ask='max(migrawatch_incidents_open{severity="critical"})'),
                    unit="none",
                    empty="no migrawatch",
                    steps=BROKEN,
                ),
                stat(
                    "Warnings",
                    "Open incidents that wake nobody, of all hosts and services.",
                    Query(ask='max(migrawatch_incidents_open{severity="warning"})'),
                    unit="none",
                    empty="no migrawatch",
                    steps=WARNED,
                ),
                stat(
                    "Checks that are down",
                    "Causes and symptoms alike, of the chosen hosts and services.",
                    Query(ask=f'sum(max by (check) (probe_verdict{{verdict="down",{SITE}}}))'),
                    unit="none",
                    empty="nothing is watched",
                    steps=BROKEN,
                ),
                stat(
                    "Checks that warn",
                    "They work, and will not for long.",
                    Query(ask=f'sum(max by (check) (probe_verdict{{verdict="warn",{SITE}}}))'),
                    unit="none",
                    empty="nothing is watched",
                    steps=WARNED,
                ),
                stat(
                    "Could not look",
                    "Checks whose last look saw nothing: a lost uplink or a lost SSH login. Not down.",
                    Query(ask=f'sum(max by (check) (probe_verdict{{verdict="unknown",{SITE}}}))'),
                    unit="none",
                    empty="nothing is watched",
                    steps=(("green", None), ("purple", 1.0)),
                ),
                stat(
                    "Last look",
                    "How long ago anything was looked at. Red: what this page shows is old, whatever its colours say.",
                    Query(ask="time() - max(migrawatch_look_timestamp_seconds)"),
                    unit="s",
                    empty="nobody looks",
                    steps=(("green", None), ("orange", 90.0), ("red", 180.0)),
                ),
                incidents(SITE, "What is broken, since when, and why", "Nothing is broken."),
                reasons(SITE, "Checks"),
            ),
        ),
        Section(
            title="Over time",
            panels=(
                timeline("Hosts", "The worst check of each host.", SITE, "host"),
                timeline("Services", "The worst check of each service.", SITE, "service"),
                bars(
                    "Availability, the ten worst services",
                    "Share of the time in view in which the worst check of the service did not fail. What could not be "
                    "looked at counts neither way.",
                    Query(
                        ask=f"bottomk(10, min by (service) (avg_over_time(probe_success{{{SITE}}}[$__range])))",
                        name="{{service}}",
                    ),
                    unit="percentunit",
                    empty="nothing was looked at",
                    defaults={"max": 1},
                    steps=(("red", None), ("orange", 0.99), ("green", 0.999)),
                ),
                bars(
                    "The ten slowest checks",
                    "How long the last look took.",
                    Query(ask=f"topk(10, max by (check) (probe_duration_seconds{{{SITE}}}))", name="{{check}}"),
                    unit="s",
                    empty="nothing was looked at",
                    steps=(("green", None), ("orange", 2.0), ("red", 5.0)),
                ),
            ),
        ),
    ),
)
