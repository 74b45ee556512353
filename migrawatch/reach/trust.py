"""Whether a presented chain is to be trusted, and if not, why in words."""

import os
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeAlias

from OpenSSL import crypto

from migrawatch.model import Lost
from migrawatch.reach.certificate import Facts, is_for_servers
from migrawatch.reach.tls import Tls
from migrawatch.reach.vantage import HERE
from migrawatch.reason import Reason

VERIFIED_FOR = 300.0
"""Seconds after which a chain that verified is verified again although its bytes are the same."""

_KEPT = 1024
_EXPIRED = 10
_NOT_YET_VALID = 9

_DATES = {Reason.TLS_EXPIRED, Reason.TLS_NOT_YET_VALID}

Problem: TypeAlias = tuple[Reason, str]


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells one state of a trust file from the next."""

    path: str
    changed_ns: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Proof:
    """A chain that verified: when, against which roots, and when the first certificate of its path expires."""

    at: float
    stamp: _Stamp
    valid_until: datetime


_stores: dict[str, tuple[_Stamp, crypto.X509Store]] = {}
_proofs: dict[tuple[str, tuple[bytes, ...]], _Proof] = {}
_doubted: set[str] = set()


def judge(chain: tuple[bytes, ...], facts: Facts, tls: Tls, now: datetime) -> Problem | None:
    """Why the presented *chain* does not prove that the peer is `tls.name`; None when it does.

    Of several problems the most telling comes first (dates, name, trust) and the detail tells the others.
    """
    if tls.name in _doubted:
        _doubted.discard(tls.name)
        _proofs.pop((tls.ca_file, chain), None)
    name = None if tls.any_name else _name_problem(facts, tls.name)
    trust = problem_of(chain, facts, tls.ca_file, now)
    if name is None or trust is None:
        return name or trust
    first, second = (trust, name) if trust[0] in _DATES else (name, trust)
    return first[0], f"{first[1]}; also: {second[1]}"


def problem_of(chain: tuple[bytes, ...], facts: Facts, ca_file: str, now: datetime) -> Problem | None:
    """Why *chain* is not trusted by the roots of *ca_file* (empty: the system's); None when it is.

    A chain that verified within the last minutes is not verified again while its bytes, the roots and the calendar
    allow it. One that did not verify always is.
    """
    proof = _proofs.get((ca_file, chain))
    if proof is not None and monotonic() - proof.at < VERIFIED_FOR and now < proof.valid_until:
        return None
    stamp, store = _store(ca_file)
    found = _verify(chain, store)
    if isinstance(found, datetime) and found > now:
        if weak := _weak(chain, facts):
            return weak
        if len(_proofs) >= _KEPT:
            _proofs.clear()
        _proofs[ca_file, chain] = _Proof(monotonic(), stamp, found)
        return None
    _proofs.pop((ca_file, chain), None)
    code, words = (_EXPIRED, "certificate has expired") if isinstance(found, datetime) else found
    return _explain(code, words, facts, stamp.path, now)


def verified_until(chain: tuple[bytes, ...], ca_file: str) -> datetime | None:
    """When the first certificate of the path expires by which *chain* verified last; None if it did not."""
    proof = _proofs.get((ca_file, chain))
    return proof.valid_until if proof is not None else None


def doubt(name: str) -> None:
    """Have the chain that *name* presents next verified anew: a handshake with it failed."""
    if len(_doubted) >= _KEPT:
        _proofs.clear()
        _doubted.clear()
    _doubted.add(name)


def forget_proofs() -> None:
    """Have every chain verified anew."""
    _proofs.clear()


def _store(ca_file: str) -> tuple[_Stamp, crypto.X509Store]:
    path = ca_file or system_roots()
    try:
        seen = os.stat(path)  # noqa: PTH116 - the one call, on a path that is no object
    except OSError as error:
        raise Lost(HERE, f"trusted roots {path}: {error.strerror}") from error
    stamp = _Stamp(path, seen.st_mtime_ns, seen.st_size)
    kept = _stores.get(path)
    if kept is not None and kept[0] == stamp:
        return kept
    store = crypto.X509Store()
    is_directory = os.path.isdir(path)  # noqa: PTH112
    try:
        store.load_locations(None if is_directory else path, path if is_directory else None)
    except crypto.Error as error:
        raise Lost(HERE, f"trusted roots {path}: not certificates in PEM") from error
    _stores[path] = stamp, store
    return stamp, store


def system_roots() -> str:
    """The file (or hashed directory) of the roots this machine trusts; SSL_CERT_FILE and SSL_CERT_DIR come first."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or paths.openssl_cafile


def _verify(chain: tuple[bytes, ...], store: crypto.X509Store) -> datetime | tuple[int, str]:
    """When the first certificate of the verified path expires, or OpenSSL's code and words."""
    certificates = [crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain]
    context = crypto.X509StoreContext(store, certificates[0], certificates[1:])
    try:
        path = context.get_verified_chain()
    except crypto.X509StoreContextError as error:
        return error.errors[0], error.args[0]
    return min(link.to_cryptography().not_valid_after_utc for link in path)


def _weak(chain: tuple[bytes, ...], facts: Facts) -> Problem | None:
    if not is_for_servers(chain[0]):
        return Reason.TLS_UNTRUSTED, f"certificate {_called(facts)} is not meant for servers (extended key usage)"
    for link in facts.path:
        if link.weakness:
            return Reason.TLS_UNTRUSTED, f"certificate of {link.subject} {link.weakness}"
    return None


def _explain(code: int, words: str, facts: Facts, roots: str, now: datetime) -> Problem:
    if outdated := _dates_problem(facts, now):
        return outdated
    top = facts.path[-1]
    if code == _EXPIRED:
        return Reason.TLS_EXPIRED, f"a certificate above {top.subject} has expired, or {roots} keeps an expired one"
    if code == _NOT_YET_VALID:
        return Reason.TLS_NOT_YET_VALID, f"a certificate above {top.subject} is not valid yet"
    if len(facts.path) > 1 and not top.is_self_issued:
        return (
            Reason.TLS_UNTRUSTED,
            f"the chain ends at the issuer {top.issuer}, which {roots} does not trust ({words})",
        )
    if top.is_self_issued:
        return Reason.TLS_UNTRUSTED, f"the chain ends at the self-signed {top.subject}, which {roots} does not trust"
    return Reason.TLS_INCOMPLETE_CHAIN, (
        f"the server presented only its own certificate; its issuer {top.issuer} is neither among what was presented"
        f" nor in {roots}: the intermediate is missing, unless that issuer is a root of its own"
    )


def _dates_problem(facts: Facts, now: datetime) -> Problem | None:
    """Which certificate of the presented path is expired or not valid yet, the leaf first."""
    for link in facts.path:
        if link.expires_at <= now:
            ago = _age(now - link.expires_at)
            return Reason.TLS_EXPIRED, f"certificate of {link.subject} expired {ago} ago ({link.expires_at:%F %T} UTC)"
        if link.valid_from > now:
            ahead = _age(link.valid_from - now)
            return (
                Reason.TLS_NOT_YET_VALID,
                f"certificate of {link.subject} is valid only in {ahead} ({link.valid_from:%F %T} UTC)",
            )
    return None


def _name_problem(facts: Facts, name: str) -> Problem | None:
    """That the leaf is for other names than *name*; which, is told."""
    leaf = facts.leaf
    if leaf.is_for(name):
        return None
    own = [*leaf.names, *leaf.addresses]
    if not own:
        return Reason.TLS_NAME_MISMATCH, f"certificate of {leaf.subject} has no alternative names, wanted {name}"
    shown = ", ".join(own[:5]) + (f" and {len(own) - 5} more" if len(own) > 5 else "")
    return Reason.TLS_NAME_MISMATCH, f"certificate is for {shown}, wanted {name}"


def _called(facts: Facts) -> str:
    return facts.leaf.common_name or facts.leaf.subject


def _age(length: timedelta) -> str:
    if length.days:
        return f"{length.days} days"
    return f"{length.total_seconds() / 3600:.1f} hours"
