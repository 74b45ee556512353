"""What PostgreSQL says: the SQLSTATE codes of its refusals and their reasons, and its own state."""

import re
from dataclasses import dataclass

from migrawatch.model import Seconds
from migrawatch.reason import Reason

UNTOLD = -1.0
"""How a state says that its server cannot tell how long locks are waited for."""

_REASONS = {
    "28P01": Reason.PG_AUTH,
    # No entry of pg_hba.conf, one that says reject, or a role that may not log in.
    "28000": Reason.PG_HBA,
    "3D000": Reason.PG_NO_DATABASE,
    # Of the server, the database or the role: each has a limit of its own, the message tells which.
    "53300": Reason.PG_TOO_MANY_CONNECTIONS,
    # Before a session begins: starting up, shutting down, replaying its log. In a session: being shut down.
    "57P03": Reason.PG_STARTING,
    "57P01": Reason.PG_STARTING,
    "57P02": Reason.PG_STARTING,
    "57014": Reason.PG_QUERY_TIMEOUT,
    "55P03": Reason.PG_LOCKED,
    "40P01": Reason.PG_LOCKED,
}

# At verbosity VERBOSE libpq writes `FATAL:  28P01: password authentication failed ...`. The severity is in the
# server's language, the code never is (PostgreSQL 15 manual, 34.12 PQsetErrorVerbosity; appendix A).
_REFUSAL = re.compile(r":  ([0-9A-Z]{5}): (.*)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server said when it refused: its SQLSTATE and its message, in the server's language."""

    sqlstate: str
    message: str

    @property
    def reason(self) -> Reason:
        """The reason that the SQLSTATE stands for; `pg_error` for one without a word of its own."""
        return _REASONS.get(self.sqlstate, Reason.PG_ERROR)

    def __str__(self) -> str:
        return f"{self.sqlstate} {self.message}"


def parse_refusal(message: str) -> Refusal | None:
    """The server's refusal in libpq's verbose *message* about a failed connection; None when the server said nothing.

    With sslmode=prefer libpq tries twice and tells both. One of them may only mean that the access rules want TLS, or
    want none: the other attempt got further, and is what counts.
    """
    refusals = [Refusal(*found.groups()) for found in _REFUSAL.finditer(message)]
    return next((said for said in refusals if said.reason is not Reason.PG_HBA), refusals[0] if refusals else None)


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What the server says of itself. *lock_wait* is the oldest wait in seconds, None where the server cannot tell.

    *connections_max* leaves the reserved ones out; *tls_version* is empty for a session in the clear.
    """

    in_recovery: bool
    read_only: bool
    connections: int
    connections_max: int
    lock_wait: Seconds | None
    tls_version: str
    tls_cipher: str


def parse_state(row: tuple[str | None, ...]) -> State:
    """Read the row of text values that the kind `postgres` asks for, in the order of the fields above.

    *lock_wait* comes as `-1` where the server cannot tell, and as NULL where nobody waits.
    """
    in_recovery, read_only, connections, connections_max, lock_wait, tls_version, tls_cipher = row
    waited = float(lock_wait or 0)
    return State(
        in_recovery=in_recovery == "t",
        read_only=read_only == "on",
        connections=int(connections or 0),
        connections_max=int(connections_max or 0),
        lock_wait=None if waited == UNTOLD else max(waited, 0.0),
        tls_version=tls_version or "",
        tls_cipher=tls_cipher or "",
    )
