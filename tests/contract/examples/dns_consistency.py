"""A root, a parent and two servers of the zone; and the same with one of them left behind."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.tree import FIRST, ROOT, SECOND, ZONE, grown

CHANGED = {"address": FIRST, "roots": (ROOT,), "resolvers": ()}


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    with grown() as tree:
        yield Setting(port=tree.port, changed=CHANGED)


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    with grown() as tree, tree.servers[SECOND].serving("example.org", ZONE.replace("MX 10", "MX 20")):
        yield Setting(port=tree.port, changed=CHANGED)
