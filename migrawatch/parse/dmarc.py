"""DMARC records and where they are looked for (RFC 9989): the tree walk, the policy in effect, alignment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from migrawatch.parse.tags import names_version, parse_tags

_MOST_LABELS = 7
"""After the first, the walk goes on at a name of at most so many labels (section 4.10), so that it ends in eight."""

_KNOWN = {"v", "p", "sp", "np", "adkim", "aspf", "fo", "psd", "rua", "ruf", "t"}


class Policy(StrEnum):
    """What the domain asks receivers to do with mail that fails."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


_TESTED = {Policy.REJECT: Policy.QUARANTINE, Policy.QUARANTINE: Policy.NONE, Policy.NONE: Policy.NONE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Dmarc:
    """One DMARC record. *wrong* are tags whose values are read as if they were not there; *extra* the unknown ones.

    `pct`, `rf` and `ri` are unknown: RFC 9989 has taken them away.
    """

    policy: Policy
    for_subdomains: Policy
    for_nonexistent: Policy
    strict_dkim: bool
    strict_spf: bool
    is_testing: bool
    psd: str
    reports_to: tuple[str, ...]
    wrong: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def in_effect(self, *, below: bool = False) -> Policy:
        """What receivers do for the record's domain, or one *below* it; a test (`t=y`) asks for one step less."""
        asked = self.for_subdomains if below else self.policy
        return _TESTED[asked] if self.is_testing else asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    """What a tree walk found: the record that holds for the domain, where it stands, and the organizational domain."""

    record: Dmarc | None
    at: str
    organization: str


def dmarc_records(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of a name's TXT records that are DMARC records."""
    return tuple(text for text in texts if names_version(text, "DMARC1"))


def parse_dmarc(record: str) -> Dmarc:
    """Read one DMARC record (section 4.7), its TXT strings joined with nothing between.

    Raise ValueError, quoting the tag, for a record that receivers apply nothing of.
    """
    tags = {name.lower(): value for name, value in parse_tags(record).items()}
    if not names_version(record, "DMARC1"):
        raise ValueError("v=DMARC1 must stand first")
    wrong: list[str] = []
    reports_to = tuple(uri for uri in (each.strip() for each in tags.get("rua", "").split(",")) if _is_uri(uri))
    policy = _one_of(tags, "p", tuple(Policy), "", wrong)
    if not policy and not reports_to:
        raise ValueError(f"p={tags['p'][:40]}" if "p" in tags else "there is no policy: the tag p is missing")
    own = Policy(policy or Policy.NONE)  # section 4.7: with somebody to report to, it is read as p=none
    below = Policy(_one_of(tags, "sp", tuple(Policy), own, wrong))
    return Dmarc(
        policy=own,
        for_subdomains=below,
        for_nonexistent=Policy(_one_of(tags, "np", tuple(Policy), below, wrong)),
        strict_dkim=_one_of(tags, "adkim", ("r", "s"), "r", wrong) == "s",
        strict_spf=_one_of(tags, "aspf", ("r", "s"), "r", wrong) == "s",
        is_testing=_one_of(tags, "t", ("y", "n"), "n", wrong) == "y",
        psd=_one_of(tags, "psd", ("y", "n", "u"), "u", wrong),
        reports_to=reports_to,
        wrong=tuple(wrong),
        extra=tuple(f"{name}={value}" for name, value in tags.items() if name not in _KNOWN),
    )


def _one_of(tags: Mapping[str, str], name: str, allowed: tuple[str, ...], otherwise: str, wrong: list[str]) -> str:
    value = tags.get(name, "").lower()
    if value in allowed:
        return value
    if name in tags:
        wrong.append(f"{name}={tags[name]}")
    return otherwise


def _is_uri(text: str) -> bool:
    scheme, colon, rest = text.partition(":")
    return bool(colon and rest) and scheme.isalpha()


def names_to_walk(domain: str) -> tuple[str, ...]:
    """The domains at which `_dmarc` is asked for, in their order (section 4.10): eight at most."""
    labels = domain.lower().removesuffix(".").split(".")
    rest = labels[1:] if len(labels) <= _MOST_LABELS else labels[-_MOST_LABELS:]
    return (".".join(labels), *(".".join(rest[at:]) for at in range(len(rest))))


def ends_walk(record: Dmarc | None) -> bool:
    """Whether nothing above this record is asked for: it says itself what kind of domain it is."""
    return record is not None and record.psd in ("y", "n")


def walked(domain: str, found: Mapping[str, Dmarc]) -> Walk:
    """What the records *found* on the walk from *domain*, by domain, mean for it (sections 4.10.1 and 4.10.2)."""
    names = names_to_walk(domain)
    organization = _organization(names, found)
    # A record of the domain itself holds; else that of its organization; else that of the public suffix above it.
    suffix = next((name for name in names if name in found and found[name].psd == "y"), "")
    at = next((name for name in (names[0], organization, suffix) if name in found), "")
    return Walk(record=found.get(at), at=at, organization=organization)


def _organization(names: tuple[str, ...], found: Mapping[str, Dmarc]) -> str:
    for place, name in enumerate(names):
        record = found.get(name)
        if record is not None and record.psd == "n":
            return name
        if record is not None and record.psd == "y" and place:
            return names[place - 1]
    return next((name for name in reversed(names) if name in found), names[0])
