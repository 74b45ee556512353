"""Certificates in PEM."""

import base64
import binascii
import re

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")


def first_certificate(content: bytes) -> bytes:
    """The first certificate of a PEM file as DER: the leaf that a server presents. Raise ValueError without one."""
    found = _CERTIFICATE.search(content)
    if found is None:
        raise ValueError("no certificate in the file")
    try:
        return base64.b64decode(b"".join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise ValueError("the certificate's base64 is broken") from error
