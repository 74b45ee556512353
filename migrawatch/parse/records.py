"""What a question for records was answered, as text."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from migrawatch.reason import Reason

NOERROR = "NOERROR"
NXDOMAIN = "NXDOMAIN"


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """*values* are those of the wanted type, aliases followed: addresses, names without final dot, `10 mail.example`
    for MX, and a TXT record's strings joined with nothing between, a byte a character.

    *alias* is the name that aliases (CNAME) led to, if any. *code* is the rcode's name, empty when there was no answer;
    *problem* and *reason* then say what happened instead. *server* (`address:port`) is who has the name and told it,
    where it was looked for from the root.
    """

    name: str
    kind: str
    code: str
    values: tuple[str, ...] = ()
    alias: str = ""
    problem: str = ""
    reason: Reason = Reason.DNS_SERVFAIL
    server: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the question was answered, be it with nothing."""
        return self.code in (NOERROR, NXDOMAIN)

    @property
    def failure(self) -> str:
        """Why it is not known, for people."""
        return f"{self.name} {self.kind}: {self.problem or self.code}"


Lookup: TypeAlias = Callable[[str, str], Awaitable[Records]]
"""Asks for a name and a type. It raises for no name, however odd."""
