"""A canary that accepts, and one whose queue of connections is full: it says nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.ports import full_port


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    yield Setting(port=place.ssh.port, changed={"addresses": (f"127.0.0.1:{place.ssh.port}",)})


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    with full_port() as port:
        yield Setting(port=port, changed={"addresses": (f"127.0.0.1:{port}",), "answer_within": 0.2})
