"""Public keys as records carry them: what they are and how long."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from migrawatch.parse.dkim import DkimKey, KeyType


def bits_of(key: DkimKey) -> int:
    """The length of *key* in bits. Raise ValueError when its bytes are no key of its type."""
    if key.type == "ed25519":
        if len(key.key) != 32:
            raise ValueError(f"an Ed25519 key has 32 bytes, this one {len(key.key)}")
        return 256
    return _rsa(key.key).key_size


def _rsa(der: bytes) -> RSAPublicKey:
    try:
        found = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("the bytes of the key are no public key, perhaps cut short") from error
    if not isinstance(found, RSAPublicKey):
        raise ValueError("the key is not of its type, RSA")
    return found


def read_public_key(pem: str) -> tuple[KeyType, bytes]:
    """Type and bytes of a public key in PEM, as a DKIM record would carry it. Raise ValueError for anything else."""
    try:
        found = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("this is no public key in PEM") from error
    if isinstance(found, RSAPublicKey):
        return "rsa", found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if isinstance(found, Ed25519PublicKey):
        return "ed25519", found.public_bytes(Encoding.Raw, PublicFormat.Raw)
    raise ValueError("DKIM knows keys of RSA and Ed25519 only")


def are_equal(key: DkimKey, wanted: tuple[KeyType, bytes]) -> bool:
    """Whether *key* is the *wanted* one. An RSA key may stand there in either of its two encodings."""
    kind, content = wanted
    if key.type != kind:
        return False
    return key.key == content if kind == "ed25519" else _rsa(key.key).public_numbers() == _rsa(content).public_numbers()
