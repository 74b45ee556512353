"""Which tests go to one process one after the other, and which may run side by side.

Tests of a file share its servers. Those of tests/drills share a lab: one for all pages of an area, some for its looks.
A lab is mostly waited for, but three are as many as two cores bear beside the rest.
"""

import re
from typing import TYPE_CHECKING, Any
from zlib import crc32

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

LABS = 3
"""So many labs side by side, at most, while there is anything else to do."""

LOOKS = 2
"""Labs that share the looks of an area: one alone would be what everything waits for."""

PATIENT = (
    "tests/daemon/test_kills.py",
    "tests/daemon/test_replicas.py",
    "tests/daemon/test_invariants.py",
    "tests/daemon/test_reminders.py",
)
"""Those who wait for minutes of real time: at the end everything would wait for them."""

PACKAGE = ("tests/deploy/test_package.py", "tests/deploy/test_rehearsal.py")
"""Those who need the Debian package: building it takes half a minute."""


def company(test: str) -> str:
    """The name of the group that *test* (its node id) is one of."""
    file = test.partition("::")[0]
    if file in PACKAGE:
        return PACKAGE[-1]
    area = re.search(r"\[(\w+)", test)
    if not file.startswith("tests/drills/") or area is None:
        return file
    share = f" {crc32(test.encode()) % LOOKS}" if file.endswith("test_look.py") else ""
    return f"{file} {area.group(1)}{share}"


def in_lab(group: str) -> bool:
    """Whether a group's tests need a lab."""
    return group.startswith(("tests/drills/", "tests/lab/test_lab.py", PACKAGE[-1]))


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole groups: labs first, because they take longest, but never too many at a time; then who waits."""

    def _split_scope(self, nodeid: str) -> str:
        return company(nodeid)

    def _assign_work_unit(self, node: "WorkerController") -> None:
        busy = sum(self._has_lab(work) for other, work in self.assigned_work.items() if other is not node)
        wanted = busy < LABS
        fitting = [group for group in self.workqueue if in_lab(group) is wanted]
        if fitting:
            self.workqueue.move_to_end(min(fitting, key=lambda group: group not in PATIENT), last=False)
        super()._assign_work_unit(node)

    def _has_lab(self, work: dict[str, Any]) -> bool:
        return any(in_lab(group) and not all(tests.values()) for group, tests in work.items())
