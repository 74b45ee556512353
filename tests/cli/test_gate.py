"""`migrawatch gate`: what a host must permit, out of the configuration."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

CONFIG = """\
ssh: {{key: {{file: key}}, known_hosts: known}}
hosts:
  edge: {{address: 10.0.0.1, public: 192.0.2.1}}
  panel: {{address: 10.0.0.2, ssh: {{user: looker, port: 2222}}}}
  idle: {{address: 10.0.0.3}}
checks:
  backend: {{probe: http, host: panel, from: edge, url: "http://10.0.0.2:2271/"}}
  named: {{probe: tcp, host: panel, from: edge, address: redis.lan, port: 6379}}
  nginx: {{probe: nginx_config, host: edge, tls_ports: [8443]}}
  load: {{probe: exec, host: panel, command: [/opt/check, -w, "5,4", "two words"]}}
  {more}
watch:
  log: {{host: panel, file: /var/log/a.log, match: ["x"], checks: [load]}}
  journal: {{host: edge, journal: nginx.service, match: ["x"], checks: [nginx]}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", tmp_path / "key"], check=True)
    return written(tmp_path)


def written(folder: Path, more: str = "") -> Path:
    path = folder / "migrawatch.yaml"
    path.write_text(CONFIG.format(more=more))
    return path


def told(run: Any, config: Path, host: str, part: str) -> str:
    ran = run("gate", "-c", str(config), "--host", host, "--part", part)
    assert (ran.code, ran.err) == (0, "")
    return str(ran.out)


def test_the_line_of_the_key_has_the_ports_of_the_checks(run: Any, config: Path) -> None:
    """A name has whatever address the host finds for it; certificates are presented at each of its own."""
    options, kind, key, _ = told(run, config, "edge", "authorized_keys").split()
    places = (
        "*:6379",
        "10.0.0.1:8443",
        "10.0.0.2:2271",
        "127.0.0.1:22",
        "127.0.0.1:8443",
        "192.0.2.1:8443",
        "[::1]:8443",
    )

    assert options.split(",") == [
        "restrict",
        'command="/usr/local/lib/migrawatch-gate"',
        "port-forwarding",
        *(f'permitopen="{place}"' for place in places),
    ]
    assert [kind, key] == (config.parent / "key.pub").read_text().split()[:2]


def test_the_list_has_the_commands_of_the_checks_and_the_watches(run: Any, config: Path) -> None:
    assert told(run, config, "edge", "commands").splitlines() == [
        "date +%s.%N",
        "getent ahosts redis.lan",
        "internal-sftp",
        "journalctl -f -u nginx.service --since @{number} --no-pager -o json --output-fields=MESSAGE",
        "journalctl -f -u nginx.service -n 0 --no-pager -o json --output-fields=MESSAGE",
        "ps --ppid {number} -o etimes=,args=",
        "sudo -n /usr/sbin/nginx -T",
        "true",
    ]
    assert told(run, config, "panel", "commands").splitlines() == [
        "/opt/check -w 5,4 'two words'",
        "internal-sftp",
        "true",
    ]


def test_account_and_sshd_are_of_the_hosts_own_user(run: Any, config: Path) -> None:
    assert (
        told(run, config, "panel", "account") == "useradd --system --create-home --shell /bin/sh --groups adm looker\n"
    )
    assert told(run, config, "panel", "sshd").startswith("Match User looker\n")
    assert 'permitopen="127.0.0.1:2222"' in told(run, config, "panel", "authorized_keys")


def test_sudoers_are_of_this_host_alone(run: Any, config: Path) -> None:
    assert told(run, config, "edge", "sudoers") == "migrawatch ALL=(root) NOPASSWD: /usr/sbin/nginx -T\n"
    assert told(run, config, "panel", "sudoers") == ""


def test_all_parts_are_told_with_their_places(run: Any, config: Path) -> None:
    ran = run("gate", "-c", str(config), "--host", "edge")

    heads = [line for line in ran.out.splitlines() if line.startswith("# ")]
    assert [head.partition(",")[0] for head in heads] == [
        "# edge: the account",
        "# edge: ~migrawatch/.ssh/authorized_keys",
        "# edge: /etc/migrawatch-gate",
        "# edge: /etc/sudoers.d/migrawatch",
        "# edge: /etc/ssh/sshd_config.d/migrawatch.conf; then: systemctl reload ssh",
    ]


def test_a_host_that_nothing_is_asked_of_needs_nothing(run: Any, config: Path) -> None:
    ran = run("gate", "-c", str(config), "--host", "idle")

    assert (ran.code, ran.out) == (1, "")
    assert "no check is looked at from idle" in ran.err


def test_a_host_that_is_not_there_is_told_with_the_one_that_was_meant(run: Any, config: Path) -> None:
    ran = run("gate", "-c", str(config), "--host", "egde")

    assert ran.code == 3
    assert "did you mean 'edge'?" in ran.err


def test_a_key_that_cannot_be_read_leaves_a_place_for_its_public_half(run: Any, config: Path) -> None:
    (config.parent / "key").unlink()

    ran = run("gate", "-c", str(config), "--host", "edge", "--part", "authorized_keys")

    assert (ran.code, ran.out.endswith(" PUBLIC_KEY\n")) == (0, True)
    assert "cannot be read here" in ran.err


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ('[/opt/check, "a\\nsudo sh"]', "commands of one line only"),
        ("[/usr/bin/sudo, -n, check]", "by its whole path only"),
        ("[/usr/bin/sudo, -E, /opt/check]", "understood with -n and -u alone"),
    ],
)
def test_what_cannot_be_permitted_by_itself_is_refused(run: Any, config: Path, command: str, what: str) -> None:
    """A line more in the list would permit more than the check asks."""
    written(config.parent, f"odd: {{probe: exec, host: edge, command: {command}}}")

    ran = run("gate", "-c", str(config), "--host", "edge")

    assert (ran.code, ran.out) == (3, "")
    assert what in ran.err
