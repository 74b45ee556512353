"""TLS-RPT records (RFC 8460, section 3): where senders report how TLS went."""

from collections.abc import Iterable

from migrawatch.parse.tags import names_version, parse_tags


def tls_rpt_records(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of a name's TXT records that are TLS-RPT records; senders want exactly one."""
    return tuple(text for text in texts if names_version(text, "TLSRPTv1"))


def parse_tls_rpt(record: str) -> tuple[str, ...]:
    """The addresses that reports go to. Raise ValueError, quoting what is wrong."""
    addresses = tuple(each.strip() for each in parse_tags(record).get("rua", "").split(","))
    for address in addresses:
        if not address.startswith(("mailto:", "https://")):
            raise ValueError(f"rua={address[:60]!r}, wanted mailto: or https:")
    return addresses
