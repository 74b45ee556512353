"""nginx with a good certificate, and with an expired one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from tests.contract.examples import Place, Setting
from tests.servers.certificates import Issued
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

SERVER = """
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate {issued.chain_file};
    ssl_certificate_key {issued.key_file};
    return 204;
}}
"""


@contextmanager
def presenting(place: Place, issued: Issued) -> Iterator[Setting]:
    port = free_port()
    with nginx(place.folder, SERVER.format(port=port, issued=issued), first_port=port):
        yield Setting(port=port, changed={"ca_file": str(place.authority.root_file)})


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    with presenting(place, place.authority.issue("example.org")) as setting:
        yield setting


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    expired = place.authority.issue("example.org", starts_in=timedelta(days=-90), lasts=timedelta(days=80))
    with presenting(place, expired) as setting:
        yield setting
