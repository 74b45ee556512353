"""A location that goes where it must, and one that goes elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.nginx import nginx
from tests.servers.ports import free_port


@contextmanager
def proxying(place: Place, upstream: str) -> Iterator[Setting]:
    port = free_port()
    server = (
        f"server {{ listen 127.0.0.1:{port}; server_name migrapanel.com; location /api/ {{ proxy_pass {upstream}; }} }}"
    )
    with nginx(place.folder, server, first_port=port) as running:
        yield Setting(port=port, changed={"config": str(running.config_file), "sudo": False})


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    with proxying(place, "http://10.1.10.206:2271") as setting:
        yield setting


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    with proxying(place, "http://10.1.10.206:2273") as setting:
        yield setting
