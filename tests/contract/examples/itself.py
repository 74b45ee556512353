"""A daemon that is well, and one that falls behind, whose receiver is stuck and whose configuration was edited."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from migrawatch.decide.pulse import Pulse, Waiting
from tests.contract.examples import Place, Setting


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    yield Setting(changed={}, last=Pulse(at=datetime.now(UTC), late=0.02, lag=0.004))


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    now = datetime.now(UTC)
    pulse = Pulse(
        at=now,
        late=31.5,
        lag=0.004,
        waiting=(Waiting(receiver="pager", since=now - timedelta(minutes=20), trouble="HTTP 503, wanted 2xx"),),
        changed=("/etc/migrawatch/conf.d/edge.yaml",),
        changed_at=now - timedelta(minutes=15),
    )
    yield Setting(changed={}, last=pulse)
