"""Zones of DNS blocklists as zone files have them (RFC 5782)."""

from ipaddress import ip_address

POINTS = (("127.0.0.2", "127.0.0.2"), ("::ffff:7f00:2", "127.0.0.2"))
"""What every list has, for whoever wants to know whether it works."""


def backwards(address: str) -> str:
    """192.0.2.25 as 25.2.0.192."""
    found = ip_address(address)
    if found.version == 4:
        return ".".join(reversed(str(found).split(".")))
    return ".".join(reversed(found.exploded.replace(":", "")))


def listing(address: str, *said: str) -> str:
    """The lines that list *address*: addresses among *said* are its codes, all else is why."""
    records = [f"A {word}" if _is_code(word) else f'TXT "{word}"' for word in said or ("127.0.0.2",)]
    return "".join(f"{backwards(address)} 60 IN {record}\n" for record in records)


def _is_code(word: str) -> bool:
    return word.replace(".", "").isdigit()


def zone_text(zone: str, *listed: str, points: bool = True) -> str:
    """The zone file of a list that works, or that has no *points* to test it by."""
    head = f"$ORIGIN {zone}.\n@ 60 IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n"
    tested = "".join(listing(address, code) for address, code in POINTS) if points else ""
    return head + tested + "".join(listed)
