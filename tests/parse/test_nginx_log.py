"""What nginx writes of its upstreams, in the lab's own words."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.nginx_log import newest_at, parse_upstream_errors

LOG = """\
2026/11/24 08:16:27 [notice] 140#140: signal process started
2026/11/24 08:20:01 [error] 141#141: *7 connect() failed (111: Connection refused) while connecting to upstream, \
client: 10.1.10.250, server: migrapanel.com, request: "GET /api/health?token=hunter2 HTTP/1.1", \
upstream: "http://10.1.10.206:2271/api/health?token=hunter2", host: "migrapanel.com"
2026/11/24 08:20:31 [error] 141#141: *9 open() "/srv/web/x/favicon.ico" failed (2: No such file or directory), \
client: 10.1.10.250, server: migrahosting.com, request: "GET /favicon.ico HTTP/1.1", host: "migrahosting.com"
"""


def test_errors_about_upstreams_are_read_without_what_was_asked() -> None:
    """A query can carry a token, and evidence goes to people and receivers."""
    [error] = parse_upstream_errors(LOG)

    assert error.at == datetime(2026, 11, 24, 8, 20, 1)
    assert error.what == "connect() failed (111: Connection refused) while connecting to upstream"
    assert error.upstream == "http://10.1.10.206:2271"
    assert "hunter2" not in repr(error)


def test_the_last_line_dates_the_log() -> None:
    assert newest_at(LOG) == datetime(2026, 11, 24, 8, 20, 31)
    assert newest_at("") is None


@given(st.text())
def test_any_text_is_a_log(text: str) -> None:
    assert parse_upstream_errors(text) == ()
