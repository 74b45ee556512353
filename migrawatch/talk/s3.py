"""Requests to an object store, signed, and what its refusals mean."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from migrawatch.parse.http import Response, gateway_sign
from migrawatch.parse.s3 import parse_error
from migrawatch.parse.sigv4 import Signer, encoded, query_of, signed_headers
from migrawatch.parse.url import Url
from migrawatch.reason import Reason
from migrawatch.talk.http_request import Request

_REFUSING = frozenset(
    {
        "AccessDenied",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
_FULL = frozenset({"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"})
_BY_CODE = {
    **dict.fromkeys(_REFUSING, Reason.S3_AUTH),
    **dict.fromkeys(_FULL, Reason.S3_STORAGE),
    "NoSuchBucket": Reason.S3_BUCKET,
    "NoSuchKey": Reason.S3_CONTENT,
}
_BY_STATUS = {401: Reason.S3_AUTH, 403: Reason.S3_AUTH, 507: Reason.S3_STORAGE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A bucket at the store *url*; its name stands in the path, or with *in_host* before the store's name."""

    url: Url
    name: str
    signer: Signer
    in_host: bool = False

    def request(
        self, at: datetime, method: str, key: str = "", query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Request:
        """A signed request for the object *key*, or for the bucket itself."""
        above = self.url.target.partition("?")[0].rstrip("/")
        path = above + ("" if self.in_host else f"/{encoded(self.name)}") + f"/{encoded(key, safe='/')}"
        host = f"{self.name}.{self.url.host}" if self.in_host else self.url.host
        target = f"{path}?{query_of(query)}" if query else path
        url = replace(self.url, host=host, target=target)
        proof = signed_headers(self.signer, at, method, target, {"host": url.authority}, body)
        return Request(url=url, method=method, headers=tuple(proof.items()), body=body)


def refusal_of(answer: Response) -> tuple[Reason, str]:
    """The reason of an answer that is no success, and the store's words."""
    code, message = parse_error(answer.body)
    words = f"HTTP {answer.status}" + (f" {code}" if code else "") + (f": {message}" if message else "")
    if reason := _BY_CODE.get(code):
        return reason, words
    if not code and (sign := gateway_sign(answer)):
        return Reason.HTTP_GATEWAY, f"{words} ({sign})"
    return _BY_STATUS.get(answer.status, Reason.HTTP_STATUS), words
