"""PowerDNS: the zones that `pdnsutil list-all-zones` prints."""

import re

_ZONE = re.compile(r"(?:[a-z0-9_/-]+\.)*[a-z0-9_/-]+|\.")


def parse_zones(text: str) -> tuple[str, ...]:
    """Read the zones, one a line, in lower case and without a final dot; the root is a dot.

    Raise ValueError for a line that is no name: somebody else has printed it.
    """
    zones = [line.strip().lower() for line in text.splitlines() if line.strip()]
    for zone in zones:
        if not _ZONE.fullmatch(zone.rstrip(".") or "."):
            raise ValueError(f"pdnsutil printed {zone[:60]!r}, which is no zone")
    return tuple(dict.fromkeys(zone.rstrip(".") or "." for zone in zones))
