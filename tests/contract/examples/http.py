"""nginx that answers, and nginx in front of nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.nginx import nginx
from tests.servers.ports import closed_port, free_port

SERVER = """
server {{
    listen 127.0.0.1:{port};
    location /health {{ {answer} }}
}}
"""


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    port = free_port()
    answer = "default_type text/plain; return 200 healthy;"
    with nginx(place.folder, SERVER.format(port=port, answer=answer), first_port=port):
        yield Setting(port=port, changed={})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    port = free_port()
    with closed_port() as behind:
        servers = SERVER.format(port=port, answer=f"proxy_pass http://127.0.0.1:{behind};")
        with nginx(place.folder, servers, first_port=port):
            yield Setting(port=port, changed={})
