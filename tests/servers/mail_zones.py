"""The records of a domain whose mail is well, and those of the server that it goes to."""

from base64 import b64encode
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.servers.zones import txt

OURS = "192.0.2.25"


@cache
def public_key(bits: int = 2048) -> rsa.RSAPublicKey:
    """A signer's public key of so many bits, the same each time."""
    return rsa.generate_private_key(65537, bits).public_key()


def pem(key: rsa.RSAPublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_record(key: rsa.RSAPublicKey) -> str:
    """The record that publishes *key*."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"


def healthy() -> dict[str, dict[str, list[str] | str]]:
    """All that is asked for about example.org, as a resolver sees it."""
    return {
        "example.org": {
            "MX": ["10 mail.example.net."],
            "TXT": [txt("v=spf1 mx include:_spf.example.net -all"), txt("unrelated")],
            "NS": ["ns1.example.net."],
        },
        "_spf.example.net": {"TXT": [txt("v=spf1 ip4:198.51.100.0/24 -all")]},
        "mail._domainkey.example.org": {"TXT": [txt(key_record(public_key()))]},
        "_dmarc.example.org": {"TXT": [txt("v=DMARC1; p=reject; rua=mailto:dmarc@example.org")]},
        "mail.example.net": {"A": [OURS]},
        "25.2.0.192.in-addr.arpa": {"PTR": ["mail.example.net."]},
    }
