"""Signatures of requests to S3 (AWS Signature Version 4, in the Authorization header)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_ENDS = "aws4_request"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """Who signs: the name of the key (*access_key*), the key itself, and for which region and service."""

    access_key: str
    secret_key: str
    region: str
    service: str = "s3"

    def __repr__(self) -> str:
        return f"Signer(access_key={self.access_key!r}, region={self.region!r}, service={self.service!r})"


def encoded(text: str, safe: str = "") -> str:
    """*text* as queries, and with *safe* `/` paths, have it: all but letters, digits and `-._~` percent-encoded."""
    return quote(text, safe=safe + "-._~")


def query_of(values: Mapping[str, str]) -> str:
    """The query string of *values*, in the order in which it is signed."""
    pairs = sorted((encoded(name), encoded(value)) for name, value in values.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(
    signer: Signer,
    at: datetime,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> dict[str, str]:
    """The headers that sign a request, to be sent beside *headers*, which are signed too and must have `host`.

    *target* is the encoded path, and behind a `?` what `query_of` gave. *at* is aware.
    """
    stamp = f"{at:%Y%m%dT%H%M%SZ}"
    content = sha256(body).hexdigest()
    signing = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    signing |= {"x-amz-content-sha256": content, "x-amz-date": stamp}
    names = ";".join(sorted(signing))
    path, _, query = target.partition("?")
    lines = [method, path, query, *(f"{name}:{signing[name]}" for name in sorted(signing)), "", names, content]
    scope = f"{stamp[:8]}/{signer.region}/{signer.service}/{_ENDS}"
    text = "\n".join((_ALGORITHM, stamp, scope, sha256("\n".join(lines).encode()).hexdigest()))
    signature = hmac.new(_key(signer, stamp[:8]), text.encode(), sha256).hexdigest()
    proof = f"{_ALGORITHM} Credential={signer.access_key}/{scope},SignedHeaders={names},Signature={signature}"
    return {"x-amz-content-sha256": content, "x-amz-date": stamp, "authorization": proof}


def _key(signer: Signer, day: str) -> bytes:
    key = f"AWS4{signer.secret_key}".encode()
    for word in (day, signer.region, signer.service, _ENDS):
        key = hmac.new(key, word.encode(), sha256).digest()
    return key
