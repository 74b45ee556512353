"""Postfix's queue with one mail under way, and with mail that waits for everybody, as Postfix printed it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.recorded import Recorded

LONG_AGO = 1_700_000_000
NOT_YET = 4_000_000_000


def mail(domain: str, *, arrived_at: int, why: str = "", queue: str = "deferred") -> str:
    recipient = {"address": f"john.doe@{domain}", **({"delay_reason": why} if why else {})}
    told = {"queue_name": queue, "queue_id": "0450422E2A4", "arrival_time": arrived_at, "message_size": 264,
            "forced_expire": False, "sender": "shop@example.org", "recipients": [recipient]}  # fmt: skip
    return json.dumps(told) + "\n"


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    yield Setting(changed={}, vantage=asked(mail("a.example", arrived_at=NOT_YET, queue="active")))


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    why = "connect to mx.{}[192.0.2.1]:25: Connection timed out"
    domains = ("a.example", "b.example", "c.example")
    yield Setting(changed={}, vantage=asked(*(mail(d, arrived_at=LONG_AGO, why=why.format(d)) for d in domains)))


def asked(*mails: str) -> Recorded:
    return Recorded({"/usr/sbin/postqueue": ["".join(mails)]})
