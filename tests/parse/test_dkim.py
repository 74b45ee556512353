"""DKIM key records (RFC 6376, section 3.6.1), and the keys in them."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from migrawatch.parse.dkim import parse_dkim
from migrawatch.reach.public_key import are_equal, bits_of, read_public_key

RSA = rsa.generate_private_key(65537, 2048).public_key()
SPKI = RSA.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PKCS1 = RSA.public_bytes(Encoding.DER, PublicFormat.PKCS1)
ED = ed25519.Ed25519PrivateKey.generate().public_key()


def record(key: bytes, before: str = "v=DKIM1; k=rsa; ") -> str:
    return f"{before}p={b64encode(key).decode()}"


def test_a_whole_record_is_read() -> None:
    key = parse_dkim(f"v=DKIM1; h=sha256:sha1 ; k=rsa; n=note; s=email; t=y:s; x=1; p={b64encode(SPKI).decode()};")

    assert (key.type, key.key, key.hashes, key.services) == ("rsa", SPKI, ("sha256", "sha1"), ("email",))
    assert key.is_testing
    assert key.is_strict
    assert key.is_for_mail
    assert bits_of(key) == 2048


def test_what_is_left_out_is_as_the_rfc_says() -> None:
    key = parse_dkim(record(SPKI, ""))

    assert (key.type, key.hashes, key.services) == ("rsa", (), ("*",))
    assert not key.is_testing
    assert key.is_for_mail


def test_white_space_within_the_key_means_nothing() -> None:
    text = b64encode(SPKI).decode()

    assert parse_dkim(f"v=DKIM1; p={text[:50]} {text[50:]}").key == SPKI


def test_a_key_without_anything_in_it_is_revoked() -> None:
    assert parse_dkim("v=DKIM1; p=").is_revoked
    assert not parse_dkim(record(SPKI)).is_revoked


@pytest.mark.parametrize(
    "text",
    ["v=DKIM2; p=AAAA", "k=rsa; v=DKIM1; p=AAAA", "v=DKIM1; k=rsa", "v=DKIM1; k=dsa; p=AAAA", "v=DKIM1; p=A*A",
     "v=DKIM1; p=AAA", "v=DKIM1; p=AAAA; p=BBBB", "v=DKIM1 p", "", "garbage", "v=DKIM1; p=\xe4", "v=DKIM1; =x; p="],
)  # fmt: skip
def test_what_a_verifier_would_pass_over_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_dkim(text)


@pytest.mark.parametrize("before", ["v=DKIM1; s=tlsrpt; ", "v=DKIM1; h=sha1; "])
def test_a_key_for_something_else_is_not_for_mail(before: str) -> None:
    assert not parse_dkim(record(SPKI, before)).is_for_mail


@pytest.mark.parametrize(
    ("key", "kind"),
    [(SPKI[:-20], "rsa"), (b"\x00" * 30, "rsa"), (b"\x00" * 31, "ed25519"),
     (ec.generate_private_key(ec.SECP256R1()).public_key()
      .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "rsa")],
    ids=["cut short", "nonsense", "too short", "another type"],
)  # fmt: skip
def test_bytes_that_are_no_key_of_their_type_have_no_length(key: bytes, kind: str) -> None:
    with pytest.raises(ValueError):
        bits_of(parse_dkim(record(key, f"k={kind}; ")))


def test_a_key_is_the_signers_in_either_encoding_and_no_other_key_is() -> None:
    """Signers publish SubjectPublicKeyInfo, the RFC's text says RSAPublicKey: verifiers take both (erratum 3017)."""
    mine = read_public_key(RSA.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    other = rsa.generate_private_key(65537, 1024).public_key()

    assert are_equal(parse_dkim(record(SPKI)), mine)
    assert are_equal(parse_dkim(record(PKCS1)), mine)
    assert not are_equal(parse_dkim(record(other.public_bytes(Encoding.DER, PublicFormat.PKCS1))), mine)


def test_an_ed25519_key_is_told_from_another_type_with_the_same_bytes() -> None:
    raw = ED.public_bytes(Encoding.Raw, PublicFormat.Raw)
    mine = read_public_key(ED.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    assert bits_of(parse_dkim(record(raw, "k=ed25519; "))) == 256
    assert are_equal(parse_dkim(record(raw, "k=ed25519; ")), mine)
    assert not are_equal(parse_dkim(record(SPKI)), mine)


@pytest.mark.parametrize("pem", ["", "garbage", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_what_is_no_public_key_is_refused(pem: str) -> None:
    with pytest.raises(ValueError):
        read_public_key(pem)
