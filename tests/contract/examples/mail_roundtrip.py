"""Postfix and Dovecot with mail that is signed, and with mail that is not."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric import rsa

from migrawatch.model import Secret
from tests.contract.examples import Place, Setting
from tests.servers.mail_host import ADDRESS, NAME, PASSWORD, mail_host
from tests.servers.mail_tree import KEPT as NAME_SERVER
from tests.servers.mail_zones import key_record
from tests.servers.milter import Signer
from tests.servers.postfix import Smtpd
from tests.servers.powerdns import name_servers
from tests.servers.zones import txt

ZONE = "example.org. 60 IN SOA ns1.example.net. h.example.net. 1 3600 600 86400 60\n"


@contextmanager
def sent_through(place: Place, smtpd: str) -> Iterator[Setting]:
    key = rsa.generate_private_key(65537, 2048)
    zone = f"{ZONE}mail._domainkey.example.org. 60 IN TXT {txt(key_record(key.public_key()))}\n"
    smtpds, signers = {"unsigned": Smtpd()}, {"signed": Signer(key)}
    with (
        mail_host(place.authority, smtpds, signers) as host,
        name_servers({NAME_SERVER: {"example.org": zone}}) as servers,
    ):
        changed = {
            "name": "localhost",
            "imap_address": ADDRESS,
            "imap_port": host.dovecot.tls_port,
            "imap_name": NAME,
            "ca_file": str(place.authority.root_file),
            "password": Secret(PASSWORD),
            "resolvers": (f"{NAME_SERVER}:{servers[NAME_SERVER].port}",),
        }
        yield Setting(port=host.postfix.ports[smtpd], changed=changed)


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    with sent_through(place, "signed") as setting:
        yield setting


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    with sent_through(place, "unsigned") as setting:
        yield setting
