"""What a job reports: by which address, and with which log."""

import re
from dataclasses import dataclass
from enum import StrEnum

from migrawatch.parse.excerpt import readable, without_escapes

KEPT = 2000
"""Characters of a log that are kept, from its end: a job says last why it gave up."""

_LOOKED_AT = 65_536


class Signal(StrEnum):
    """What a job says of itself."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the job behind *check* says. *exit_code* is None where it gave none."""

    check: str
    signal: Signal
    exit_code: int | None = None


def parse_report(path: str) -> tuple[Report, ...]:
    """What a report to *path* can mean: to NAME, NAME/start, NAME/success, NAME/fail or NAME/0 to NAME/255.

    Several, if a check may have the whole path as its name: names hold slashes and numbers.
    """
    path = path.strip("/")
    whole = Report(check=path, signal=Signal.SUCCESS, exit_code=0)
    name, _, last = path.rpartition("/")
    if not name:
        return (whole,)
    if last in list(Signal):
        return (Report(check=name, signal=Signal(last), exit_code=0 if last == Signal.SUCCESS else None), whole)
    if re.fullmatch(r"[0-9]{1,3}", last) and int(last) <= 255:
        code = int(last)
        return (Report(check=name, signal=Signal.FAIL if code else Signal.SUCCESS, exit_code=code), whole)
    return (whole,)


def parse_log(body: bytes) -> str:
    """The end of a job's output as text for people: no escapes of terminals, of progress bars what they showed last."""
    text = without_escapes(body[-_LOOKED_AT:].decode("utf-8", "backslashreplace")).replace("\r\n", "\n")
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    log = readable("\n".join(lines).strip("\n").encode())
    if len(log) <= KEPT and len(body) <= _LOOKED_AT:
        return log
    # A line that was cut may begin within an escape.
    kept = log[-KEPT:]
    return "... " + (kept.partition("\n")[2] or kept)
