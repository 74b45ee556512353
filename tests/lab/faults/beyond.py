"""Whole hosts beyond the chain, frozen, off the wire or behind a firewall that drops everything; and full disks."""

from tests.lab.act import (
    both,
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
from tests.lab.faults.mail import MEND_POSTFIX
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


def with_its_guests() -> Fault:
    drop = 'iifname "eth0" drop'
    gone = ("pve", "mail-core", "dns-core")
    return Fault(
        name="pve-gone-with-its-guests",
        breaks="pve is gone, and the machines that run on it",
        causes=(Cause(check="host/pve", host="pve", service=HOST, reason="host_down"),),
        shows={f"host/{host}": ("down", "host_down") for host in gone},
        symptoms=frozenset({"host/mail-core", "host/dns-core", *LOOKED_AT["mail-core"], *LOOKED_AT["dns-core"]}),
        inject=both(*(filter_packets(host, drop) for host in gone)),
        heal=both(*(clear_filter(host) for host in gone)),
    )


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
        # Mail that found no room tries again in minutes.
        heal=both(give_room(host), MEND_POSTFIX) if host == "mail-core" else give_room(host),
    )


# Postfix takes no mail that it could not keep.
NO_ROOM = {"mail-core": frozenset({"submission-login"})}
FAULTS = (
    *(made(host) for host in LOOKED_AT for made in (frozen, unplugged, dropping)),
    with_its_guests(),
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
