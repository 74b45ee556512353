"""A domain whose mail records are right, and one whose SPF record lets everybody send: below a root, PowerDNS all."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.mail_tree import KEPT, ROOT, Records, grown
from tests.servers.mail_zones import healthy as records
from tests.servers.zones import txt


@contextmanager
def served(at: Records) -> Iterator[Setting]:
    with grown(at) as tree:
        # Nobody else is asked in the place of a server that a busy machine makes slow: questions are counted.
        yield Setting(port=tree.port, changed={"address": KEPT, "roots": (ROOT,), "answer_within": 10.0})


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    with served(records()) as setting:
        yield setting


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    everybody = records()
    everybody["example.org"]["TXT"] = [txt("v=spf1 mx +all")]
    with served(everybody) as setting:
        yield setting
