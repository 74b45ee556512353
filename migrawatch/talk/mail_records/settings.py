"""How we send and sign, as a configuration says it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Mail:
    """How we send: *sending_addresses* must pass SPF and, with *ptr*, have names that lead back to them.

    *helo* is the name that we greet with, *envelope* the domain of the sender in the envelope (the domain itself unless
    said).
    """

    sending_addresses: tuple[str, ...] = ()
    helo: str = ""
    envelope: str = ""
    ptr: bool = True


@dataclass(frozen=True, kw_only=True)
class Dkim:
    """How we sign: the *selectors* whose keys must be there, and the *domain* (`d=`), the check's own unless said.

    *public_keys* are the signer's, in PEM, by selector: the key in DNS must be the same.
    """

    selectors: tuple[str, ...] = ()
    domain: str = ""
    public_keys: dict[str, str] = field(default_factory=dict)
