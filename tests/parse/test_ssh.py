"""The banner and the refusals of SSH servers, by table and by anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.ssh import Banner, parse_banner, reason_of_open_failure
from migrawatch.reason import Reason


@pytest.mark.parametrize(
    ("line", "banner"),
    [
        (
            b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n",
            Banner(protocol="2.0", software="OpenSSH_9.2p1", comment="Debian-2+deb12u7"),
        ),
        (b"SSH-2.0-dropbear_2022.83\r\n", Banner(protocol="2.0", software="dropbear_2022.83")),
        (b"SSH-1.99-Cisco_1.25\n", Banner(protocol="1.99", software="Cisco_1.25")),
    ],
)
def test_banners_of_real_servers_are_read(line: bytes, banner: Banner) -> None:
    assert parse_banner(line) == banner


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"SSH-1.5-OldServer\r\n", "speaks SSH 1.5"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400"),
        (b"SSH-2.0-\r\n", "not an SSH banner"),
        (b"", "not an SSH banner"),
    ],
)
def test_what_is_no_banner_is_quoted(line: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_banner(line)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_banner_or_refused(line: bytes) -> None:
    """Garbage on the SSH port must never be a fault of ours."""
    try:
        parse_banner(line)
    except ValueError:
        return
    assert line.startswith(b"SSH-")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Connection refused", Reason.CONNECT_REFUSED),
        ("No route to host", Reason.CONNECT_UNREACHABLE),
        ("Network is unreachable", Reason.CONNECT_UNREACHABLE),
        ("Connection timed out", Reason.CONNECT_TIMEOUT),
        ("Connection reset by peer", Reason.CONNECT_RESET),
        ("[Errno 111] Connect call failed ('127.0.0.1', 1)", Reason.CONNECT_REFUSED),
        ("[Errno 113] Connect call failed ('10.0.0.1', 1)", Reason.CONNECT_UNREACHABLE),
        ("", Reason.CONNECT_UNREACHABLE),
    ],
)
def test_a_refused_channel_tells_why_as_far_as_its_text_goes(text: str, reason: Reason) -> None:
    assert reason_of_open_failure(text) is reason
