"""Debian's check_dummy, content and not."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting

PLUGIN = "/usr/lib/nagios/plugins/check_dummy"


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    yield Setting(changed={"command": (PLUGIN, "0", "all is well | time=0.5s;1;2 size=3KB 'share used'=25%")})


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    yield Setting(changed={"command": (PLUGIN, "2", "too late | time=2500ms;1000;2000\nsecond line")})
