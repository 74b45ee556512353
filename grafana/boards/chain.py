"""The 502 chain, hop by hop: which one is broken, and where the time goes."""

from grafana.dashboard import INCIDENTS, Dashboard, Section, Variable
from grafana.panel import Query, bars, lines, reasons, standing_of, timeline

HTTP = "probe_http_duration_seconds"
HOPS = ("public", "edge", "backend", "local", "process", "database")


def any_of(*hops: str) -> str:
    """What chooses the checks of these hops.

    Their names may have signs that mean something in an expression. Grafana puts one backslash before each, which
    PromQL takes as it stands only between backquotes.
    """
    return f"check=~`{'|'.join(f'${{{hop}:regex}}' for hop in hops)}`"


ALL_HOPS = any_of(*HOPS)


def hop(name: str, label: str, series: str, default: str) -> Variable:
    """The check that stands for one hop."""
    return Variable(name=name, label=label, of="check", series=series, default=default)


def phase(hop: str, *phases: str) -> str:
    """What these phases of a hop's last look took together."""
    return f'sum(max by (phase) ({HTTP}{{check="${hop}",phase=~"{"|".join(phases)}"}}))'


DATABASE = 'sum(max by (phase) (probe_postgres_duration_seconds{check="$database"}))'

CHAIN = Dashboard(
    name="chain",
    title="migrawatch: the 502 chain",
    about="The page through nginx on srv1 to the backend and its database: the rightmost red hop is the cause.",
    variables=(
        hop("public", "Page", 'probe_http_status_code{vantage="here"}', "api-public"),
        hop("edge", "nginx", 'probe_verdict{probe=~"unit|nginx_config|nginx_proxy"}', "nginx-unit"),
        hop("backend", "Backend, from nginx", "probe_http_status_code", "backend@srv1"),
        hop("local", "Backend, on its host", "probe_http_status_code", "backend@mpanel-core"),
        hop("process", "Process", "probe_pm2_restarts", "pm2/mpanel-backend"),
        hop("database", "Database", "probe_postgres_connections_max", "db-select-1@mpanel-core"),
    ),
    marks=(INCIDENTS.everywhere(),),
    sections=(
        Section(
            title="Now",
            panels=(
                standing_of("1 The page, from outside", "TLS and HTTP as a user has them.", 'check="$public"'),
                standing_of("2 nginx", "Whether nginx runs, seen on its host.", 'check="$edge"'),
                standing_of(
                    "3 The backend, from nginx",
                    "Asked from the host of nginx, on the way that nginx takes.",
                    'check="$backend"',
                ),
                standing_of(
                    "4 The backend, on its host",
                    "If this is OK and 3 is not, the path between them is cut.",
                    'check="$local"',
                ),
                standing_of("5 Its process", "Online in PM2, and not in a crash loop.", 'check="$process"'),
                standing_of("6 The database", "Log-in and SELECT 1, from the backend's host.", 'check="$database"'),
                bars(
                    "Where the time goes, now",
                    "An estimate out of the last looks at three hops, which are requests of their own: what nginx "
                    "adds is "
                    "the page's processing less the backend's, as asked from nginx's host.",
                    Query(ask=phase("public", "resolve", "connect", "tls"), name="to nginx: name, connection, TLS"),
                    Query(
                        ask=f"clamp_min({phase('public', 'processing')} - {phase('backend', 'processing')}, 0)",
                        name="nginx",
                    ),
                    Query(ask=phase("backend", "connect", "processing"), name="backend, from nginx"),
                    Query(ask=DATABASE, name="database, a log-in and SELECT 1"),
                    Query(ask=phase("public", "transfer"), name="transfer of the page"),
                    unit="s",
                    empty="not looked at",
                    steps=(("green", None), ("orange", 1.0), ("red", 3.0)),
                ),
                reasons(ALL_HOPS, "Hops", width=12, height=8),
            ),
        ),
        Section(
            title="Where the time goes",
            panels=(
                lines(
                    "The page: phases",
                    "Each phase of the last look from outside. `processing` is the wait for the first "
                    "byte: nginx and all behind it.",
                    Query(ask=f'max by (phase) ({HTTP}{{check="$public"}})', name="{{phase}}"),
                    unit="s",
                    empty="not looked at",
                    width=8,
                    stacked=True,
                ),
                lines(
                    "The backend from nginx: phases",
                    "Each phase of the last look from the host of nginx.",
                    Query(ask=f'max by (phase) ({HTTP}{{check="$backend"}})', name="{{phase}}"),
                    unit="s",
                    empty="not looked at",
                    width=8,
                    stacked=True,
                ),
                lines(
                    "The database: phases",
                    "Each phase of the last look from the backend's host.",
                    Query(ask='max by (phase) (probe_postgres_duration_seconds{check="$database"})', name="{{phase}}"),
                    unit="s",
                    empty="not looked at",
                    width=8,
                    stacked=True,
                ),
                lines(
                    "All hops: whole looks",
                    "How long the last look at each hop took, its way there included.",
                    Query(ask=f"max by (check) (probe_duration_seconds{{{ALL_HOPS}}})", name="{{check}}"),
                    unit="s",
                    empty="not looked at",
                ),
                timeline(
                    "All hops: how they stood",
                    "Read from below: the deepest hop that fails first is the cause.",
                    ALL_HOPS,
                    "check",
                ),
            ),
        ),
        Section(
            title="Signs",
            panels=(
                lines(
                    "HTTP status",
                    "502 and 504 are nginx speaking for a backend that it does not reach; 0 is no answer.",
                    Query(
                        ask=f"max by (check) (probe_http_status_code{{{any_of('public', 'backend', 'local')}}})",
                        name="{{check}}",
                    ),
                    unit="none",
                    empty="not looked at",
                    width=8,
                ),
                lines(
                    "Restarts of the process",
                    "A step is a restart, by hand or by PM2. A staircase is a crash loop.",
                    Query(ask='max by (service) (probe_pm2_restarts{check="$process"})', name="{{service}}"),
                    unit="none",
                    empty="not looked at",
                    width=8,
                ),
                lines(
                    "Connections of the database in use",
                    "Of those that clients may have. The line is where it gets tight.",
                    Query(
                        ask='max(probe_postgres_connections{check="$database"}'
                        ' / probe_postgres_connections_max{check="$database"})',
                        name="in use",
                    ),
                    unit="percentunit",
                    empty="not looked at",
                    width=8,
                    defaults={"max": 1},
                    steps=(("green", None), ("red", 0.9)),
                ),
            ),
        ),
    ),
)
