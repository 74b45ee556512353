"""migrawatch itself: does it look in time, tell what it must, and remember it."""

from grafana.dashboard import Dashboard, Marks, Section, Variable
from grafana.panel import Query, lines, stat, table

I = 'instance=~"$instance"'  # noqa: E741
YES = {"mappings": [{"type": "value", "options": {"0": {"text": "NO", "color": "red", "index": 0},
                                                  "1": {"text": "yes", "color": "green", "index": 1}}}]}  # fmt: skip
WELL = (("red", None), ("green", 1.0))
LATE = (("green", None), ("orange", 1.0), ("red", 5.0))


def quantile(share: float, metric: str) -> str:
    """What this share of what *metric* measured stayed under, each instance by itself."""
    return f"histogram_quantile({share}, sum by (instance, le) (rate({metric}_bucket{{{I}}}[$__rate_interval])))"


ITSELF = Dashboard(
    name="itself",
    title="migrawatch: itself",
    about="Whether migrawatch looks in time, tells what it must, and remembers it.",
    variables=(Variable(name="instance", label="Instance", of="instance", series="migrawatch_build_info"),),
    marks=(
        Marks(
            name="Configuration loaded",
            when="always",
            moments=True,
            color="blue",
            ask=f"max by (instance) (migrawatch_config_last_reload_success_timestamp_seconds{{{I}}}) * 1000",
            title="configuration loaded",
            text="{{instance}}",
        ),
        Marks(
            name="Started",
            when="always",
            moments=True,
            color="purple",
            ask=f"max by (instance) (migrawatch_start_timestamp_seconds{{{I}}}) * 1000",
            title="migrawatch started",
            text="{{instance}}",
        ),
    ),
    sections=(
        Section(
            title="Now",
            panels=(
                stat(
                    "Last look",
                    "How long ago anything was looked at.",
                    Query(
                        ask=f"time() - max by (instance) (migrawatch_look_timestamp_seconds{{{I}}})",
                        name="{{instance}}",
                    ),
                    unit="s",
                    empty="NOBODY LOOKS",
                    steps=(("green", None), ("orange", 90.0), ("red", 180.0)),
                ),
                stat(
                    "Looks begin late by",
                    "99 of 100 looks began at most that late after they were due.",
                    Query(ask=quantile(0.99, "migrawatch_look_lateness_seconds"), name="{{instance}}"),
                    unit="s",
                    empty="no look yet",
                    steps=LATE,
                ),
                stat(
                    "Notices that wait",
                    "Not taken by their receiver yet.",
                    Query(ask=f"sum(migrawatch_notices_waiting{{{I}}})"),
                    unit="none",
                    empty="no receivers",
                    steps=(("green", None), ("orange", 1.0), ("red", 10.0)),
                ),
                stat(
                    "The oldest has waited",
                    "Red: somebody does not know what he should.",
                    Query(ask=f"time() - min(migrawatch_notice_oldest_timestamp_seconds{{{I}}})", when="fault"),
                    unit="s",
                    empty="nothing waits",
                    steps=(("green", None), ("orange", 60.0), ("red", 300.0)),
                ),
                stat(
                    "Configuration in use is the last one",
                    "No: the last reload was refused, and the old one goes on.",
                    Query(
                        ask=f"min by (instance) (migrawatch_config_last_reload_successful{{{I}}})", name="{{instance}}"
                    ),
                    unit="none",
                    empty="NO MIGRAWATCH",
                    steps=WELL,
                    defaults=YES,
                ),
                stat(
                    "State reaches the disk",
                    "No: what is open and owed would be lost with the process.",
                    Query(ask=f"min by (instance) (migrawatch_state_written{{{I}}})", name="{{instance}}"),
                    unit="none",
                    empty="NO MIGRAWATCH",
                    steps=WELL,
                    defaults=YES,
                ),
            ),
        ),
        Section(
            title="Looking",
            panels=(
                lines(
                    "Looks by verdict",
                    "Looks a second.",
                    Query(
                        ask=f"sum by (verdict) (rate(migrawatch_looks_total{{{I}}}[$__rate_interval]))",
                        name="{{verdict}}",
                    ),
                    unit="cps",
                    empty="no look yet",
                    width=8,
                    stacked=True,
                ),
                lines(
                    "Looks begin late by",
                    "Half, and 99 of 100 looks, began at most that late.",
                    Query(ask=quantile(0.5, "migrawatch_look_lateness_seconds"), name="half {{instance}}"),
                    Query(ask=quantile(0.99, "migrawatch_look_lateness_seconds"), name="99 % {{instance}}"),
                    unit="s",
                    empty="no look yet",
                    width=8,
                    steps=LATE,
                ),
                lines(
                    "The loop lags by",
                    "99 of 100 times the loop woke at most that late: more means too little CPU.",
                    Query(ask=quantile(0.99, "migrawatch_loop_lag_seconds"), name="99 % {{instance}}"),
                    unit="s",
                    empty="no beat yet",
                    width=8,
                    steps=LATE,
                ),
                lines(
                    "Skipped and stuck",
                    "Looks not begun because the last one was still going, and looks that did not end "
                    "in time, since the start.",
                    Query(
                        ask=f"sum by (instance) (migrawatch_looks_skipped_total{{{I}}})", name="skipped {{instance}}"
                    ),
                    Query(ask=f"sum by (instance) (migrawatch_stragglers{{{I}}})", name="stuck {{instance}}"),
                    unit="none",
                    empty="no look yet",
                    width=8,
                ),
                table(
                    "Hosts that can be looked from",
                    "By SSH. No: all that is looked at from there is unknown.",
                    Query(ask=f"min by (vantage) (migrawatch_vantage_up{{{I}}})"),
                    unit="none",
                    empty="none is looked from",
                    columns={"vantage": "host", "Value": "can"},
                    width=8,
                    height=8,
                    steps=WELL,
                    defaults=YES,
                ),
                lines(
                    "Looks caused by watches and tripwires",
                    "Lines of logs and ended connections, beside the grid.",
                    Query(
                        ask=f"sum by (source) (increase(migrawatch_triggers_total{{{I}}}[$__rate_interval]))",
                        name="{{source}}",
                        when="fault",
                    ),
                    unit="none",
                    empty="none so far",
                    width=8,
                ),
            ),
        ),
        Section(
            title="Telling",
            panels=(
                lines(
                    "Attempts to tell",
                    "By receiver and outcome, in each step of the graph.",
                    Query(
                        ask=f"sum by (receiver, outcome) (increase(migrawatch_notices_total{{{I}}}[$__rate_interval]))",
                        name="{{receiver}}: {{outcome}}",
                        when="fault",
                    ),
                    unit="none",
                    empty="nothing was told",
                    width=8,
                ),
                lines(
                    "Notices that wait",
                    "By receiver.",
                    Query(ask=f"max by (receiver) (migrawatch_notices_waiting{{{I}}})", name="{{receiver}}"),
                    unit="none",
                    empty="no receivers",
                    width=8,
                ),
                lines(
                    "Our own heartbeat",
                    "How long ago somebody elsewhere last took it: who cries when we fall silent.",
                    Query(
                        ask=f"time() - max by (to) (migrawatch_heartbeat_told_timestamp_seconds{{{I}}})",
                        name="{{to}}",
                    ),
                    unit="s",
                    empty="nobody would miss us",
                    width=8,
                    steps=(("green", None), ("red", 300.0)),
                ),
            ),
        ),
        Section(
            title="The process",
            panels=(
                lines(
                    "CPU",
                    "1 is one core.",
                    Query(
                        ask=f"rate(process_cpu_seconds_total{{{I}}}[$__rate_interval])"
                        f" and on (instance) migrawatch_build_info{{{I}}}",
                        name="{{instance}}",
                    ),
                    unit="none",
                    empty="NO MIGRAWATCH",
                    width=8,
                ),
                lines(
                    "Memory",
                    "Resident.",
                    Query(
                        ask=f"process_resident_memory_bytes{{{I}}} and on (instance) migrawatch_build_info{{{I}}}",
                        name="{{instance}}",
                    ),
                    unit="bytes",
                    empty="NO MIGRAWATCH",
                    width=8,
                ),
                lines(
                    "Open files",
                    "Share of those that the process may have open.",
                    Query(
                        ask=f"process_open_fds{{{I}}} / process_max_fds{{{I}}}"
                        f" and on (instance) migrawatch_build_info{{{I}}}",
                        name="{{instance}}",
                    ),
                    unit="percentunit",
                    empty="NO MIGRAWATCH",
                    width=8,
                    defaults={"max": 1},
                    steps=(("green", None), ("red", 0.8)),
                ),
            ),
        ),
    ),
)
