"""A real sshd on 127.0.0.1 for the user who runs the tests, and the key that opens it."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.ports import free_port, wait_for_port

SETTINGS = {
    "ListenAddress": "127.0.0.1",
    "PidFile": "none",
    "UsePAM": "no",
    "StrictModes": "no",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "PermitRootLogin": "prohibit-password",
    "Subsystem": "sftp internal-sftp",
    "LogLevel": "ERROR",
}


@dataclass(frozen=True, kw_only=True)
class SshServer:
    """A running sshd: what a client needs to get in, and its process to be frozen or ended."""

    port: int
    user: str
    key_file: Path
    known_hosts: Path
    authorized_keys: Path
    process: "subprocess.Popen[bytes]"


def make_key(file: Path) -> str:
    """Make an unencrypted Ed25519 key pair; give back the public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(file)], check=True)
    return file.with_suffix(".pub").read_text().strip()


@contextmanager
def sshd(
    folder: Path,
    settings: Mapping[str, str] | None = None,
    authorized_options: str = "",
    *,
    user: str = "",
    within: Sequence[str] = (),
) -> Iterator[SshServer]:
    """Run sshd with *settings* over the defaults; *authorized_options* stand before the key in authorized_keys.

    It is for *user*, who runs the tests unless said; *within* is the command that runs sshd, if one does.
    """
    port = free_port()
    host_key = make_key(folder / "host_key")
    client_key = make_key(folder / "client_key")
    (folder / "authorized_keys").write_text(f"{authorized_options} {client_key}\n".lstrip())
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    config = {
        "Port": str(port),
        "HostKey": str(folder / "host_key"),
        "AuthorizedKeysFile": str(folder / "authorized_keys"),
    }
    (folder / "sshd_config").write_text(
        "".join(f"{key} {value}\n" for key, value in {**SETTINGS, **config, **(settings or {})}.items())
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's privilege separation insists on it
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert program is not None, "the tests need a real sshd: apt-get install openssh-server"
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([*within, program, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        wait_for_port(port)
        yield SshServer(
            port=port,
            user=user or getpass.getuser(),
            key_file=folder / "client_key",
            known_hosts=folder / "known_hosts",
            authorized_keys=folder / "authorized_keys",
            process=process,
        )
    finally:
        process.terminate()
        process.wait(timeout=10)
