"""The configurations we ship load with the kinds we ship, and say what the map says."""

import re
from pathlib import Path

import pytest

from migrawatch.config import Settings, load
from migrawatch.talk.expression import expression
from tests.config.conftest import names

ROOT = Path(__file__).parents[2]
CREDENTIALS = ("ssh_key", "mpanel_app", "webhook_secret")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    for name in CREDENTIALS:
        (tmp_path / name).write_text(f"{name}\n")
    return {"CREDENTIALS_DIRECTORY": str(tmp_path)}


@pytest.fixture
def production(environ: dict[str, str]) -> Settings:
    return load(ROOT / "config/migrawatch.yaml", environ)


LAN = ("srv1", "mpanel-core", "db-core", "mail-core", "dns-core")
CHAIN = {
    "login-page": ["nginx-unit", "nginx-proxy/frontend", "frontend@srv1"],
    "panel-www": ["nginx-unit", "nginx-proxy/frontend", "frontend@srv1"],
    "api-public": ["nginx-unit", "nginx-proxy/api", "backend@srv1"],
    "graphql-public": ["nginx-unit", "nginx-proxy/graphql", "backend@srv1"],
    "checkout-cors": ["nginx-unit", "nginx-proxy/api", "backend@srv1"],
    "checkout-route": ["nginx-unit", "nginx-proxy/api", "backend@srv1"],
    "marketing-site": ["nginx-unit"],
    "marketing-site-www": ["nginx-unit"],
    "client-site/elizefoundation.org": ["nginx-unit"],
    "client-site/holisticgroupllc.com": ["nginx-unit"],
    "https-redirect/migrahosting.com": ["nginx-unit"],
    "https-redirect/www.migrahosting.com": ["nginx-unit"],
    "https-redirect/migrapanel.com": ["nginx-unit"],
    "https-redirect/www.migrapanel.com": ["nginx-unit"],
    "acme/migrahosting.com": ["nginx-unit"],
    "acme/www.migrahosting.com": ["nginx-unit"],
    "acme/migrapanel.com": ["nginx-unit"],
    "acme/www.migrapanel.com": ["nginx-unit"],
    "acme/elizefoundation.org": ["nginx-unit"],
    "acme/holisticgroupllc.com": ["nginx-unit"],
    "nginx-unit": ["disk/root@srv1"],
    "nginx-config": ["nginx-unit"],
    "nginx-proxy/api": [],
    "nginx-proxy/graphql": [],
    "nginx-proxy/frontend": [],
    "closed/2271": [],
    "closed/2272": [],
    "closed/5432": [],
    "backend@srv1": ["backend@mpanel-core", "pm2/mpanel-backend", "db-select-1@mpanel-core"],
    "backend@mpanel-core": ["pm2/mpanel-backend", "db-select-1@mpanel-core"],
    "backend@here": ["backend@mpanel-core", "pm2/mpanel-backend", "db-select-1@mpanel-core"],
    "frontend@srv1": ["frontend@mpanel-core", "pm2/mpanel-frontend"],
    "frontend@mpanel-core": ["pm2/mpanel-frontend"],
    "pm2/mpanel-backend": [],
    "pm2/mpanel-frontend": [],
    "db-select-1@mpanel-core": ["db-unit"],
    "db-select-1@here": ["db-unit"],
    "db-unit": ["disk/root@db-core"],
    "imap": ["dovecot-unit"],
    "dovecot-unit": ["disk/root@mail-core"],
    "postfix-unit": ["disk/root@mail-core"],
    "opendkim-unit": ["disk/root@mail-core"],
    "opendmarc-unit": ["disk/root@mail-core"],
    "submission": ["postfix-unit", "imap", "opendkim-unit", "opendmarc-unit", "disk/root@mail-core"],
    "mail-exchanger": ["postfix-unit", "opendkim-unit", "opendmarc-unit", "disk/root@mail-core"],
    "mail-taken/migrahosting.com": ["postfix-unit", "mail-exchanger", "disk/root@mail-core"],
    "mail-taken/migrapanel.com": ["postfix-unit", "mail-exchanger", "disk/root@mail-core"],
    "mail-taken/elizefoundation.org": ["postfix-unit", "mail-exchanger", "disk/root@mail-core"],
    "mail-taken/holisticgroupllc.com": ["postfix-unit", "mail-exchanger", "disk/root@mail-core"],
    "no-relay/25": ["mail-exchanger", "disk/root@mail-core"],
    "no-relay/587": ["submission", "imap", "disk/root@mail-core"],
    "submission-in-use": ["uplink/internet"],
    "mail-exchanger-in-use": ["uplink/internet"],
    "imap-in-use": ["uplink/internet"],
    "uplink/internet": [],
    "itself": [],
    "disk/root@srv1": [],
    "disk/root@mpanel-core": [],
    "disk/root@db-core": [],
    "disk/root@mail-core": [],
    "disk/root@dns-core": [],
    "mail-queue": ["postfix-unit", "mail-exchanger"],
    "discovery/sites": ["nginx-config"],
    "discovery/zones": [],
    "legacy/80": ["uplink/internet"],
    "legacy/443": ["uplink/internet"],
    **{f"echo/{host}": [] for host in LAN},
}
OUT = "uplink/internet"
MAIL_NAME = "dns-a/mail.migrahosting.com"
ZONES = ("migrahosting.com", "migrapanel.com", "elizefoundation.org", "holisticgroupllc.com")
NAMES = {
    "dns-server": ["pdns-unit"],
    **{f"dns/{zone}": ["dns-server"] for zone in ZONES},
    **{f"dns-a/{www}{zone}": [f"dns/{zone}"] for zone in ZONES[:2] for www in ("", "www.")},
    MAIL_NAME: ["dns/migrahosting.com"],
    **{f"zone/{zone}": [f"dns/{zone}", OUT] for zone in ZONES},
    **{f"registration/{zone}": [OUT] for zone in ZONES},
    "dns-tcp": ["dns-server"],
    "dns-not-open": ["dns-server"],
    "pdns-unit": ["disk/root@dns-core"],
}

FROM_OUTSIDE = (
    *(f"page-outside/{site}" for site in ("migrapanel.com", "migrahosting.com")),
    *(f"closed-outside/{port}" for port in (2271, 2272, 5432)),
)
EXTERNAL = tuple(
    name for drive in ("usb", "nvme") for name in (f"mount/external-{drive}", f"disk/external-{drive}@pve")
)
NO_ADDRESS = "mail.sending_addresses[0] is CHANGE_ME"
MAIL_RECORDS = {
    "blocklists/154.38.180.61": [OUT],
    "mail-address": ["dns/migrahosting.com", MAIL_NAME, OUT],
    **{f"mail-records/{zone}": [f"dns/{zone}", f"zone/{zone}", MAIL_NAME, OUT] for zone in ZONES},
}


def test_the_whole_502_chain_is_watched(production: Settings) -> None:
    own = {
        name: [need for need in needs if not need.startswith(("host/", "ssh/"))]
        for name, needs in names(production).items()
    }

    implicit = {f"{kind}/{host}" for kind in ("host", "ssh") for host in LAN}
    assert own == CHAIN | NAMES | MAIL_RECORDS | {name: [] for name in implicit}


def test_only_what_the_map_does_not_tell_is_not_watched(production: Settings) -> None:
    on_pve = [item.check for item in production.not_watched if item.why == "the address of pve is CHANGE_ME"]
    others = {item.check: item.why for item in production.not_watched if item.check not in on_pve}
    assert on_pve == [
        "mount/srv1",
        "mount/srv2",
        "backup/srv1",
        "backup/srv2",
        "pool/clients-main",
        "pool/clients-backup",
        "disk/root@pve",
        "echo/pve",
        "host/pve",
    ]
    assert others == {
        "uplink/lan": "addresses[0] is CHANGE_ME",
        **dict.fromkeys(FROM_OUTSIDE, "ssh.user of legacy-vps is CHANGE_ME"),
        "smtp-out@mail-core": "address is CHANGE_ME",
        "imap-login": "user is CHANGE_ME",
        "imap-starttls": "disabled (enabled: false)",
        "pop3": "disabled (enabled: false)",
        "webmail": "url is CHANGE_ME",
        "submission-login": "user is CHANGE_ME",
        "mail-round-trip": "user is CHANGE_ME",
        "host/mail-vps": "ssh.user of mail-vps is CHANGE_ME",
        **{f"mail-records-core/{zone}": NO_ADDRESS for zone in ZONES},
        "powerdns-admin": "url is CHANGE_ME",
        "marketing-backend": "disabled (enabled: false)",
        **{f"hsts/{zone}": "disabled (enabled: false)" for zone in ZONES},
        "redis": "disabled (enabled: false)",
        "loki": "url is CHANGE_ME",
        "elk": "url is CHANGE_ME",
        "ids-unit": "unit is CHANGE_ME",
        "promtail-unit": "unit is CHANGE_ME",
        "job/backup-scripts": "period is CHANGE_ME",
        **dict.fromkeys(EXTERNAL, "path is CHANGE_ME"),
        "disk/root@migraguard-quantum": "the address of migraguard-quantum is CHANGE_ME",
        "echo/migraguard-quantum": "the address of migraguard-quantum is CHANGE_ME",
        "host/migraguard-quantum": "the address of migraguard-quantum is CHANGE_ME",
        "host/legacy-vps": "ssh.user of legacy-vps is CHANGE_ME",
        "job/pve-backup": "disabled (enabled: false)",
        "object-store": "url is CHANGE_ME",
        "object-store-unit": "disabled (enabled: false)",
    }


MAP = {
    "srv1": {
        "nginx": ("nginx-unit", "nginx-config", "nginx-proxy/api"),
        "migrahosting.com": ("marketing-site", "marketing-site-www", "https-redirect/migrahosting.com"),
        "migrapanel.com": ("login-page", "api-public", "graphql-public", "https-redirect/migrapanel.com"),
        "client websites": ("client-site/elizefoundation.org", "client-site/holisticgroupllc.com", "discovery/sites"),
        "marketing backend, 4242": ("marketing-backend", "checkout-route", "checkout-cors"),
        "HSTS": tuple(f"hsts/{zone}" for zone in ZONES),
        "ACME path": ("acme/migrapanel.com", "acme/www.migrahosting.com", "acme/elizefoundation.org"),
        "never exposed": ("closed/2271", "closed/2272", "closed/5432", "closed-outside/5432"),
        "as the public sees it": ("page-outside/migrapanel.com", "page-outside/migrahosting.com"),
    },
    "mpanel-core": {
        "backend, 2271": ("backend@srv1", "backend@mpanel-core", "backend@here"),
        "frontend, 2272": ("frontend@srv1", "frontend@mpanel-core"),
        "PM2": ("pm2/mpanel-backend", "pm2/mpanel-frontend"),
        "Redis": ("redis",),
    },
    "db-core": {"PostgreSQL, 5432": ("db-unit", "db-select-1@mpanel-core", "db-select-1@here")},
    "mail-core": {
        "Postfix, 587": ("postfix-unit", "submission", "submission-login", "no-relay/587"),
        "Postfix, 25": ("mail-exchanger", "mail-queue", "smtp-out@mail-core", "no-relay/25"),
        "Dovecot, 993": ("dovecot-unit", "imap", "imap-login"),
        "Dovecot, POP": ("pop3",),
        "OpenDKIM": ("opendkim-unit",),
        "OpenDMARC": ("opendmarc-unit",),
        "webmail": ("webmail",),
    },
    "mail-vps": {"mail.migrahosting.com": ("submission-in-use", "mail-exchanger-in-use", "imap-in-use")},
    "dns-core": {
        "PowerDNS": ("pdns-unit", "dns-server", "dns-tcp", "dns-not-open"),
        "PowerDNS-Admin": ("powerdns-admin",),
        "all client domains": ("discovery/zones",),
        **{zone: (f"dns/{zone}", f"zone/{zone}", f"mail-records/{zone}") for zone in ZONES},
    },
    "pve": {
        "ZFS": ("pool/clients-main", "pool/clients-backup"),
        "backups": ("mount/srv1", "mount/srv2", "backup/srv1", "backup/srv2", "job/pve-backup"),
        "external USB/NVMe drives": EXTERNAL,
    },
    "migraguard-quantum": {
        "monitoring": ("itself",),
        "IDS/IPS": ("ids-unit",),
        "Loki/Promtail": ("loki", "promtail-unit"),
        "ELK": ("elk",),
        "backup/orchestration scripts": ("job/backup-scripts",),
    },
    "cloud-core": {"S3-compatible API, client backups": ("object-store", "object-store-unit")},
    "legacy-vps": {"sites that are still live": ("legacy/80", "legacy/443")},
}
"""Every system of the map by its host, and the checks that watch it."""

AT_PROVIDERS = ("mail-vps", "legacy-vps")
"""No log-in is known, and an echo may not be answered: these are looked at by their ports alone."""

AHEAD = ("cloud-core",)
"""Not deployed yet, and of its machine nothing is known."""


@pytest.mark.parametrize(("host", "system"), [(host, system) for host, systems in MAP.items() for system in systems])
def test_every_system_of_the_map_has_its_checks(production: Settings, host: str, system: str) -> None:
    """Watched, or listed as what is not watched until somebody says where it is."""
    on_host = {check.name for check in production.checks if check.subject.host == host}
    idle = {item.check for item in production.not_watched}

    assert set(MAP[host][system]) - on_host - idle == set()


@pytest.mark.parametrize("host", [host for host in MAP if host not in AT_PROVIDERS + AHEAD])
def test_every_machine_is_looked_at_as_a_whole(production: Settings, host: str) -> None:
    known = {check.name for check in production.checks} | {item.check for item in production.not_watched}

    assert {f"disk/root@{host}", f"echo/{host}"} <= known


def test_no_machine_of_the_configuration_is_missing_in_the_map(production: Settings) -> None:
    assert set(production.hosts) == set(MAP)


def test_the_logs_that_the_map_names_are_followed(production: Settings) -> None:
    assert {watch.name: watch.place for watch in production.watches} == {
        "nginx-errors": "srv1: /var/log/nginx/*error.log",
        "postgres-errors": "db-core: /var/log/postgresql/postgresql-16-main.log",
        "mail-errors": "mail-core: /var/log/mail.log",
        "panel-journal": "mpanel-core: journal of pm2-root.service",
        "pdns-journal": "dns-core: journal of pdns.service",
    }


REAL_LINES = [
    (
        "nginx-errors",
        "2026/11/25 03:04:05 [error] 812#812: *31 connect() failed (111: Connection refused) while connecting to "
        'upstream, client: 203.0.113.9, server: migrapanel.com, request: "GET /api/health HTTP/2.0", upstream: '
        '"http://10.1.10.206:2271/api/health"',
    ),
    ("nginx-errors", "2026/11/25 03:04:05 [alert] 812#812: 768 worker_connections are not enough"),
    ("postgres-errors", "2026-11-25 03:04:05.678 UTC [90] mpanel_app@mpanel FATAL:  sorry, too many clients already"),
    ("postgres-errors", "2026-11-25 03:04:05.678 UTC [1] LOG:  received fast shutdown request"),
    ("postgres-errors", "2026-11-25 03:04:05.678 UTC [77] PANIC:  could not write to file: No space left on device"),
    ("mail-errors", "Nov 25 03:04:05 mail-core postfix/smtpd[9]: fatal: no SASL authentication mechanisms"),
    ("panel-journal", "pm2-root.service: A process of this unit has been killed by the OOM killer."),
]
USUAL_LINES = [
    ("nginx-errors", '2026/11/25 03:04:05 [error] 812#812: *31 open() "/srv/favicon.ico" failed (2: No such file)'),
    ("postgres-errors", '2026-11-25 03:04:05 UTC [9] x@mpanel FATAL:  password authentication failed for user "x"'),
    ("postgres-errors", "2026-11-25 03:04:05.678 UTC [9] LOG:  checkpoint complete: wrote 4 buffers (0.0%)"),
    ("mail-errors", "Nov 25 03:04:05 mail-core postfix/smtpd[9]: connect from unknown[203.0.113.9]"),
    ("panel-journal", "PM2        | App [mpanel-backend:0] online"),
]


@pytest.mark.parametrize(("watch", "line"), REAL_LINES + USUAL_LINES)
def test_a_line_of_a_fault_is_wanted_and_a_usual_one_is_not(production: Settings, watch: str, line: str) -> None:
    found = next(each for each in production.watches if each.name == watch)

    wanted = any(expression(pattern).is_in(line.encode()) for pattern in found.match)

    assert wanted is ((watch, line) in REAL_LINES)


def test_an_operator_is_warned_that_nobody_is_told_yet(production: Settings) -> None:
    told = [f"{warning.path}: {warning.what}" for warning in production.warnings]
    assert [warning for warning in told if not warning.startswith("checks.")] == [
        "receivers.ops: tells nobody: url is CHANGE_ME",
        "routes: nobody is told of what is critical",
        "routes: nobody is told of what is warning",
        "heartbeat: tells nobody: urls[0] is CHANGE_ME",
    ]


def test_no_password_stands_in_what_we_ship() -> None:
    secret = re.compile(r"^[^#]*\b(password|secret|key|token|bearer):\s*(?!\{(credential|file|env):)\S", re.MULTILINE)

    for path in (ROOT / "config").rglob("*.yaml"):
        assert secret.findall(path.read_text()) == [], path


def test_the_sketch_says_what_it_says(environ: dict[str, str]) -> None:
    """The contract's own example."""
    settings = load(ROOT / "tests/config/sketch.yaml", environ)

    pm2 = settings.check("pm2/mpanel-backend")
    assert pm2 is not None
    assert ('ssh mpanel-core "pm2 restart mpanel-backend"',) in pm2.remedies.values()
    assert [check.subject.target for check in settings.checks if check.subject.probe == "port_closed"] == [
        "73.139.18.218:2271",
        "73.139.18.218:2272",
        "73.139.18.218:5432",
    ]
    assert [(route.severity, route.to) for route in settings.routes] == [
        ("critical", ("pager", "ops")),
        ("warning", ("ops",)),
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "config/examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_loads_and_its_remedies_are_whole(path: Path, environ: dict[str, str]) -> None:
    """A brace that is left in a command at 3 a.m. is a command that does not run."""
    settings = load(path, environ, secrets_needed=False)
    example = settings.check("example")

    assert example is not None
    left = re.compile(r"(?<![$%{])\{[a-z_]\w*\}")
    assert not [command for commands in example.remedies.values() for command in commands if left.search(command)]


def test_every_page_leads_to_our_own_runbook(production: Settings) -> None:
    """At the port that `ssh -L` brings to whoever was woken, until somebody says where else people find us."""
    assert {check.subject.runbook for check in production.checks} == {"http://127.0.0.1:12271/runbook#{reason}"}
