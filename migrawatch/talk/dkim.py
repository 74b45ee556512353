"""Whether a mail carries a domain's DKIM signature, verified with the key that DNS has (RFC 6376)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser

import dkim

from migrawatch.model import Finding, Verdict
from migrawatch.parse.dkim import key_name, parse_dkim
from migrawatch.parse.excerpt import readable
from migrawatch.parse.records import Lookup, Records
from migrawatch.parse.tags import parse_tags
from migrawatch.reason import Reason

_SHORTEST_KEY = 1024
"""RFC 8301, section 3.2: verifiers refuse RSA keys with fewer bits."""

_MOST_SIGNATURES = 5
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a mail: the *place* it has among all of them, from above, its domain, and its selector."""

    place: int
    domain: str
    selector: str

    @property
    def key_name(self) -> str:
        """The name that its key has in DNS."""
        return key_name(self.selector, self.domain)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureSeen:
    """The signature that was verified, or what is wrong; *record* is the key that did not fit."""

    verified: Signature | None = None
    finding: Finding | None = None
    record: str = ""


def signatures(message: bytes) -> tuple[Signature, ...]:
    """The signatures of *message*; those that cannot be read are left out."""
    return tuple(_readable(BytesHeaderParser().parsebytes(message).get_all("DKIM-Signature", [])))


def _readable(values: list[str]) -> Iterator[Signature]:
    for place, value in enumerate(values[:_MOST_SIGNATURES]):
        try:
            tags = parse_tags(" ".join(str(value).split()))
        except ValueError:
            continue
        if tags.get("d") and tags.get("s"):
            yield Signature(place, tags["d"].lower(), tags["s"].lower())


async def judge_signature(message: bytes, domain: str, lookup: Lookup) -> SignatureSeen:
    """Whether one of the mail's signatures is that of *domain* and verifies; if none does, why the first does not.

    Only RSA is verified, which all signers use; Ed25519 (RFC 8463) stands beside it, never alone.
    """
    found = signatures(message)
    ours = [one for one in found if one.domain == domain.lower()]
    if not ours:
        by = ", ".join(dict.fromkeys(one.domain for one in found))
        return _wrong(f"the mail is signed by {by}, wanted {domain}" if found else "the mail arrived unsigned")
    failed: list[SignatureSeen] = []
    for signature in ours:
        seen = await _judge(message, signature, await lookup(signature.key_name, "TXT"))
        if seen.verified is not None:
            return seen
        failed.append(seen)
    return failed[0]


async def _judge(message: bytes, signature: Signature, answer: Records) -> SignatureSeen:
    if not answer.is_known:
        # Nobody knows whether it is right: whoever should tell the key is at fault.
        return SignatureSeen(finding=Finding(Verdict.DOWN, answer.reason, answer.failure))
    if not answer.values:
        return _wrong(f"there is no key at {signature.key_name}")
    problems: list[str] = []
    for record in answer.values:
        problem = _unusable(record) or await asyncio.to_thread(_problem_of, message, signature.place, record)
        if not problem:
            return SignatureSeen(verified=signature)
        problems.append(problem)
    return _wrong(f"the key at {signature.key_name} {problems[0]}", answer.values[0])


def _unusable(record: str) -> str:
    """Why nothing can be verified with this key; empty if it can."""
    try:
        key = parse_dkim(record)
    except ValueError as error:
        return f"cannot be read: {error}"
    if key.is_revoked:
        return "is revoked: its p= is empty"
    if key.type != "rsa":
        return f"is {key.type}, wanted rsa"
    return "" if key.is_for_mail else "is no key for mail"


def _problem_of(message: bytes, place: int, record: str) -> str:
    """Why the signature at *place* does not verify with the key in *record*; empty if it does. It asks nobody."""

    def told(_: bytes, timeout: float = 0) -> bytes:  # dkimpy names its argument
        return record.encode("latin-1")

    verifier = dkim.DKIM(message, minkey=_SHORTEST_KEY)
    try:
        is_right = verifier.verify(place, dnsfunc=told)
    # What of a mail or a key is odd enough reaches it as these.
    except (dkim.DKIMException, ValueError, TypeError, LookupError, ArithmeticError) as error:
        return f"does not verify the mail: {readable(str(error).encode())[:_SHOWN]}"
    return "" if is_right else "does not verify the mail: it is another than the signer's, or a header was changed"


def _wrong(detail: str, record: str = "") -> SignatureSeen:
    return SignatureSeen(finding=Finding(Verdict.DOWN, Reason.MAIL_DKIM_INVALID, detail), record=record)
