"""DNS blocklists (RFC 5782): the name that is asked for, and what the addresses in an answer mean."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_LISTING = ip_network("127.0.0.0/8")
_REFUSING = ip_network("127.255.255.0/24")
"""Where Spamhaus tells that the question itself was wrong; no list means an address by it."""

_REFUSALS = {
    "127.255.255.252": "a typing error in the list's name",
    "127.255.255.254": "it does not answer a public resolver, or one without a reverse name",
    "127.255.255.255": "too many questions",
}
_SPAMHAUS = {
    "127.0.0.2": "SBL, sends or serves spam",
    "127.0.0.3": "CSS, sends spam",
    "127.0.0.4": "XBL, broken into or infected",
    "127.0.0.9": "DROP, a network of criminals",
    "127.0.0.10": "PBL, must not send mail itself, says its provider",
    "127.0.0.11": "PBL, must not send mail itself, says Spamhaus",
    "127.0.0.20": "AuthBL, guesses passwords",
    "127.0.0.30": "BCL, commands a botnet",
}
_MAILSPIKE = {
    "127.0.0.2": "sends a wave of spam",
    "127.0.0.10": "of the worst repute",
    "127.0.0.11": "of very bad repute",
    "127.0.0.12": "of bad repute",
}
_DRONEBL = {
    "127.0.0.6": "sends spam",
    "127.0.0.7": "takes part in attacks",
    "127.0.0.8": "an open SOCKS proxy",
    "127.0.0.9": "an open HTTP proxy",
    "127.0.0.13": "guesses passwords",
    "127.0.0.15": "a router that was broken into",
    "127.0.0.17": "part of a botnet",
    "127.0.0.19": "a VPN that is abused",
}
_OWN = {"spamhaus.org": _SPAMHAUS, "spamhaus.net": _SPAMHAUS, "mailspike.net": _MAILSPIKE, "dronebl.org": _DRONEBL}


def question(address: str, zone: str) -> str:
    """The name at which *zone* has *address* if it lists it: octets or nibbles backwards (sections 2.1 and 2.4)."""
    backwards = ip_address(address).reverse_pointer.rpartition(".")[0].rpartition(".")[0]
    return f"{backwards}.{zone}"


def points_to_test(address: str) -> tuple[str, str]:
    """What a list that works lists, and what it does not (section 5), in the family of *address*."""
    if ip_address(address).version == 4:
        return "127.0.0.2", "127.0.0.1"
    return "::ffff:7f00:2", "::ffff:7f00:1"


def is_listing(value: str) -> bool:
    """Whether an address in an answer means that something is listed.

    127.0.0.1 does not: it is how several lists refuse, and what a parked name often leads to.
    """
    found = _plain(value)
    return found in _LISTING and found not in _REFUSING and str(found) != "127.0.0.1"


def refusal(values: Iterable[str]) -> str:
    """Why the list does not answer us, from the addresses in its answer; empty if it does."""
    found = [value for value in values if _plain(value) in _REFUSING or value == "127.0.0.1"]
    return f"{found[0]}: {_REFUSALS.get(found[0], 'it refuses to answer')}" if found else ""


def meaning(value: str, zone: str) -> str:
    """What *zone* means by *value*, for people; empty where nobody says."""
    for owner, codes in _OWN.items():
        if f".{zone.lower().removesuffix('.')}".endswith(f".{owner}"):
            return codes.get(value, "")
    return ""


def _plain(value: str) -> IPv4Address | IPv6Address:
    return ip_address(value)
