"""Postfix in health, and with a certificate that has expired."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from migrawatch.model import Secret
from tests.contract.examples import Place, Setting
from tests.servers.certificates import Issued
from tests.servers.postfix import PASSWORD, Smtpd, postfix


@contextmanager
def submission(place: Place, issued: Issued) -> Iterator[Setting]:
    with postfix(issued.key_file, issued.chain_file, {"submission": Smtpd()}) as server:
        changed = {"ca_file": str(place.authority.root_file), "password": Secret(PASSWORD)}
        yield Setting(port=server.ports["submission"], changed=changed)


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    with submission(place, place.authority.issue("mail.example.org")) as setting:
        yield setting


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    expired = place.authority.issue("mail.example.org", starts_in=timedelta(days=-90), lasts=timedelta(days=80))
    with submission(place, expired) as setting:
        yield setting
