"""What vzdump's own log of one backup says of its end."""

import re

TAIL = 65_536
"""So many bytes of a log's end tell how it ended."""

_FAILED = re.compile(r"ERROR: Backup of VM [0-9]+ failed(?: - (.*))?")
_ERROR = re.compile(r"\bERROR: (.*)")
_FINISHED = re.compile(r"INFO: Finished Backup of VM [0-9]+")


def failure_of(log: str) -> str | None:
    """Why the backup failed, by the end of its log; None when it says that it finished.

    The last word counts: an error may be overcome, as a guest agent that does not answer is.
    """
    for line in reversed(log.splitlines()):
        if _FINISHED.search(line):
            return None
        if found := _FAILED.search(line):
            return (found[1] or "no reason given").strip()
    errors = _ERROR.findall(log)
    return errors[-1].strip() if errors else "the log ends without saying that it finished"
