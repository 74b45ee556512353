"""A daemon behind a web configuration: read again while it answers, kept when it is wrong, known to the commands."""

import asyncio
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from migrawatch.config import ConfigError, load
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.doorkeeper import Doorkeeper
from tests.daemon.stand import CONFIG, Stand, stand, until
from tests.show.web_scenes import Papers, hashed, papers_in

pytestmark = [
    pytest.mark.slow,
    # httpx leaves the socket of a handshake that failed to the garbage collector.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <function _SelectorTransport:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return papers_in(tmp_path_factory.mktemp("papers"))


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path) as found:
        yield found


def guard(here: Stand, papers: Papers, text: str) -> Path:
    """Write the web configuration, as an editor does: another file in its place."""
    file, new = here.folder / "web.yml", here.folder / "web.yml.new"
    head = "tls_server_config: {cert_file: {CERT}, key_file: {KEY}}\n"
    new.write_text(papers.filled(head + text))
    new.rename(file)
    return file


def configured(here: Stand, daemon: str) -> None:
    here.configure(text=CONFIG.replace("state: state.db", f"state: state.db, {daemon}"))


class Client:
    """Asks the daemon, as somebody with a password or without."""

    def __init__(self, here: Stand, papers: Papers) -> None:
        self._trust = ssl.create_default_context(cafile=str(papers.root))
        self._url = f"https://localhost:{here.listen}"

    async def status(self, path: str = "/-/ready", name: str = "", password: str = "") -> int:
        """0 if there is no answer."""
        auth = (name, password) if name else None
        try:
            async with httpx.AsyncClient(verify=self._trust, auth=auth, base_url=self._url, trust_env=False) as client:
                return (await client.get(path)).status_code
        except httpx.TransportError:
            return 0

    async def metrics(self, name: str, password: str) -> dict[str, float]:
        async with httpx.AsyncClient(verify=self._trust, auth=(name, password), base_url=self._url) as client:
            text = (await client.get("/metrics")).text
        return {match[1]: float(match[2]) for match in re.finditer(r"^(migrawatch_web\w+) (\S+)$", text, re.M)}


async def is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def begun(here: Stand, client: Client, name: str, password: str) -> None:
    here.running = await here.spawn()

    async def is_ready() -> bool:
        assert here.daemon.returncode is None, here.log()
        # httpx leaves the socket of a refused connection to the garbage collector.
        if not await is_open(here.listen):
            return False
        return await client.status(name=name, password=password) == 200

    await until(is_ready, 30, here.tail)


ALICE = f"basic_auth_users: {{alice: {hashed(b'wonder')}}}\n"
BOB = f"basic_auth_users: {{bob: {hashed(b'build')}}}\n"
OK = "migrawatch_web_config_last_reload_successful"


async def test_the_file_is_read_again_and_a_wrong_one_changes_nothing(here: Stand, papers: Papers) -> None:
    """Somebody scrapes all the while and is answered each time; the log, the metric and the page say what is wrong."""
    both = f"basic_auth_users: {{alice: {hashed(b'wonder')}, bob: {hashed(b'build')}}}\n"
    guard(here, papers, both)
    configured(here, "web_config_file: web.yml")
    client = Client(here, papers)
    await begun(here, client, "alice", "wonder")
    seen: list[int] = []

    async def scrape() -> None:
        while True:
            seen.append(await client.status("/metrics", "bob", "build"))

    scraping = asyncio.create_task(scrape())
    assert await client.status() == await client.status(name="alice", password="build") == 401
    before = await client.metrics("alice", "wonder")

    guard(here, papers, BOB)
    await until(lambda: bool(here.events("web_config_reloaded")), 15, here.tail)
    assert await client.status(name="alice", password="wonder") == 401

    guard(here, papers, "basic_auth_users: {eve: plain}\n")
    await until(lambda: bool(here.events("web_config_refused")), 15, here.tail)
    broken = await client.metrics("bob", "build")
    assert await client.status(name="eve", password="plain") == 401
    (refused,) = here.events("web_config_refused")

    guard(here, papers, both)
    await until(lambda: len(here.events("web_config_reloaded")) == 2, 15, here.tail)
    after = await client.metrics("alice", "wonder")
    scraping.cancel()

    assert refused["problems"] == [
        f"{here.folder}/web.yml:2:25: basic_auth_users.eve: wanted a bcrypt hash, as `htpasswd -nBC 10 NAME` makes it"
    ]
    assert (before[OK], broken[OK], after[OK]) == (1.0, 0.0, 1.0)
    moment = "migrawatch_web_config_last_reload_success_timestamp_seconds"
    assert before[moment] < broken[moment] < after[moment]
    assert len(seen) > 5 and set(seen) == {200}
    assert "wonder" not in here.log() and "plain" not in here.log() and "PRIVATE" not in here.log()


async def test_a_renewed_certificate_is_used_though_its_key_came_later(
    here: Stand, papers: Papers, tmp_path: Path
) -> None:
    """Between two writes they do not fit: the old ones go on, and a moment later the new ones are there."""
    (tmp_path / "new").mkdir()
    new = papers_in(tmp_path / "new")
    (here.folder / "c.pem").write_bytes(papers.server.chain_file.read_bytes())
    (here.folder / "k.pem").write_bytes(papers.server.key_file.read_bytes())
    (here.folder / "web.yml").write_text("tls_server_config: {cert_file: c.pem, key_file: k.pem}\n" + ALICE)
    configured(here, "web_config_file: web.yml")
    old, other = Client(here, papers), Client(here, new)
    await begun(here, old, "alice", "wonder")

    (here.folder / "c.pem").write_bytes(new.server.chain_file.read_bytes())
    await until(lambda: bool(here.events("web_config_refused")), 15, here.tail)
    assert await old.status(name="alice", password="wonder") == 200
    (here.folder / "k.pem").write_bytes(new.server.key_file.read_bytes())
    await until(lambda: bool(here.events("web_config_reloaded")), 15, here.tail)

    assert await other.status(name="alice", password="wonder") == 200
    assert await old.status(name="alice", password="wonder") == 0


async def test_a_reload_with_a_wrong_web_configuration_changes_nothing(here: Stand, papers: Papers) -> None:
    """The configuration is read whole, and the file that guards us is part of it."""
    guard(here, papers, ALICE)
    configured(here, "web_config_file: web.yml")
    client = Client(here, papers)
    await begun(here, client, "alice", "wonder")

    configured(here, "web_config_file: nowhere.yml")
    refused = await here.reload()
    configured(here, "web_config_file: web.yml, unprotected: true")
    used = await here.reload()

    assert refused["event"] == "reload_refused"
    assert refused["problems"] == [f"{here.folder}/nowhere.yml:1:1: cannot be read: No such file or directory"]
    assert used["event"] == "reloaded"
    assert await client.status() == 401


async def test_the_command_line_says_it_as_prometheus_does(here: Stand, papers: Papers) -> None:
    """`--web.config.file`, `--web.external-url` and `--web.route-prefix`; a reload does not forget them."""
    file = guard(here, papers, ALICE)
    here.configure()
    here.flags = (f"--web.config.file={file}", "--web.external-url=https://status.example/watch/")
    client = Client(here, papers)

    async def paths() -> list[int]:
        return [await client.status(path, "alice", "wonder") for path in ("/watch/-/healthy", "/-/healthy", "/")]

    here.running = await here.spawn()
    await until(lambda: bool(here.events("started")), 30, here.tail)
    await until(lambda: _is(client, "/watch/-/ready"), 30, here.tail)
    first = await paths()
    assert (await here.reload())["event"] == "reloaded"
    second = await paths()
    assert await here.end() == 0

    assert first == second == [200, 404, 302]
    assert not here.events("change_needs_a_restart")


async def _is(client: Client, path: str) -> bool:
    return await client.status(path, "alice", "wonder") == 200


async def test_commands_reach_a_daemon_with_tls_and_a_login(here: Stand, papers: Papers) -> None:
    """They trust its own certificate, whatever name it has, and take the login from the environment."""
    guard(here, papers, ALICE)
    configured(here, "web_config_file: web.yml, route_prefix: /watch")
    client = Client(here, papers)
    here.running = await here.spawn()
    await until(lambda: _is(client, "/watch/-/ready"), 30, here.tail)

    without = await here.type("maintenance", "list")
    os.environ.update(MIGRAWATCH_WEB_USER="alice", MIGRAWATCH_WEB_PASSWORD="wonder")
    try:
        made = await here.type("maintenance", "create", "--host", "web", "--for", "1h", "--note", "disk")
        listed = await here.type("maintenance", "list")
    finally:
        del os.environ["MIGRAWATCH_WEB_USER"], os.environ["MIGRAWATCH_WEB_PASSWORD"]

    assert without[0] == 3 and "set MIGRAWATCH_WEB_USER and MIGRAWATCH_WEB_PASSWORD" in without[1]
    assert made[0] == 0, made
    assert "disk" in listed[1]


# -- who may listen where -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listen", "web", "more", "is_refused"),
    [
        ("127.0.0.1:1", "", "", False),
        ("127.9.9.9:1", "", "", False),
        ("[::1]:1", "", "", False),
        ("0.0.0.0:1", "", "", True),
        ("[::]:1", "", "", True),
        ("192.0.2.1:1", "", "", True),
        ("[::ffff:192.0.2.1]:1", "", "", True),
        ("0.0.0.0:1", "", "unprotected: true", False),
        ("0.0.0.0:1", "TLS", "", True),
        ("0.0.0.0:1", "USERS", "", True),
        ("0.0.0.0:1", "TLS ANY", "", True),
        ("0.0.0.0:1", "TLS IF GIVEN", "", True),
        ("0.0.0.0:1", "TLS USERS", "", False),
        ("0.0.0.0:1", "TLS VERIFIED", "", False),
    ],
)
def test_beyond_this_machine_it_takes_tls_and_a_login_or_an_explicit_word(
    listen: str, web: str, more: str, is_refused: bool, here_files: Path, papers: Papers
) -> None:
    """A certificate that is not verified is no login."""
    parts = ["cert_file: {CERT}, key_file: {KEY}"] if "TLS" in web else []
    policies = {
        "ANY": "RequireAnyClientCert",
        "IF GIVEN": "VerifyClientCertIfGiven",
        "VERIFIED": "RequireAndVerifyClientCert",
    }
    parts += [f"client_auth_type: {policy}" for word, policy in policies.items() if word in web]
    parts += ["client_ca_file: {CLIENT_CA}"] if "VERIFIED" in web or "IF GIVEN" in web else []
    text = f"tls_server_config: {{{', '.join(parts)}}}\n" if parts else ""
    (here_files / "web.yml").write_text(papers.filled(text + (ALICE if "USERS" in web else "")))
    keys = ", ".join(filter(None, (f"listen: '{listen}'", "web_config_file: web.yml" if web else "", more)))
    config = here_files / "migrawatch.yaml"
    config.write_text(f"daemon:\n  {{{keys}}}\n")

    checked = _typed("check-config", "-c", str(config))

    assert (checked.returncode == 3) is is_refused, checked.stderr
    if is_refused:
        assert f"{config}:2:12: daemon.listen: {listen} can be reached from beyond this machine" in checked.stderr
        assert _typed("run", "-c", str(config)).stderr == checked.stderr


def test_a_socket_of_systemd_is_no_way_round(here_files: Path) -> None:
    """Where we are heard counts, not where the configuration says; also for what is read later."""
    config = here_files / "migrawatch.yaml"
    config.write_text("{}")
    settings = load(config, {})
    doorkeeper = Doorkeeper(settings, Clock())

    doorkeeper.listens_on("127.0.0.1:1")
    doorkeeper.read(settings)
    for refused in (lambda: doorkeeper.listens_on("0.0.0.0:1"), lambda: doorkeeper.read(settings)):
        with pytest.raises(ConfigError, match=r"0\.0\.0\.0:1 can be reached from beyond this machine"):
            refused()


@pytest.fixture
def here_files(tmp_path: Path) -> Path:
    return tmp_path


def _typed(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "migrawatch.cli.main", *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_check_config_tells_what_is_wrong_with_the_web_configuration(tmp_path: Path) -> None:
    """As it does of the other files, with its place."""
    (tmp_path / "web.yml").write_text("basic_auth_user: {}\n")
    (tmp_path / "migrawatch.yaml").write_text("daemon: {web_config_file: web.yml}\n")

    checked = _typed("check-config", "-c", str(tmp_path / "migrawatch.yaml"))

    assert checked.returncode == 3
    assert f"{tmp_path}/web.yml:1:1: basic_auth_user: unknown key; did you mean 'basic_auth_users'?" in checked.stderr


@pytest.mark.parametrize("prefix", ["/a b", "/a/../b", "/{x}", "/a?b"])
def test_a_prefix_that_is_no_path_is_refused(prefix: str, tmp_path: Path) -> None:
    """It would be served nowhere."""
    (tmp_path / "migrawatch.yaml").write_text(f"daemon: {{route_prefix: '{prefix}'}}\n")

    assert "route_prefix: wanted a path" in _typed("check-config", "-c", str(tmp_path / "migrawatch.yaml")).stderr


# -- what is in memory ----------------------------------------------------------------------------------------------

ASKED = """
import ctypes, json, resource
from migrawatch.daemon.dump import forbid_core_dumps
before = ctypes.CDLL(None).prctl(3)
forbid_core_dumps()
print(json.dumps([before, ctypes.CDLL(None).prctl(3), resource.getrlimit(resource.RLIMIT_CORE)]))
"""


def test_no_core_dump_is_left() -> None:
    """Neither as a file nor to a collector."""
    said: list[Any] = json.loads(subprocess.check_output([sys.executable, "-c", ASKED]))

    assert said == [1, 0, [0, 0]]


async def test_the_daemon_itself_can_leave_none(here: Stand) -> None:
    """The limit as the kernel shows it."""
    here.configure()
    await here.start()

    limits = await asyncio.to_thread(Path(f"/proc/{here.daemon.pid}/limits").read_text)

    assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
