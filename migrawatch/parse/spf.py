"""SPF records (RFC 7208): every term is read before any is believed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, NetmaskValueError

from migrawatch.parse.spf_macro import Macros, parse_domain_spec, parse_macros

_LONGEST = 4096
"""Characters of a record. Section 3.4 wants answers below 512; nobody's record comes near this."""

_MODIFIER = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_.-]*)=(?P<value>.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"(?P<qualifier>[+?~-]?)(?P<name>[A-Za-z0-9]+)(?P<rest>.*)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(?P<domain>.*?)(?:/(?P<four>[0-9]+))?(?://(?P<six>[0-9]+))?", re.DOTALL)

LOOKS_UP = frozenset({"include", "a", "mx", "ptr", "exists"})
"""The mechanisms that count against the limit of ten look-ups (section 4.6.4), as `redirect` does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mechanism:
    """One directive. *domain* is None where the domain in question is meant; *network* is that of `ip4` and `ip6`.

    *four* and *six* are the prefix lengths that `a` and `mx` compare by.
    """

    text: str
    qualifier: str
    name: str
    domain: Macros | None = None
    network: IPv4Network | IPv6Network | None = None
    four: int = 32
    six: int = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Spf:
    """One SPF record. *redirect* and *explanation* are those modifiers; unknown ones mean nothing."""

    mechanisms: tuple[Mechanism, ...]
    redirect: Macros | None
    explanation: Macros | None


def spf_records(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of a domain's TXT records that are SPF records (section 4.5)."""
    return tuple(text for text in texts if (text.lower() + " ").startswith("v=spf1 "))


def parse_spf(record: str) -> Spf:
    """Read one SPF record, its TXT strings joined with nothing between. Raise ValueError, quoting the wrong term."""
    if not record.isascii():
        raise ValueError("the record holds bytes that are no ASCII")
    if len(record) > _LONGEST:
        raise ValueError(f"the record has {len(record)} characters")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, Macros] = {}
    for term in record[len("v=spf1") :].split(" "):
        if found := _MODIFIER.fullmatch(term):
            _add_modifier(modifiers, term, found["name"].lower(), found["value"])
        elif term:
            mechanisms.append(_mechanism(term))
    return Spf(
        mechanisms=tuple(mechanisms),
        redirect=modifiers.get("redirect"),
        explanation=modifiers.get("exp"),
    )


def _add_modifier(modifiers: dict[str, Macros], term: str, name: str, value: str) -> None:
    if name not in ("redirect", "exp"):
        parse_macros(value)  # section 6: an unknown modifier is passed over, but must be well written
        return
    if name in modifiers:
        raise ValueError(f"{term[:80]!r}: {name} stands there twice")
    modifiers[name] = parse_domain_spec(value)


def _mechanism(term: str) -> Mechanism:
    found = _DIRECTIVE.fullmatch(term)
    if found is None:
        raise ValueError(f"{term[:80]!r} is no term")
    qualifier, name, rest = found["qualifier"] or "+", found["name"].lower(), found["rest"]
    match name:
        case "all" if not rest:
            return Mechanism(text=term, qualifier=qualifier, name=name)
        case "include" | "exists" if rest.startswith(":"):
            return Mechanism(text=term, qualifier=qualifier, name=name, domain=parse_domain_spec(rest[1:]))
        case "ptr" if not rest or rest.startswith(":"):
            domain = parse_domain_spec(rest[1:]) if rest else None
            return Mechanism(text=term, qualifier=qualifier, name=name, domain=domain)
        case "a" | "mx" if not rest or rest[0] in ":/":
            return _with_lengths(term, qualifier, name, rest)
        case "ip4" | "ip6" if rest.startswith(":"):
            return Mechanism(text=term, qualifier=qualifier, name=name, network=_network(term, name, rest[1:]))
        case _:
            raise ValueError(f"{term[:80]!r} is no mechanism of SPF")


def _with_lengths(term: str, qualifier: str, name: str, rest: str) -> Mechanism:
    found = _DUAL_CIDR.fullmatch(rest)
    assert found is not None, "every text matches"
    domain = found["domain"]
    if domain and not domain.startswith(":"):
        raise ValueError(f"{term[:80]!r} is no mechanism of SPF")
    return Mechanism(
        text=term,
        qualifier=qualifier,
        name=name,
        domain=parse_domain_spec(domain[1:]) if domain else None,
        four=_length(term, found["four"], 32),
        six=_length(term, found["six"], 128),
    )


def _length(term: str, digits: str | None, most: int) -> int:
    if digits is None:
        return most
    if len(digits) > 3 or int(digits) > most or (len(digits) > 1 and digits[0] == "0"):
        raise ValueError(f"{term[:80]!r}: /{digits[:20]} is no prefix length")
    return int(digits)


def _network(term: str, name: str, text: str) -> IPv4Network | IPv6Network:
    address, slash, digits = text.partition("/")
    if "%" in address:
        raise ValueError(f"{term[:80]!r} has no address")
    try:
        if name == "ip4":
            length = _length(term, digits if slash else None, 32)
            return IPv4Network((IPv4Address(address).packed, length), strict=False)
        length = _length(term, digits if slash else None, 128)
        return IPv6Network((IPv6Address(address).packed, length), strict=False)
    except (AddressValueError, NetmaskValueError) as error:
        raise ValueError(f"{term[:80]!r} has no address: {str(error)[:120]}") from error
