"""A real nginx on 127.0.0.1 with whatever server blocks a test needs."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.servers.ports import wait_for_port

CONFIG = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""

SETTLED = "location = /settled { access_log off; return 204; }"
"""What a server block needs for `settle`."""


def settle(origin: str) -> None:
    """Have the access log whole: nginx answers before it writes, and its one worker writes before it answers again."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urlopen(f"{origin}/settled", context=context, timeout=10) as answer:
        assert answer.status == 204


@dataclass(frozen=True, kw_only=True)
class NginxServer:
    """A running nginx: the file it was configured by, and its master process."""

    config_file: Path
    error_log: Path
    process: "subprocess.Popen[bytes]"


@contextmanager
def nginx(folder: Path, servers: str, *, first_port: int, address: str = "127.0.0.1") -> Iterator[NginxServer]:
    """Run nginx with the server blocks *servers*; it is ready once it accepts on *first_port* of *address*."""
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, servers=servers))
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert program is not None, "the tests need a real nginx: apt-get install nginx"
    command = [program, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(first_port, address)
        yield NginxServer(config_file=config, error_log=folder / "error.log", process=process)
    finally:
        process.terminate()
        process.wait(timeout=10)
