"""One web configuration file, two servers: Debian's blackbox_exporter (exporter-toolkit) and ours answer alike."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from migrawatch.config import ConfigError
from migrawatch.config.web import read_web
from tests.servers.toolkit import exporter
from tests.show.web_scenes import Papers, curl, entrance_of, guarded, hashed, papers_in

TLS = "tls_server_config: {cert_file: {CERT}, key_file: {KEY}"
USERS = f"basic_auth_users: {{alice: {hashed(b'wonder land')}, bob: {hashed(b'builder', 5)}}}"
# Over HTTP/2, which an exporter prefers, it breaks off whatever is not modern (RFC 9113, 9.2.2).
HIGH = ("--http1.1", "--tls-max", "1.2", "--ciphers")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return papers_in(tmp_path_factory.mktemp("papers"))


def asks(*of: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return of


LOGINS = asks(
    (),
    ("-u", "alice:wonder land"),
    ("-u", "bob:builder"),
    ("-u", "alice:builder"),
    ("-u", "alice:"),
    ("-u", "ALICE:wonder land"),
    ("-u", "eve:wonder land"),
    ("-u", ":"),
    ("-H", "Authorization: Basic"),
    ("-H", "Authorization: Basic not-base64!"),
    ("-H", "Authorization: Basic YWxpY2U="),
    ("-H", "Authorization: Bearer YWxpY2U6d29uZGVyIGxhbmQ="),
    ("-H", "Authorization: basic YWxpY2U6d29uZGVyIGxhbmQ="),
)
CLIENTS = asks((), ("CLIENT",), ("STRANGER",))
POLICIES = [
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "RequireClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
]
VERSIONS = asks(
    (),
    ("--tls-max", "1.2"),
    ("--tlsv1.3",),
    ("--http1.1", "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"),
    ("--http1.1", "--tlsv1.0", "--tls-max", "1.0", "--ciphers", "DEFAULT@SECLEVEL=0"),
)
SCENES = {
    "plain": ("{}", LOGINS[:2]),
    "users": (USERS, LOGINS),
    "users over TLS": (f"{TLS}}}\n{USERS}", LOGINS[:4]),
    "TLS": (f"{TLS}}}", VERSIONS),
    "TLS 1.3 only": (f"{TLS}, min_version: TLS13}}", VERSIONS),
    "up to TLS 1.2": (f"{TLS}, max_version: TLS12}}", VERSIONS),
    "from TLS 1.0": (f"{TLS}, min_version: TLS10}}", VERSIONS),
    "from TLS 1.1": (f"{TLS}, min_version: TLS11}}", VERSIONS),
    "one suite": (
        f"{TLS}, max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]}}\n"
        "http_server_config: {http2: false}",
        asks(
            (),
            (*HIGH, "ECDHE-ECDSA-AES256-GCM-SHA384"),
            (*HIGH, "ECDHE-ECDSA-AES128-GCM-SHA256"),
            (*HIGH, "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ),
    ),
    "every suite": (
        f"{TLS}, prefer_server_cipher_suites: false}}",
        asks((*HIGH, "ECDHE-ECDSA-AES128-SHA"), (*HIGH, "ECDHE-ECDSA-CHACHA20-POLY1305"), (*HIGH, "AES128-SHA")),
    ),
    "one curve": (
        f"{TLS}, curve_preferences: [CurveP384]}}",
        asks((), ("--curves", "P-384"), ("--curves", "X25519"), ("--curves", "P-256:P-384")),
    ),
    "every curve": (
        f"{TLS}, curve_preferences: [X25519, CurveP256, CurveP384, CurveP521]}}",
        asks(("--curves", "P-521"), ("--curves", "X25519"), ("--curves", "X448")),
    ),
    "HTTP/1.1": (f"{TLS}}}\nhttp_server_config: {{http2: false}}", asks((), ("--http1.1",), ("--no-alpn",))),
    **{f"policy {policy}": (f"{TLS}, client_auth_type: {policy}}}", CLIENTS) for policy in POLICIES[:4]},
    **{
        f"policy {policy} with authorities": (
            f"{TLS}, client_auth_type: {policy}, client_ca_file: {{CLIENT_CA}}}}",
            CLIENTS,
        )
        for policy in POLICIES[1:]
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
async def test_it_answers_as_an_exporter_does(scene: str, papers: Papers, tmp_path: Path) -> None:
    """The same file in both, and everybody who comes is answered or refused alike."""
    text, clients = SCENES[scene]
    file = tmp_path / "web.yml"
    file.write_text(papers.filled(text))
    scheme = "https" if "tls_server_config" in text else "http"
    asked = [tuple(_known(papers, argument) for argument in client) for client in clients]

    with exporter(tmp_path, file) as theirs:
        async with guarded(entrance_of(file)) as ours:
            seen = [
                (
                    await curl(theirs, "--cacert", str(papers.root), *_flat(client), scheme=scheme),
                    await curl(ours, "--cacert", str(papers.root), *_flat(client), scheme=scheme),
                )
                for client in asked
            ]

    assert [_status(mine) for _, mine in seen] == [_status(other) for other, _ in seen], list(
        zip(clients, seen, strict=True)
    )
    assert any(_status(mine) == "200" for _, mine in seen)


def _known(papers: Papers, argument: str) -> tuple[str, ...]:
    who = {"CLIENT": papers.client, "STRANGER": papers.stranger}.get(argument)
    return ("--cert", str(who.chain_file), "--key", str(who.key_file)) if who else (argument,)


def _flat(client: tuple[tuple[str, ...], ...]) -> list[str]:
    return [part for each in client for part in each]


def _status(seen: str) -> str:
    return seen.partition(" ")[0]


async def test_who_speaks_plain_http_to_tls_is_told_so(papers: Papers, tmp_path: Path) -> None:
    """In the very words of Go's servers."""
    file = tmp_path / "web.yml"
    file.write_text(papers.filled(f"{TLS}}}"))

    async def said(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    with exporter(tmp_path, file) as theirs:
        async with guarded(entrance_of(file)) as ours:
            assert await said(ours) == await said(theirs)


async def test_the_headers_are_those_of_the_file(tmp_path: Path) -> None:
    """Every header that may be set, on an answer and on a refusal."""
    file = tmp_path / "web.yml"
    file.write_text(
        "http_server_config:\n  headers:\n    Content-Security-Policy: default-src 'self'\n"
        "    X-Frame-Options: sameorigin\n    X-Content-Type-Options: nosniff\n    X-XSS-Protection: '1'\n"
        f"    Strict-Transport-Security: max-age=60\n{USERS}\n"
    )

    with exporter(tmp_path, file) as theirs:
        async with guarded(entrance_of(file)) as ours:
            for login in ("alice:wonder land", "alice:no"):
                mine = await curl(ours, "-u", login, scheme="http")
                assert mine == await curl(theirs, "-u", login, scheme="http")
                assert "x-frame-options=sameorigin" in mine


async def test_without_a_word_the_headers_are_strict_and_a_blank_takes_one_away(tmp_path: Path) -> None:
    """Nobody frames, sniffs or embeds us; who wants less says so."""
    file = tmp_path / "web.yml"
    file.write_text("http_server_config: {headers: {Content-Security-Policy: , X-Frame-Options: ''}}")

    async with guarded(entrance_of(file)) as ours:
        assert await curl(ours, scheme="http") == "200 x-content-type-options=nosniff"
    file.write_text("{}")
    async with guarded(entrance_of(file)) as ours:
        seen = await curl(ours, scheme="http")

    assert "content-security-policy=default-src 'none'; frame-ancestors 'none'" in seen
    assert "x-frame-options=deny" in seen


GOOD = {
    "empty": "",
    "comment": "# nothing\n",
    "TLS": f"{TLS}}}",
    "users": USERS,
    "no header": "http_server_config: {headers: {}}",
}
BAD = {
    "not yaml": ("{", "2:1: broken YAML"),
    "a list": ("[]", "1:1: wanted a mapping"),
    "unknown section": ("tls_config: {}", "1:1: tls_config: unknown key; did you mean 'tls_server_config'?"),
    "unknown key": (f"{TLS}, certfile: x}}", "tls_server_config.certfile: unknown key; did you mean 'cert_file'?"),
    "unknown key of http": ("http_server_config: {http3: true}", "1:22: http_server_config.http3: unknown key"),
    "key missing": ("tls_server_config: {cert_file: {CERT}}", "1:20: tls_server_config.key_file: must be set"),
    "certificate missing": ("tls_server_config: {key_file: {KEY}}", "1:20: tls_server_config.cert_file: must be set"),
    "no such certificate": (
        "tls_server_config: {cert_file: nowhere.pem, key_file: {KEY}}",
        "1:32: tls_server_config.cert_file: {folder}/nowhere.pem cannot be read: No such file or directory",
    ),
    "no such key": (
        "tls_server_config:\n  cert_file: {CERT}\n  key_file: nowhere.pem",
        "3:13: tls_server_config.key_file: {folder}/nowhere.pem cannot be read: No such file or directory",
    ),
    "the key of another": (
        "tls_server_config:\n  cert_file: {CERT}\n  key_file: {OTHER_KEY}",
        "3:13: tls_server_config.key_file: cannot be used: it is no key of this certificate",
    ),
    "a key is no certificate": (
        "tls_server_config: {cert_file: {KEY}, key_file: {KEY}}",
        "1:32: tls_server_config.cert_file: holds no certificate that can be read",
    ),
    "unknown policy": (f"{TLS}, client_auth_type: RequireAndVerify}}", "unknown value 'RequireAndVerify' (one of"),
    "authorities without a policy": (
        f"{TLS}, client_ca_file: {{CLIENT_CA}}}}",
        "tls_server_config.client_ca_file: wants client_auth_type",
    ),
    "no such authorities": (
        f"{TLS}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: nowhere.pem}}",
        "tls_server_config.client_ca_file: {folder}/nowhere.pem cannot be read",
    ),
    "unknown version": (f"{TLS}, min_version: TLS111}}", "unknown value 'TLS111'"),
    "unknown suite": (f"{TLS}, cipher_suites: [TLS_MADE_UP]}}", "unknown value 'TLS_MADE_UP' (one of"),
    "unknown curve": (f"{TLS}, curve_preferences: [CurveP257]}}", "unknown value 'CurveP257' (one of"),
    "a header of one's own": (
        "http_server_config: {headers: {Server: mine}}",
        "1:32: http_server_config.headers.Server: cannot be set",
    ),
    "a strange value": (
        "http_server_config: {headers: {X-Frame-Options: no}}",
        "1:49: http_server_config.headers.X-Frame-Options: wanted one of deny, sameorigin",
    ),
    "no hash": ("basic_auth_users: {alice: wonder}", "1:27: basic_auth_users.alice: wanted a bcrypt hash"),
    "no mapping": ("basic_auth_users: [alice]", "1:19: basic_auth_users: wanted a mapping"),
}  # fmt: skip
ONLY_OURS = {
    "HTTP/2": ("http_server_config: {http2: true}", "http2: is not spoken here"),
    "nobody verifies": (f"{TLS}, client_auth_type: RequireAndVerifyClientCert}}", "wants client_ca_file"),
    "versions crossed": (f"{TLS}, min_version: TLS13, max_version: TLS12}}", "is newer than max_version"),
    "TLS without a certificate": ("tls_server_config: {min_version: TLS13}", "cert_file: must be set"),
    "two certificates": (f"{TLS}, cert: inline}}", "stands beside cert_file: only one of them can count"),
    "names of nobody": (f"{TLS}, client_allowed_sans: [a]}}", "client_allowed_sans: wants client_auth_type"),
    "a colon": (f"basic_auth_users: {{'a:b': {hashed(b'x')}}}", "a name has no colon"),
    "never anybody": ("rate_limit: {interval: 1s}", "burst: wanted at least 1"),
    "no unit": ("rate_limit: {interval: 5, burst: 1}", "add a unit"),
    "two lines": ('http_server_config: {headers: {X-XSS-Protection: "a\\r\\nb"}}', "one line of visible ASCII"),
    "a bare anchor": (f"basic_auth_users: &a {{b: {hashed(b'x')}}}", "anchors and aliases are not used here"),
}
"""What exporter-toolkit takes and ignores, or did not know yet, and is refused here."""


def promtool(file: Path) -> bool:
    """Whether Prometheus' own tool takes *file*."""
    return subprocess.run(["promtool", "check", "web-config", file], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_taken(name: str, papers: Papers, tmp_path: Path) -> None:
    """By both."""
    file = tmp_path / "web.yml"
    file.write_text(papers.filled(GOOD[name]))

    read_web(file)
    assert promtool(file)


@pytest.mark.parametrize("name", [*BAD, *ONLY_OURS])
def test_a_bad_file_is_refused_and_its_mistake_named(name: str, papers: Papers, tmp_path: Path) -> None:
    """With file, line and column; the passwords and keys in it are never quoted."""
    text, wanted = {**BAD, **ONLY_OURS}[name]
    file = tmp_path / "web.yml"
    file.write_text(papers.filled(text).replace("{OTHER_KEY}", str(papers.client.key_file)))

    with pytest.raises(ConfigError) as refused:
        read_web(file)

    assert wanted.replace("{folder}", str(tmp_path)) in str(refused.value)
    assert all(re.match(rf"{file}:\d+:\d+: ", line) for line in str(refused.value).splitlines())
    assert "wonder" not in str(refused.value)
    if name in BAD:
        assert not promtool(file)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Nobody wants to mend a file five times."""
    file = tmp_path / "web.yml"
    file.write_text(
        "tls_server_config: {min_version: TLS9}\nrate_limit: {burst: x}\nbasic_auth_users: {a: b}\nmore: 1\n"
    )

    with pytest.raises(ConfigError) as refused:
        read_web(file)

    assert [problem.place.line for problem in refused.value.problems] == [1, 2, 3, 4]


def test_certificate_and_key_may_stand_in_the_file(papers: Papers, tmp_path: Path) -> None:
    """Newer versions of exporter-toolkit take them so."""
    file = tmp_path / "web.yml"
    inline = {
        "cert": papers.server.chain_file,
        "key": papers.server.key_file,
        "client_ca": papers.clients_root,
    }
    lines = ["tls_server_config:", "  client_auth_type: RequireAndVerifyClientCert"]
    for key, pem in inline.items():
        lines += [f"  {key}: |", *(f"    {line}" for line in pem.read_text().splitlines())]
    file.write_text("\n".join(lines))

    web = read_web(file)

    assert web.is_protected
    assert "PRIVATE" not in repr(web)


@pytest.mark.parametrize(("names", "seen"), [("grafana.example", "200"), ("10.9.8.7", "200"), ("other", "refused")])
async def test_of_a_clients_names_one_must_be_allowed(names: str, seen: str, papers: Papers, tmp_path: Path) -> None:
    """Debian's version does not know the key yet, so it is tried on ours alone."""
    file = tmp_path / "web.yml"
    policy = (
        f"client_auth_type: RequireAndVerifyClientCert, client_ca_file: {{CLIENT_CA}}, client_allowed_sans: [{names}]"
    )
    file.write_text(papers.filled(f"{TLS}, {policy}}}"))

    async with guarded(entrance_of(file)) as ours:
        client = _flat((_known(papers, "CLIENT"),))
        assert _status(await curl(ours, "--cacert", str(papers.root), *client)) == seen
