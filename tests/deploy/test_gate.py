"""The gate that stands behind migrawatch's key: all that the kinds ask goes through, and nothing else."""

import json
import shlex
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from migrawatch.daemon.journal import journalctl
from migrawatch.model import Verdict
from migrawatch.probe import Probe
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch_probes.discovery import DiscoveryProbe
from migrawatch_probes.mail_queue import MailQueueProbe
from migrawatch_probes.nginx_config import NginxConfigProbe
from migrawatch_probes.nginx_proxy import NginxProxyProbe
from migrawatch_probes.pm2 import Pm2Probe
from migrawatch_probes.ssh import SshProbe
from migrawatch_probes.unit import UnitProbe
from migrawatch_probes.zfs import ZfsProbe
from tests.reach.ssh_servers import login_of
from tests.servers.looking import look_at
from tests.servers.recorded import SOCKETS, Recorded, process, unit
from tests.servers.recorded_zfs import pool_line, status
from tests.servers.sshd import SshServer, sshd

pytestmark = pytest.mark.slow

DEPLOY = Path(__file__).parents[2] / "deploy" / "hosts"
GATE = DEPLOY / "migrawatch-gate"
REFUSED = 126

DUMP = """# configuration file /etc/nginx/nginx.conf:
pid /proc/self/stat;
error_log {log};
http {{ server {{ server_name a.example; location / {{ proxy_pass http://a:1; }} }} }}
"""


def through_the_gate(command: str, gate: Path = GATE) -> int:
    """Its exit status; a permitted command that does not exist here has one too, one that has no end is let through."""
    limit = 1 if "-f" in command.split() else 20
    try:
        ended = subprocess.run(
            [gate], env={"SSH_ORIGINAL_COMMAND": command}, capture_output=True, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired:
        assert limit == 1
        return 0
    return ended.returncode if b"migrawatch-gate" in ended.stderr else 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    options = f'restrict,port-forwarding,command="{GATE}"'
    with sshd(tmp_path_factory.mktemp("sshd"), authorized_options=options) as running:
        yield running


@pytest.fixture
async def vantage(server: SshServer) -> AsyncIterator[Ssh]:
    opened = Ssh(login_of(server), Here())
    yield opened
    await opened.close()


async def asked_by(probe: Probe, **answers: Any) -> list[str]:
    place = Recorded(answers)
    await look_at(probe, vantage=place)
    return [shlex.join(argv) for argv in place.asked]


async def test_all_that_the_kinds_run_goes_through(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.touch()
    dump = DUMP.format(log=log)
    failed = unit("failed", "failed")
    route = NginxProxyProbe(vhost="a.example", location="/", upstream="http://a:2", port=80)
    commands = [
        *await asked_by(UnitProbe(unit="postgresql@16-main.service"), systemctl=[failed], journalctl=[""]),
        *await asked_by(Pm2Probe(process="mpanel-backend"), cat=[SOCKETS], pm2=[json.dumps([process()])]),
        *await asked_by(NginxConfigProbe(), sudo=[dump], ps=["5 nginx: worker process\n"], date=["1795508763.1\n"]),
        *await asked_by(route, sudo=[dump], tail=[""]),
        *await asked_by(
            ZfsProbe(pool="clients-main"), **{"/usr/sbin/zpool": [pool_line("clients-main"), status("clients-main")]}
        ),
        *await asked_by(DiscoveryProbe(of="sites"), sudo=[dump]),
        *await asked_by(DiscoveryProbe(of="zones"), sudo=["a.example\n"]),
        *await asked_by(MailQueueProbe(), **{"/usr/sbin/postqueue": ["", "Mail queue is empty\n"]}),
        "ps --ppid 812 -o etimes=,args=",
        *(shlex.join(journalctl("pm2-root.service", since)) for since in (0, 1795508763_123456)),
        "date +%s.%N",
        "tail -c 65536 -- /var/log/nginx/migrapanel.com.error.log",
        "getent ahosts db-core",
        "getent ahostsv4 db-core.lan",
    ]
    refused = [command for command in commands if through_the_gate(command) == REFUSED]

    # The log of this nginx stands elsewhere on purpose: a path outside of its folder is not for us.
    assert refused == [f"tail -c 65536 -- {log}"]


def test_a_plugin_goes_through_once_it_stands_in_the_list(tmp_path: Path) -> None:
    """With these arguments and no others, as the gate's own head shows."""
    plugin = "/usr/lib/nagios/plugins/check_load -w 5,4,3 -c 10,8,6"
    opened = tmp_path / "gate"
    opened.write_text(GATE.read_text().replace("date \\+%s", f"{plugin}\ndate \\+%s", 1))
    opened.chmod(0o755)

    assert f"# {plugin}\n" in GATE.read_text()
    assert through_the_gate(plugin) == REFUSED
    assert through_the_gate(plugin, opened) == 0
    assert through_the_gate(plugin.replace("10", "11"), opened) == REFUSED


@pytest.mark.parametrize(
    "command",
    [
        "",
        "id",
        "sh -c id",
        "cat /etc/shadow",
        "cat /proc/net/unix /etc/shadow",
        "tail -c 65536 -- /etc/shadow",
        "tail -c 65536 -- /var/log/nginx/../../../etc/shadow",
        "/usr/sbin/zpool destroy clients-main",
        "/usr/sbin/zpool status clients-main -x",
        "systemctl stop nginx.service",
        "systemctl show --timestamp=utc --property=Id -H.service",
        "sudo -n /usr/sbin/nginx -s stop",
        "sudo -n -u root /usr/bin/env HOME=/root PM2_HOME=/root/.pm2 PM2_NODE_OPTIONS=--version pm2 kill",
        "/usr/sbin/postqueue -f",
        "sudo -n -u pdns /usr/bin/pdnsutil delete-zone a.example",
        "sudo -n -u pdns /usr/bin/pdnsutil list-all-zones a",
        "sudo -n /usr/bin/pdnsutil list-all-zones",
        "/usr/sbin/postqueue -j -c /tmp",
        "true; id",
        "true\nid",
        "id\ntrue",
        "true && id",
        "true $(id)",
        "true `id`",
        "true > /tmp/x",
        "true 'x'",
    ],
)
def test_nothing_else_goes_through(command: str) -> None:
    assert through_the_gate(command) == REFUSED


async def test_a_host_with_a_gate_serves_as_a_vantage(vantage: Ssh, server: SshServer) -> None:
    """Commands, files and connections onwards, over a real sshd with the line that the gate's own head shows."""
    assert (await vantage.run(("date", "+%s.%N"))).status == 0
    assert (await vantage.run(("id",))).status == REFUSED
    async with vantage.files() as files:
        assert await files.read("/proc/version", 5) == b"Linux"
        assert (await files.space("/")).size_bytes > 0
    channel = await vantage.connect("127.0.0.1", server.port)
    assert (await channel.receive(4)) == b"SSH-"
    channel.close()


async def test_the_ssh_check_is_content_with_a_gate(server: SshServer) -> None:
    login = login_of(server)
    probe = SshProbe(
        address=login.address, port=login.port, user=login.user, key=login.key, known_hosts=login.known_hosts
    )

    assert (await look_at(probe)).verdict is Verdict.OK


def test_the_sudoers_file_can_be_read_by_sudo() -> None:
    checked = subprocess.run(
        ["/usr/sbin/visudo", "-cf", DEPLOY / "sudoers"], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
