"""nginx that runs what is on disk, and nginx whose configuration on disk no longer parses."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.nginx import nginx
from tests.servers.ports import free_port


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    port = free_port()
    with nginx(place.folder, f"server {{ listen 127.0.0.1:{port}; }}", first_port=port) as server:
        yield Setting(changed={"config": str(server.config_file), "sudo": False})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    broken = place.folder / "nginx.conf"
    broken.write_text("nonsense on;\n")
    yield Setting(changed={"config": str(broken), "sudo": False})
