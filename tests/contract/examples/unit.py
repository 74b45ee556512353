"""A unit that runs, and one that was killed, as systemd told of them in the lab."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.recorded import Recorded, unit


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    yield Setting(changed={}, vantage=Recorded({"systemctl": [unit()]}))


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    killed = unit("failed", "failed", Result="signal", ExecMainStatus="9", ActiveEnterTimestamp="")
    journal = "2026-11-24T08:16:29+0000 srv1 systemd[1]: nginx.service: Failed with result 'signal'.\n"
    yield Setting(changed={}, vantage=Recorded({"systemctl": [killed], "journalctl": [journal]}))
