"""Ways to act on a host that faults share: shell with a few words of its own, packet filters, cables."""

import os
from typing import TYPE_CHECKING

from tests.lab.machine import DISK
from tests.lab.network import forget_neighbours
from tests.lab.plan import WORDS_PATH
from tests.lab.shell import run
from tests.lab.truth import Act

if TYPE_CHECKING:
    from tests.lab.lab import Lab

WORDS = f". /{WORDS_PATH}; "


def on(host: str, script: str) -> Act:
    """Run *script* on *host*, where the words of words/ are known."""

    def act(lab: "Lab") -> None:
        lab.machine(host).sh(WORDS + script)

    return act


def both(*acts: Act) -> Act:
    """One act after the other."""

    def act(lab: "Lab") -> None:
        for each in acts:
            each(lab)

    return act


def filter_packets(host: str, *rules: str, hook: str = "input") -> Act:
    """Let the firewall of *host* judge what comes in (or what goes out: *hook* is `output`) by *rules* alone."""
    body = "".join(f"add rule inet fault chosen {rule}\n" for rule in rules)

    def act(lab: "Lab") -> None:
        clear_filter(host)(lab)
        chain = f"add chain inet fault chosen {{ type filter hook {hook} priority 0; policy accept; }}\n"
        _nft(lab, host, "add table inet fault\n" + chain + body)

    return act


def clear_filter(host: str) -> Act:
    """Take the firewall of *host* away again."""

    def act(lab: "Lab") -> None:
        # Adding first makes deleting succeed whether it was there or not.
        _nft(lab, host, "add table inet fault\ndelete table inet fault\n")

    return act


def _nft(lab: "Lab", host: str, rules: str) -> None:
    run("ip", "netns", "exec", lab.machine(host).namespace, "nft", "-f", "-", stdin=rules)


def cut_cable(host: str) -> Act:
    """Take *host* off the bridge."""
    return lambda lab: _plug(lab, host, "down")


def plug_cable(host: str) -> Act:
    """Put *host* back on the bridge."""
    return lambda lab: _plug(lab, host, "up")


def _plug(lab: "Lab", host: str, state: str) -> None:
    run("ip", "-n", lab.namespace, "link", "set", host, state)
    forget_neighbours(lab.name, lab.hosts)


def freeze(host: str) -> Act:
    """Stop every process of *host*; its kernel still answers."""
    return lambda lab: lab.machine(host).freeze(True)


def thaw(host: str) -> Act:
    """Let every process of *host* go on."""
    return lambda lab: lab.machine(host).freeze(False)


def fill_disk(host: str, share: float = 1.0) -> Act:
    """Have *share* of *host*'s disk in use; all of it leaves no room."""

    def shrink(lab: "Lab") -> None:
        now = os.statvfs(lab.machine(host).home)
        used = (now.f_blocks - now.f_bfree) * now.f_frsize
        # What a moment needs, or the host could not even say that it is full.
        lab.machine(host).resize_disk(f"size={round(used / share) + 65536}")

    return shrink


def use_up_inodes(host: str) -> Act:
    """Let *host* have no further file on its disk, however small."""

    def shrink(lab: "Lab") -> None:
        now = os.statvfs(lab.machine(host).home)
        lab.machine(host).resize_disk(f"nr_inodes={now.f_files - now.f_ffree + 2}")

    return shrink


def give_room(host: str) -> Act:
    """Give *host* the disk back that it came up with."""
    return lambda lab: lab.machine(host).resize_disk(DISK)
