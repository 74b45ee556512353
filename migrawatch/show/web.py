"""How the HTTP side is guarded: exporter-toolkit's web configuration, once it is read and valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from migrawatch.decide.allowance import Allowance
from migrawatch.reach.serving import Context, Serving


@dataclass(frozen=True, kw_only=True)
class Web:
    """*users* are bcrypt hashes by name; *headers* go out with every answer, an empty one takes ours away.

    With *tls* there is its *context*.
    """

    tls: Serving | None = None
    context: Context | None = field(default=None, repr=False, compare=False)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: Allowance | None = None

    @property
    def is_protected(self) -> bool:
        """Whether it is encrypted, and nobody gets in without a password or a certificate of ours."""
        return self.tls is not None and (bool(self.users) or self.tls.knows_who_comes)


OPEN = Web()
"""Without a web configuration: plain HTTP, and whoever reaches the port is let in."""
