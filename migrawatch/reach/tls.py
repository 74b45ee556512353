"""How TLS is asked for, and the facts of a handshake; `handshake.py` does the work."""

from dataclasses import dataclass, field
from datetime import datetime

from migrawatch.model import Seconds
from migrawatch.reason import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Tls:
    """How to speak TLS: the *name* asked for and verified, the trust (*ca_file* or the system's), ALPN offers.

    With *any_name* the chain is verified and the certificate may be for other names.
    """

    name: str
    verify: bool = True
    any_name: bool = False
    ca_file: str = ""
    alpn: tuple[str, ...] = ()
    warn_before: Seconds = 0.0


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """When the certificate's end is worth a warning: *warn* is the time left."""

    warn: Seconds = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Handshake:
    """The facts of one handshake. *problem* says why the chain is not to be trusted; None when it is.

    *verified_until* is when the first certificate of the verified path expires; None for a path that was not verified.
    *words* are the certificate's for people: `db.example by CN=R11, 2026-08-26 to 2026-11-24, sha256 9f…`.
    """

    version: str
    cipher: str
    alpn: str = ""
    chain: tuple[bytes, ...] = ()
    expires_at: datetime
    leaf_labels: dict[str, str] = field(default_factory=dict)
    words: str = ""
    problem: tuple[Reason, str] | None = None
    verified_until: datetime | None = None
