"""Whether our signature can be verified: the DKIM key of a selector."""

from dataclasses import dataclass

from migrawatch.model import Finding
from migrawatch.parse.dkim import DkimKey, KeyType, key_name, parse_dkim
from migrawatch.parse.records import Lookup
from migrawatch.reach.public_key import are_equal, bits_of
from migrawatch.reason import Reason
from migrawatch.talk.mail_records.findings import down, shown, unanswered, warn

_REFUSED_BELOW = 1024
_WEAK_BELOW = 2048
"""RFC 8301, section 3.2: verifiers refuse RSA keys below 1024 bits, signers should use 2048."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySeen:
    """What is wrong with the key, its length in bits (0 where there is none), and its record for people."""

    findings: tuple[Finding, ...]
    bits: int = 0
    record: str = ""


async def judge_dkim(domain: str, selector: str, signer: tuple[KeyType, bytes] | None, lookup: Lookup) -> KeySeen:
    """What is wrong with the key of *selector* at *domain*; *signer* is the public key that the signer has, if told."""
    name = key_name(selector, domain)
    answer = await lookup(name, "TXT")
    if not answer.is_known:
        return KeySeen(findings=(unanswered(answer),))
    if len(answer.values) != 1:
        reason = Reason.RECORD_DUPLICATE if answer.values else Reason.RECORD_MISSING
        what = f"has {len(answer.values)} TXT records, wanted one key" if answer.values else "has no DKIM key"
        return KeySeen(findings=(down(reason, f"{name} {what}"),))
    [record] = answer.values
    try:
        key = parse_dkim(record)
        bits = 0 if key.is_revoked else bits_of(key)
    except ValueError as error:
        return KeySeen(findings=(down(Reason.DKIM_INVALID, f"{name}: {error}"),), record=shown(record))
    finding = _judged(name, key, bits, signer)
    return KeySeen(findings=(finding,) if finding else (), bits=bits, record=shown(record))


def _judged(name: str, key: DkimKey, bits: int, signer: tuple[KeyType, bytes] | None) -> Finding | None:
    if key.is_revoked:
        return down(Reason.DKIM_REVOKED, f"{name} is revoked: its p= is empty")
    if not key.is_for_mail:
        use = f"s={':'.join(key.services)}, h={':'.join(key.hashes) or 'any'}"
        return down(Reason.DKIM_INVALID, f"{name} is no key for mail: {use}")
    if signer is not None and not are_equal(key, signer):
        return down(Reason.DKIM_MISMATCH, f"{name} is another key than the signer's")
    if key.type == "rsa" and bits < _REFUSED_BELOW:
        return down(Reason.DKIM_WEAK, f"{name} has {bits} bits; verifiers refuse less than {_REFUSED_BELOW}")
    if key.type == "rsa" and bits < _WEAK_BELOW:
        return warn(Reason.DKIM_WEAK, f"{name} has {bits} bits, wanted {_WEAK_BELOW}")
    return None
