"""DKIM key records (RFC 6376, section 3.6.1; RFC 8463 for Ed25519)."""

import binascii
from base64 import b64decode
from dataclasses import dataclass
from typing import Literal

from migrawatch.parse.tags import parse_tags

KeyType = Literal["rsa", "ed25519"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DkimKey:
    """One key. *key* is empty when it is revoked; of RSA it is DER, of Ed25519 the 32 bytes.

    *hashes* are those it may be used with, empty for all; *is_testing* is the flag `y`, *is_strict* the flag `s`.
    """

    type: KeyType
    key: bytes
    hashes: tuple[str, ...]
    services: tuple[str, ...]
    is_testing: bool
    is_strict: bool

    @property
    def is_revoked(self) -> bool:
        """Whether the domain has taken the key back: `p=` with nothing behind it."""
        return not self.key

    @property
    def is_for_mail(self) -> bool:
        """Whether a verifier of mail may use it: for this service, and with a hash that is still allowed (RFC 8301)."""
        return bool({"*", "email"} & set(self.services)) and (not self.hashes or "sha256" in self.hashes)


def key_name(selector: str, domain: str) -> str:
    """The name that the key of *selector* has in DNS (RFC 6376, section 3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def parse_dkim(record: str) -> DkimKey:
    """Read one key record. Raise ValueError, quoting the tag, for one that a verifier would pass over."""
    tags = parse_tags(record)
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise ValueError(f"v={tags['v'][:40]} where v=DKIM1 must stand first")
    if "p" not in tags:
        raise ValueError("there is no key: the tag p is missing")
    kind = tags.get("k", "rsa").lower()
    if kind not in ("rsa", "ed25519"):
        raise ValueError(f"k={kind[:40]} is no type of key that verifiers know")
    flags = _listed(tags.get("t", ""))
    return DkimKey(
        type="ed25519" if kind == "ed25519" else "rsa",
        key=_key(tags["p"]),
        hashes=_listed(tags.get("h", "")),
        services=_listed(tags.get("s", "*")),
        is_testing="y" in flags,
        is_strict="s" in flags,
    )


def _key(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"p is no base64: {error}") from error


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip().lower() for part in text.split(":")) if word)
