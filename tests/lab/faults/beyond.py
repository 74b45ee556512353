"""Whole hosts beyond the chain, frozen, off the wire or behind a firewall that drops everything; and full disks."""

from tests.lab.act import (
    clear_filter,
    cut_cable,
    fill_disk,
    filter_packets,
    freeze,
    give_room,
    plug_cable,
    thaw,
    use_up_inodes,
)
from tests.lab.truth import HOST, Act, Cause, Fault, Severity

# What is looked at from here on each, and what is looked at through its own SSH, which is unknown then, not down.
LOOKED_AT = {"mail-core": ("submission", "mail-exchanger", "imap"), "dns-core": ("dns/migrahosting.com",), "pve": ()}
UNKNOWN = {
    "mail-core": ("postfix-unit", "dovecot-unit"),
    "dns-core": ("pdns-unit",),
    "pve": ("mount/srv1", "backup/srv1"),
}


def whole(host: str, name: str, breaks: str, reason: str, inject: Act, heal: Act) -> Fault:
    return Fault(
        name=f"{host}-{name}",
        breaks=f"{host} {breaks}",
        causes=(Cause(check=f"host/{host}", host=host, service=HOST, reason=reason),),
        shows={f"host/{host}": ("down", reason), **dict.fromkeys(UNKNOWN[host], ("unknown", "vantage_lost"))},
        symptoms=frozenset(LOOKED_AT[host]),
        inject=inject,
        heal=heal,
    )


def frozen(host: str) -> Fault:
    silent = "is frozen: it accepts and stays silent"
    return whole(host, "frozen", silent, "host_unresponsive", freeze(host), thaw(host))


def unplugged(host: str) -> Fault:
    return whole(host, "unplugged", "is off the wire", "host_down", cut_cable(host), plug_cable(host))


def dropping(host: str) -> Fault:
    drop = filter_packets(host, 'iifname "eth0" drop')
    return whole(host, "dropping", "drops every packet", "host_down", drop, clear_filter(host))


def filling(host: str) -> Fault:
    check = f"disk/root@{host}"
    return Fault(
        name=f"{host}-disk-filling",
        breaks=f"{host} has nine tenths of its disk in use",
        causes=(Cause(check=check, host=host, service="disk", reason="disk_filling", severity=Severity.WARNING),),
        shows={check: ("warn", "disk_filling")},
        inject=fill_disk(host, 0.9),
        heal=give_room(host),
    )


def full(host: str, name: str, breaks: str, inject: Act, symptoms: frozenset[str]) -> Fault:
    check = f"disk/root@{host}"
    return Fault(
        name=f"{host}-{name}",
        breaks=f"{host} {breaks}",
        causes=(Cause(check=check, host=host, service="disk", reason="disk_full"),),
        shows={check: ("down", "disk_full")},
        symptoms=symptoms,
        inject=inject,
        heal=give_room(host),
    )


# Postfix takes no mail that it could not keep.
NO_ROOM = {"mail-core": frozenset({"submission-login"})}
FAULTS = (
    *(made(host) for host in LOOKED_AT for made in (frozen, unplugged, dropping)),
    *(
        full(host, "disk-full", "has no room on its disk", fill_disk(host), NO_ROOM.get(host, frozenset()))
        for host in LOOKED_AT
    ),
    # On mail-core Postfix takes no mail long before.
    *(filling(host) for host in ("dns-core", "pve")),
    *(
        full(host, "inodes-used-up", "can have no further file", use_up_inodes(host), frozenset())
        for host in ("mail-core", "dns-core")
    ),
)
