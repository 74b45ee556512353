"""Signatures for S3, held against the examples that AWS has published for them."""

from datetime import UTC, datetime

import pytest

from migrawatch.parse.sigv4 import Signer, encoded, query_of, signed_headers

# "Authenticating Requests: Using the Authorization Header", Amazon S3 API reference.
AT = datetime(2013, 5, 24, tzinfo=UTC)
SIGNER = Signer(
    access_key="AKIAIOSFODNN7EXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region="us-east-1"
)
HOST = {"host": "examplebucket.s3.amazonaws.com"}
PUT = HOST | {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "signature"),
    [
        (
            "GET",
            "/test.txt",
            HOST | {"range": "bytes=0-9"},
            b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/" + encoded("test$file.text"),
            PUT,
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?lifecycle=", HOST, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "/?" + query_of({"prefix": "J", "max-keys": "2"}),
            HOST,
            b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_published_examples_are_signed_as_published(
    method: str, target: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    signed = signed_headers(SIGNER, AT, method, target, headers, body)

    assert signed["authorization"].endswith(f",Signature={signature}")
    assert signed["authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
    )
    assert signed["x-amz-date"] == "20130524T000000Z"


def test_a_space_within_a_header_is_signed_once() -> None:
    spaced = signed_headers(SIGNER, AT, "GET", "/", HOST | {"x": " a   b "})
    plain = signed_headers(SIGNER, AT, "GET", "/", HOST | {"X": "a b"})

    assert spaced == plain


def test_everything_that_is_signed_changes_the_signature() -> None:
    asked = [("GET", "/a", HOST, b""), ("PUT", "/a", HOST, b""), ("GET", "/b", HOST, b""), ("GET", "/a", PUT, b""),
             ("GET", "/a", HOST, b"x"), ("GET", "/a?x=1", HOST, b"")]  # fmt: skip
    signatures = {signed_headers(SIGNER, AT, *one)["authorization"].rpartition("=")[2] for one in asked}

    assert len(signatures) == len(asked)


def test_paths_and_queries_are_encoded_as_they_are_signed() -> None:
    assert encoded("a b/ü~+", safe="/") == "a%20b/%C3%BC~%2B"
    assert query_of({"list-type": "2", "prefix": "a/b c"}) == "list-type=2&prefix=a%2Fb%20c"


def test_a_signer_does_not_show_its_key() -> None:
    assert "wJalr" not in repr(SIGNER)
