"""A job that reported an hour ago, and one that reported a failure with its log."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from migrawatch.decide.heard import Heard, heard_first
from migrawatch.parse.job_report import Report, Signal
from tests.contract.examples import Place, Setting


def reported(signal: Signal, code: int, log: str = "") -> Heard:
    """A job that is watched for two hours, and whose run of seven minutes ended an hour ago."""
    began = datetime.now(UTC) - timedelta(hours=2)
    heard = heard_first(began)
    for minutes in range(1, 53):
        heard = heard.listening(began + timedelta(minutes=minutes))
    heard = heard.told(Report(check="example", signal=Signal.START), began + timedelta(minutes=53))
    for minutes in range(54, 60):
        heard = heard.listening(began + timedelta(minutes=minutes))
    heard = heard.told(Report(check="example", signal=signal, exit_code=code), began + timedelta(hours=1), log)
    for minutes in range(61, 121):
        heard = heard.listening(began + timedelta(minutes=minutes))
    return heard


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    heard = reported(Signal.SUCCESS, 0)
    yield Setting(changed={"cron": "", "zone": "", "period": 86400.0}, last=heard)


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    heard = reported(Signal.FAIL, 28, "rsync: [sender] write error: No space left on device (28)")
    yield Setting(changed={"cron": "", "zone": "", "period": 86400.0}, last=heard)
