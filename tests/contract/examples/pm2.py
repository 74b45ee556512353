"""A process that is online, and one that is stopped, as PM2 told of them in the lab."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.recorded import SOCKETS, Recorded, process


def told(status: str) -> Setting:
    return Setting(changed={}, vantage=Recorded({"cat": [SOCKETS], "pm2": [json.dumps([process(status=status)])]}))


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    yield told("online")


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    yield told("stopped")
