"""A domain that is registered for long, and one that is held and ends in some days."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.contract.examples import Place, Setting
from tests.servers.registry import DAY, entry, registry


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    with registry(place.folder, place.authority) as server:
        yield Setting(port=urlsplit(server.url).port, changed={"url": server.url, "ca_file": server.ca_file})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    with registry(place.folder, place.authority) as server:
        server.has("example.org", entry("example.org", 20.5 * DAY, "clientHold", "clientTransferProhibited"))
        yield Setting(port=urlsplit(server.url).port, changed={"url": server.url, "ca_file": server.ca_file})
