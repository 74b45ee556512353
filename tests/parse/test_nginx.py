"""nginx's configuration as nginx reads it: syntax, includes, servers, locations, upstreams."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.nginx import Dump, parse_dump
from migrawatch.parse.nginx_presented import presented_by
from migrawatch.parse.nginx_route import Route, normal_url, route_for, server_for
from migrawatch.parse.nginx_syntax import Directive, parse_config
from migrawatch.parse.nginx_workers import parse_workers


def words(text: str) -> list[tuple[str, ...]]:
    return [(each.name, *each.words) for each in parse_config(text)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("worker_processes auto;", [("worker_processes", "auto")]),
        ("a  b\t'c d'\n\"e;f\" ;", [("a", "b", "c d", "e;f")]),
        ("a b; # c; {\nd;", [("a", "b"), ("d",)]),
        ("a b#c;", [("a", "b#c")]),
        ('a "\\"b\\"" \'it\\\'s\';', [("a", '"b"', "it's")]),
        ("a ${b}c $d;", [("a", "${b}c", "$d")]),
        ("a ^/x\\.php$;", [("a", "^/x\\.php$")]),
        ("a b};", [("a", "b}")]),
        ('a "";', [("a", "")]),
        ('map $a $b { default 0; "~^x{2}" 1; }', [("map", "$a", "$b")]),
        ("content_by_lua_block { if a then b = {} end -- } \n } a;", None),
    ],
)
def test_words_quotes_and_comments(text: str, read: list[tuple[str, ...]] | None) -> None:
    if read is None:
        with pytest.raises(ValueError, match="closed that was not opened"):
            parse_config(text)  # a brace in a Lua comment is counted: told, not guessed
    else:
        assert words(text) == read


def test_a_block_of_lua_is_passed_over() -> None:
    assert words("content_by_lua_block { local t = { a = 1 }; ngx.say(t.a) }\nnext on;") == [
        ("content_by_lua_block",),
        ("next", "on"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a b", "x:1: a does not end with a semicolon"),
        ("a;\nb {\n c;\n", "x:4: the file ends in the middle of a block"),
        ("}", "x:1: a block is closed that was not opened"),
        ("a b }", "x:1: a does not end with a semicolon"),
        (";", "x:1: ';' where a directive was wanted"),
        ('a "b', "x:1: '\"b' is no word"),
        ("a {" * 200, "nested too deep"),
    ],
)
def test_what_nginx_would_not_take_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_config(text, "x")


@given(st.text(alphabet="ab{};\"'\\$#\n \t", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse_config(text)
    except ValueError:
        return
    assert all(isinstance(each, Directive) for each in read)


def dumped(**files: str) -> Dump:
    """A dump of files under /etc/nginx; `main` is nginx.conf, and a `_` in a name is a slash."""
    parts = [f"# configuration file /etc/nginx/{_path(name)}:\n{text}\n" for name, text in files.items()]
    return parse_dump("\n".join(parts))


def _path(name: str) -> str:
    return "nginx.conf" if name == "main" else name.replace("_", "/") + ".conf"


def test_includes_are_read_where_they_stand_and_in_order() -> None:
    dump = dumped(main="a; http { include sites/*.conf; z; } b;", sites_two="two;", sites_one="one; include more.conf;",
                  more="deep;", other_three="never;")  # fmt: skip
    http = dump.root.first("http")

    assert http is not None
    assert [each.name for each in http.block or ()] == ["one", "deep", "two", "z"]
    assert [each.name for each in dump.root.block or ()] == ["a", "http", "b"]
    assert next(http.all("deep")).file == "/etc/nginx/more.conf"


def test_an_include_of_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="in circles"):
        dumped(main="include nginx.conf;")


def test_what_is_no_dump_is_refused() -> None:
    with pytest.raises(ValueError, match="printed no configuration file"):
        parse_dump("nginx: configuration file /etc/nginx/nginx.conf test is successful\n")


def route(text: str, path: str = "/api/", name: str = "panel", port: int = 80) -> Route:
    dump = dumped(main=f"http {{ {text} }}")
    server = server_for(dump, name, port)
    assert server is not None
    return route_for(dump, server, path)


@pytest.mark.parametrize(
    ("location", "targets"),
    [
        ("location /api/ { proxy_pass http://10.1.10.206:2271; }", ("http://10.1.10.206:2271",)),
        ("location /api/ { proxy_pass http://10.1.10.206; }", ("http://10.1.10.206:80",)),
        ("location /api/ { proxy_pass https://10.1.10.206/; }", ("https://10.1.10.206:443/",)),
        ("location /api/ { proxy_pass http://back; }", ("http://10.0.0.1:2271", "http://10.0.0.2:80")),
        ("location /api/ { proxy_pass http://back/v1/; }", ("http://10.0.0.1:2271/v1/", "http://10.0.0.2:80/v1/")),
        ("location /api/ { set $to http://10.0.0.9:1; proxy_pass $to; }", ("http://10.0.0.9:1",)),
        ("set $port 2271; location / { proxy_pass http://10.0.0.9:${port}; }", ("http://10.0.0.9:2271",)),
        ("location /api/ { try_files $uri @app; } location @app { proxy_pass http://a:1; }", ("http://a:1",)),
        ("location /api/ { proxy_pass http://unix:/run/app.sock; }", ("http://unix:/run/app.sock",)),
        ("location /api/ { fastcgi_pass 127.0.0.1:9000; }", ("127.0.0.1:9000",)),
        ("location /api/ { root /srv; }", ()),
        ("location /api/ { return 301 https://$host; }", ()),
        ("return 444; location /api/ { proxy_pass http://a:1; }", ()),
        ("location /other/ { proxy_pass http://a:1; }", ()),
    ],
)
def test_where_a_location_goes(location: str, targets: tuple[str, ...]) -> None:
    back = "upstream back { server 10.0.0.1:2271 weight=2; server 10.0.0.2; server 10.0.0.3 down; keepalive 8; }"

    assert route(f"{back} server {{ server_name panel; {location} }}").targets == targets


def test_a_route_says_in_words_what_it_is_when_it_is_no_proxy() -> None:
    assert route("server { server_name panel; location / { return 301 https://x; } }").words == "return 301 https://x"
    assert route("server { server_name panel; location / { root /srv; } }").words == "files on its own disk"


@pytest.mark.parametrize(
    ("logs", "path"),
    [
        (("a.log", "b.log", "c.log"), "/etc/nginx/c.log"),
        (("a.log", "/var/log/b.log", ""), "/var/log/b.log"),
        (("a.log", "", ""), "/etc/nginx/a.log"),
        (("", "", ""), "/var/log/nginx/error.log"),
        (("a.log", "syslog:server=10.0.0.1", ""), ""),
        (("a.log", "stderr", ""), ""),
    ],
)
def test_the_nearest_error_log_counts(logs: tuple[str, ...], path: str) -> None:
    http, server, location = (f"error_log {log};" if log else "" for log in logs)

    assert route(f"{http} server {{ server_name panel; {server} location / {{ {location} }} }}").error_log == path


def test_a_name_that_no_server_has_is_taken_by_none() -> None:
    """A default server answers then, which is not what anybody wanted."""
    dump = dumped(main="http { server { listen 443 ssl default_server; server_name other; } }")

    assert server_for(dump, "panel", 443) is None
    assert server_for(dump, "other", 80) is None


@pytest.mark.parametrize(
    "url", ["http://A.b", "http://a.b:80", "http://[::1]", "http://a/b?c", "$backend", "http://$a/b"]
)
def test_a_normal_url_is_normal_already(url: str) -> None:
    assert normal_url(normal_url(url)) == normal_url(url)


def test_certificates_are_found_with_a_name_to_ask_by() -> None:
    dump = dumped(
        main="http { ssl_certificate common.pem; include sites/*.conf; }",
        sites_a="server { listen 443 ssl; server_name a.example *.a.example; ssl_certificate /live/a/fullchain.pem; }",
        sites_b="server { listen 10.0.0.1:8443 ssl; server_name *.b.example b.example; }",
        sites_c="server { listen 443 ssl; server_name www.a.example; ssl_certificate /live/a/fullchain.pem; }",
        sites_d="server { listen 80; server_name d.example; ssl_certificate /live/d.pem; }",
        sites_e="server { listen 443 ssl; server_name e.example; ssl_certificate /live/$ssl_server_name.pem; }",
    )
    found = {shown.files: (shown.name, shown.address, shown.port) for shown in presented_by(dump)}

    assert found == {
        ("/live/a/fullchain.pem",): ("a.example", "127.0.0.1", 443),
        ("/etc/nginx/common.pem",): ("b.example", "10.0.0.1", 8443),
    }


def test_only_workers_that_take_requests_count() -> None:
    listed = (
        "  905 nginx: worker process\n  12 nginx: worker process is shutting down\n 3 nginx: cache manager process\n"
    )

    assert parse_workers(listed) == (905,)
    assert parse_workers("error: process ID list syntax error") == ()


def test_the_labs_own_configuration_is_read_as_it_is_meant() -> None:
    """The vhosts of infrastructure.md, as they stand in the lab."""
    sites = Path(__file__).parents[1] / "lab/hosts/srv1/root/etc/nginx/sites-available"
    text = (sites / "migrapanel.com.conf").read_text()
    dump = dumped(main="http { include sites/*.conf; }", sites_panel=text)
    server = server_for(dump, "www.migrapanel.com", 443)
    assert server is not None

    found = {path: route_for(dump, server, path).targets for path in ("/api/health", "/graphql", "/login")}
    assert found == {
        "/api/health": ("http://10.1.10.206:2271",),
        "/graphql": ("http://10.1.10.206:2271",),
        "/login": ("http://10.1.10.206:2272",),
    }
