"""Which of our uplinks lies between us and a host: the local network, or the internet."""

from collections.abc import Iterable
from ipaddress import ip_address

from migrawatch.config.settings import Host

UPLINK = "uplink"
"""The kind that looks at an uplink."""

LAN, INTERNET = f"{UPLINK}/lan", f"{UPLINK}/internet"

GIVEN = {
    LAN: {"to": "lan", "service": "local network"},
    INTERNET: {"to": "internet", "service": "site uplink"},
}
"""What the check of each uplink need not say."""


def uplink_to(host: Host, ours: Iterable[Host]) -> str:
    """The uplink without which nobody here gets to *host*; empty where its address does not tell.

    An address on the internet that is one of *ours* (`public`) is found without leaving the site.
    """
    try:
        address = ip_address(host.address.partition("%")[0])
    except ValueError:
        return ""
    if address.is_loopback or host.address in {one.public for one in ours}:
        return ""
    return INTERNET if address.is_global else LAN
