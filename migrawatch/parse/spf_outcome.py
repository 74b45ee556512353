"""What SPF is asked, and what it concludes (RFC 7208, section 2.6)."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address


class Outcome(StrEnum):
    """What `check_host` gives back (section 2.6), in its own words."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Limit(StrEnum):
    """A limit of section 4.6.4 that an evaluation went over."""

    LOOKUPS = "lookups"
    VOIDS = "voids"


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who wants to send: the client's address, the envelope's sender (may be empty), and the name it greeted with."""

    address: Address
    mail_from: str
    helo: str

    @property
    def client(self) -> Address:
        """The address, an IPv4 one if it only is written as IPv6 (section 5)."""
        return getattr(self.address, "ipv4_mapped", None) or self.address

    @property
    def mailbox(self) -> tuple[str, str]:
        """Local part and domain (sections 2.4 and 4.3: no sender means postmaster at the HELO name)."""
        local, at, domain = self.mail_from.rpartition("@")
        return (local if at and local else "postmaster"), (domain if self.mail_from else self.helo)


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What SPF says, why (for a temperror or permerror), and every step on the way as a line of *trace*."""

    outcome: Outcome
    problem: str = ""
    exceeded: Limit | None = None
    explanation: str = ""
    lookups: int = 0
    voids: int = 0
    trace: tuple[str, ...] = ()
