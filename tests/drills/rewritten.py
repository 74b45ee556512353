"""What the production configuration needs to be true of a lab: what the map does not tell, and quicker decisions."""

from typing import Any

from tests.lab.lab import Lab
from tests.lab.outfit import public_key
from tests.lab.plan import HOSTS, MAIL_PUBLIC, MAILBOX, POLICED, REGISTRIES, RESOLVER, SELECTOR, STRANGER

Settings = dict[str, Any]

QUICK: Settings = {
    "every": "10s",
    "timeout": "4s",
    "open_after": 3,
    "resolve_after": 2,
    "resolve_for": "2s",
    "settle": "10s",
    "confirm": "500ms",
}

LEFT_OUT = ("blocklists/{address}", "registration/{domain}", "itself")
"""A lab has no way out to lists and registries that others keep. What a daemon says of itself is no fault of the lab's:
a shell's look has none to ask, and a machine full of labs is late."""

MAILBOX_LOGIN: Settings = {"user": MAILBOX, "password": {"credential": "mailbox"}}
BY_NAME: dict[str, Settings] = {
    # Debian 12 has PostgreSQL 15, MigraTeck's db-core runs 16.
    "db-unit": {"unit": "postgresql@15-main.service"},
    # The map does not say how much memory the backend may use.
    "pm2/{process}": {"memory_max": "250MiB"},
    # The map does not say that it runs; in the lab it does.
    "imap-starttls": {"enabled": True},
    # Each refused login makes Dovecot slower to answer the next one.
    "imap-login": {**MAILBOX_LOGIN, "every": "30s", "timeout": "20s"},
    "submission-login": {**MAILBOX_LOGIN, "every": "30s", "timeout": "20s", "sender": MAILBOX, "recipient": MAILBOX},
    "mail-round-trip": {
        **MAILBOX_LOGIN,
        "every": "30s",
        "timeout": "20s",
        "late_after": "3s",
        "lost_after": "5s",
        "resolvers": [RESOLVER],
        "sending_addresses": [MAIL_PUBLIC],
    },
    "smtp-out@mail-core": {"address": STRANGER},
    "mail-queue": {"late_after": "2s"},
    # The lab's mail-core is at the address where mail.migrahosting.com still is.
    "mail-address": {"host": "mail-core"},
}
BY_KIND: dict[str, Settings] = {
    # The lab's PM2 belongs to an ordinary user.
    "pm2": {"owner": "mpanel", "timeout": "8s"},
    "dns": {"slow_after": "2s"},
    "mail_dns": {"timeout": "9s", "drift_grace": "2s"},
    "dns_consistency": {"timeout": "9s", "drift_grace": "2s"},
    "backup": {"timeout": "8s"},
    "icmp": {"timeout": "8s"},
    # Where every new connection takes 3 s, a busy machine takes a second more.
    "postgres": {"timeout": "8s"},
    # What stands before zfs-fuse's own.
    "zfs": {"program": "/usr/local/sbin/zpool"},
    # The lab's srv1 has its public address itself, and there is no edge before it.
    "port_closed": {"outside": True},
}

CANARIES: dict[str, list[str]] = {
    "uplink/lan": [f"{RESOLVER}:22", f"{RESOLVER}:53"],
    "uplink/internet": [f"{registry}:53" for registry in REGISTRIES],
}
"""Who answers of those that no check is about. They are all of one machine, which the chain alone lacks."""

WATCHES: dict[str, Settings] = {
    "postgres-errors": {"file": "/var/log/postgresql/postgresql-15-main.log"},
    "panel-journal": {"journal": "pm2-mpanel.service"},
}


def watches_in_the_lab(watches: dict[str, Settings]) -> dict[str, Settings]:
    """The section `watch:` of one file, as a lab needs it."""
    return {name: watch | WATCHES.get(name, {}) for name, watch in watches.items()}


def hosts_of(lab: Lab, written: dict[str, dict[Any, Any]]) -> dict[str, Settings]:
    """The section `hosts:`. A host that *lab* does not have is not known: what is asked of it is not watched.

    On which hypervisor a host runs stays as it is *written*.
    """
    known = {name: {"address": machine.host.address} for name, machine in lab.machines.items()}
    for name, machine in lab.machines.items():
        if machine.host.public is not None and machine.host.public != MAIL_PUBLIC:
            known[name]["public"] = machine.host.public
    names = (*(host.name for host in HOSTS), "mail-vps", "migraguard-quantum", "cloud-core")
    # PyYAML reads the key `on` as true, as YAML 1.1 has it.
    on = {name: {"on": host[True]} for name, host in written.items() if True in host}
    return {name: known.get(name, {"address": "CHANGE_ME"}) | on.get(name, {}) for name in names if name != "resolver"}


def in_the_lab(checks: dict[str, Settings], lab: Lab) -> dict[str, Settings]:
    """The section `checks:` of one file, as *lab* needs it; the order stays."""
    return {name: _changed(name, check, lab) for name, check in checks.items() if name not in LEFT_OUT}


def _changed(name: str, check: Settings, lab: Lab) -> Settings:
    # What production looks at every five minutes would make a drill as long.
    kept = {key: value for key, value in check.items() if key != "every"}
    return kept | BY_KIND.get(check.get("probe", ""), {}) | BY_NAME.get(name, {}) | _told(name, check, lab)


def _told(name: str, check: Settings, lab: Lab) -> Settings:
    """What only this lab can tell."""
    if name in CANARIES:
        return {"addresses": CANARIES[name] if "resolver" in lab.machines else ["CHANGE_ME"]}
    return _signer(name, check, lab) | _policed(name, check)


def _signer(name: str, check: Settings, lab: Lab) -> Settings:
    """What mail-core sends from and signs with."""
    if not name.startswith("mail-records-core/") or "mail-core" not in lab.machines:
        return {}
    keys = {SELECTOR: public_key(lab.home)}
    return {
        "mail": {**check["mail"], "sending_addresses": [MAIL_PUBLIC]},
        "dkim": {"selectors": [SELECTOR], "public_keys": keys},
    }


def _policed(name: str, check: Settings) -> Settings:
    """One of the domains must have MTA-STS and TLS-RPT; the map tells of none that has."""
    if name != "mail-records/{domain}":
        return {}
    rows = [{"domain": domain, "policed": domain == POLICED} for domain in check["each"]["domain"]]
    return {"each": rows, "mta_sts": "{policed}", "tls_rpt": "{policed}"}
