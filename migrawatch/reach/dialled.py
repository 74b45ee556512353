"""Which address was asked and how long its look-up took, as blackbox_exporter's measures."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_address

from migrawatch.model import Measure, Reading, Step

IP_PROTOCOL = Measure("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6")
IP_HASH = Measure(
    "probe_ip_addr_hash", "Specifies the hash of IP address. It's useful to detect if the IP address changes."
)
LOOKUP_TIME = Measure(
    "probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds", "seconds"
)
DIALLED_MEASURES = (IP_PROTOCOL, IP_HASH, LOOKUP_TIME)


@lru_cache(maxsize=4096)
def readings_of_address(address: str) -> tuple[Reading, Reading]:
    """The readings that every look has that asks *address*."""
    return Reading(IP_PROTOCOL, 6.0 if ":" in address else 4.0), Reading(IP_HASH, float(hash_of(address)))


def lookup_of(steps: Iterable[Step]) -> Iterator[Reading]:
    """How long the steps `resolve` took, also one that did not end; nothing where no name was looked up."""
    lookups = [step.seconds for step in steps if step.name == "resolve"]
    if lookups:
        yield Reading(LOOKUP_TIME, sum(lookups))


def hash_of(address: str) -> int:
    """FNV-1a (32 bits) of an address's 4 or 16 bytes, by which blackbox_exporter tells addresses apart."""
    hashed = 0x811C9DC5
    for byte in ip_address(address.partition("%")[0]).packed:
        hashed = (hashed ^ byte) * 0x01000193 & 0xFFFFFFFF
    return hashed
