"""Dovecot with two messages, and with another password than ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from migrawatch.model import Secret
from tests.contract.examples import Place, Setting
from tests.servers.dovecot import ADDRESS, PASSWORD, dovecot


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    with running(place) as setting:
        yield Setting(port=setting.port, changed={**setting.changed, "password": Secret(PASSWORD)})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    with running(place) as setting:
        yield setting


@contextmanager
def running(place: Place) -> Iterator[Setting]:
    with dovecot(place.authority) as server:
        server.deliver(2)
        trusted = str(place.authority.root_file)
        yield Setting(port=server.tls_port, changed={"address": ADDRESS, "ca_file": trusted})
