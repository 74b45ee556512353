"""URLs, redirects' targets, and addresses to dial."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.url import Malformed, joined, parse_dial, parse_url


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://example.org", ("http", "example.org", 80, "/")),
        ("HTTPS://Example.ORG/Path?Query=1#part", ("https", "example.org", 443, "/Path?Query=1")),
        ("http://10.1.10.206:2271/api/health", ("http", "10.1.10.206", 2271, "/api/health")),
        ("http://[::1]:8080/", ("http", "::1", 8080, "/")),
        ("https://example.org?q", ("https", "example.org", 443, "/?q")),
        ("https://bücher.example/ä%20b", ("https", "xn--bcher-kva.example", 443, "/%C3%A4%20b")),
    ],
)
def test_a_url_is_taken_apart(text: str, parts: tuple[str, str, int, str]) -> None:
    """The pieces are what a request line, a Host header and a connection need."""
    url = parse_url(text)

    assert (url.scheme, url.host, url.port, url.target) == parts


@pytest.mark.parametrize(
    "text",
    ["", "example.org", "ftp://example.org/", "http://", "http:///x", "http://u:p@example.org/", "http://a b/",
     "http://example.org:0/", "http://example.org:99999/", "http://[::1/", "http://a/\r\nx: y", "javascript:x"],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(text: str) -> None:
    """A wrong URL must fail when the configuration is read, not at three in the morning."""
    with pytest.raises(Malformed):
        parse_url(text)


def test_a_password_in_a_url_is_not_quoted() -> None:
    """It would end up in a log."""
    with pytest.raises(Malformed) as caught:
        parse_url("http://user:hunter2@example.org/")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/login", "https://example.org/login"),
        ("login", "https://example.org/a/login"),
        ("?x=1", "https://example.org/a/b?x=1"),
        ("//www.example.org/", "https://www.example.org/"),
        ("http://example.org:8080", "http://example.org:8080/"),
        ("../x#y", "https://example.org/x"),
        ("/\xc3\xa4", "https://example.org/%C3%A4"),
        ("", "https://example.org/a/b"),
    ],
)
def test_a_location_is_resolved_as_browsers_do(location: str, leads_to: str) -> None:
    """RFC 3986, section 5; raw UTF-8 arrives as latin-1 text."""
    assert str(joined(parse_url("https://example.org/a/b"), location)) == leads_to


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_no_location_raises_anything_but_malformed(location: str) -> None:
    """Whatever a server writes there is its fault, not ours."""
    try:
        leads_to = str(joined(parse_url("https://example.org/a/b"), location))
    except Malformed:
        return
    assert leads_to.isascii()
    assert " " not in leads_to


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("73.139.18.218", ("73.139.18.218", 0)),
        ("10.1.10.10:8443", ("10.1.10.10", 8443)),
        ("edge.example.org", ("edge.example.org", 0)),
        ("::1", ("::1", 0)),
        ("[::1]", ("::1", 0)),
        ("[::1]:443", ("::1", 443)),
    ],
)
def test_an_address_to_dial_may_have_a_port(text: str, place: tuple[str, int]) -> None:
    """Without one the URL's port is used: 0 says so."""
    assert parse_dial(text) == place


@pytest.mark.parametrize("text", [":443", "host:", "host:x", "host:70000", "host:0", "[::1]x", "[::1]:"])
def test_a_wrong_address_to_dial_is_refused(text: str) -> None:
    """It is found when the configuration is read."""
    with pytest.raises(Malformed):
        parse_dial(text)
