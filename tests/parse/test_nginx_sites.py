"""Which names nginx serves, and which of them only lead elsewhere."""

import pytest

from migrawatch.parse.nginx import parse_dump
from migrawatch.parse.nginx_sites import Site, sites_of


def found(servers: str) -> dict[str, Site]:
    dump = parse_dump(f"# configuration file /etc/nginx/nginx.conf:\nhttp {{ {servers} }}\n")
    return {site.name: site for site in sites_of(dump)}


@pytest.mark.parametrize(
    "server",
    [
        "server { listen 80 default_server; }",
        "server { listen 80; server_name _; }",
        'server { listen 80; server_name ""; }',
        "server { listen 80; server_name localhost status; }",
        "server { listen 80; server_name 10.1.10.10 2001:db8::1; }",
        "server { listen 80; server_name $hostname; }",
        "server { listen 80; server_name it.localhost nothing.invalid; }",
        "server { listen 443 ssl; server_name a.example; return 444; }",
        "server { listen 443 ssl; server_name a.example; ssl_reject_handshake on; }",
    ],
)
def test_what_nobody_outside_can_ask_for_is_no_site(server: str) -> None:
    assert found(server) == {}


def test_a_name_is_told_once_as_its_best_server_has_it() -> None:
    sites = found(
        "server { listen 80; server_name A.example; return 301 https://$host$request_uri; }"
        "server { listen 443 ssl; server_name a.example www.a.example; }"
        "server { listen 8080; server_name a.example; }"
    )

    assert [(site.name, site.tls, site.port, site.status) for site in sites.values()] == [
        ("a.example", True, 443, 0),
        ("www.a.example", True, 443, 0),
    ]
    assert sites["a.example"].beside == ("www.a.example",)


def test_a_name_that_begins_with_a_dot_is_two() -> None:
    sites = found("server { listen 443 ssl; server_name .a.example; }")

    assert {name: site.is_pattern for name, site in sites.items()} == {"a.example": False, "*.a.example": True}


def test_an_expression_stays_as_it_is_written() -> None:
    r"""In small letters `\D` would mean its opposite."""
    sites = found(r"server { listen 443 ssl; server_name ~^\D+\.a\.example$ b.*; }")

    assert list(sites) == [r"~^\D+\.a\.example$", "b.*"]
    assert all(site.is_pattern for site in sites.values())


CERTBOT = """
server {
    if ($host = www.a.example) { return 301 https://$host$request_uri; }
    if ($host = a.example) { return 301 https://$host$request_uri; }
    listen 80; server_name a.example www.a.example; return 404;
}
"""


@pytest.mark.parametrize(
    ("server", "status", "leads_to"),
    [
        ("listen 80; return 301 https://$host$request_uri;", 301, "https://a.example/"),
        ("listen 80; return 302 $scheme://www.${host}$uri;", 302, "http://www.a.example/"),
        ("listen 443 ssl; location / { return 308 $scheme://b.example/shop; }", 308, "https://b.example/shop"),
        ("listen 80; return https://b.example/;", 302, "https://b.example/"),
        ("listen 80; return 301 https://$mapped$request_uri;", 301, ""),
        ("listen 80; return 301 /start;", 301, ""),
        ("listen 80; rewrite ^/(.*)$ https://b.example/$1 permanent;", 301, "https://b.example/"),
        ("listen 80; rewrite ^ https://b.example$request_uri? redirect;", 302, "https://b.example/"),
        ("listen 80; rewrite ^/old https://b.example/ permanent;", 0, ""),
        ("listen 80; rewrite ^/(.*)$ /index.php last;", 0, ""),
        ("listen 80; return 403;", 0, ""),
        ("listen 80; root /srv;", 0, ""),
        ("listen 80; location / { return 200 x; } location /a { return 301 https://b.example; }", 0, ""),
    ],
)
def test_where_a_name_leads_is_told_as_far_as_it_can_be(server: str, status: int, leads_to: str) -> None:
    site = found(f"server {{ server_name a.example; {server} }}")["a.example"]

    assert (site.status, site.leads_to) == (status, leads_to)


def test_what_certbot_writes_is_read_for_each_name() -> None:
    assert {name: site.leads_to for name, site in found(CERTBOT).items()} == {
        "a.example": "https://a.example/",
        "www.a.example": "https://www.a.example/",
    }


def test_an_expression_that_cannot_be_read_hides_no_site() -> None:
    assert "a.example" in found("server { listen 443 ssl; server_name a.example; location ~ (?|x) {} }")
