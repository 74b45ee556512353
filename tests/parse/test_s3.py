"""What object stores answer in XML."""

from datetime import UTC, datetime

import pytest

from migrawatch.parse.s3 import Listed, parse_error, parse_list

XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
CONTENTS = "<Contents><Key>a/b c</Key><LastModified>2026-11-26T12:00:00.000Z</LastModified><Size>3</Size></Contents>"
BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><ListBucketResult>&b;</ListBucketResult>'


@pytest.mark.parametrize("namespace", ["", " " + XMLNS])
def test_a_list_is_read_with_its_namespace_or_without(namespace: str) -> None:
    body = f"<ListBucketResult{namespace}><Name>x</Name>{CONTENTS * 2}</ListBucketResult>".encode()

    assert parse_list(body) == (Listed("a/b c", datetime(2026, 11, 26, 12, tzinfo=UTC)),) * 2


UNDATED = b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>"


@pytest.mark.parametrize("body", [b"", b"<html>", b"<Error/>", BOMB, b"\xff", CONTENTS.encode(), UNDATED])
def test_what_is_no_list_is_said(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_list(body)


def test_an_error_is_its_code_and_its_words() -> None:
    body = b'<?xml version="1.0"?>\n<Error><Code>NoSuchBucket</Code><Message>It is\n not there</Message></Error>'

    assert parse_error(body) == ("NoSuchBucket", "It is not there")


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"Bad Gateway", BOMB])
def test_what_is_no_error_has_no_code(body: bytes) -> None:
    assert parse_error(body) == ("", "")
