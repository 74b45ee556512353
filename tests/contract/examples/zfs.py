"""A pool in health, and one that lost a disk, as zpool told of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.recorded import Recorded
from tests.servers.recorded_zfs import DEGRADED, pool_line, status


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    answers = [pool_line("clients-main"), status("clients-main")]
    yield Setting(changed={}, vantage=Recorded({"/usr/sbin/zpool": answers}))


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    answers = [pool_line("clients-main", health="DEGRADED"), DEGRADED]
    yield Setting(changed={"scrub_within": 1e10}, vantage=Recorded({"/usr/sbin/zpool": answers}))
