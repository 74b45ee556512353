"""Where a tripwire's connection leads: to the port that its check looks at."""

from migrawatch.model import Contact
from migrawatch.parse.url import parse_dial, parse_url
from migrawatch.probe import Probe


def maybe_place(probe: Probe) -> tuple[str, int] | None:
    """The address and port that *probe* connects to; None for a kind that connects to no one port."""
    if probe.contact is not Contact.TCP:
        return None
    if url := getattr(probe, "url", ""):
        parsed, dial = parse_url(url), getattr(probe, "dial", "")
        address, port = parse_dial(dial) if dial else ("", 0)
        return address or parsed.host, port or parsed.port
    address, port = getattr(probe, "address", ""), getattr(probe, "port", 0)
    return (address, port) if address and port else None
