"""vzdump's logs, as they lie beside the archives."""

import pytest

from migrawatch.parse.vzdump_log import failure_of

BEGUN = """\
2026-11-26 02:00:02 INFO: Starting Backup of VM 101 (qemu)
2026-11-26 02:00:02 INFO: status = running
2026-11-26 02:00:03 INFO: include disk 'scsi0' 'clients-main:vm-101-disk-0' 200G
2026-11-26 02:00:03 INFO: creating vzdump archive '/mnt/windows-backup/srv1/vzdump-qemu-101-2026_11_26-02_00_02.vma.zst'
2026-11-26 02:00:03 INFO: issuing guest-agent 'fs-freeze' command
"""
WRITTEN = "2026-11-26 02:21:40 INFO: archive file size: 38.21GB\n"
FINISHED = "2026-11-26 02:21:41 INFO: Finished Backup of VM 101 (00:21:39)\n"
NO_AGENT = "2026-11-26 02:10:03 ERROR: VM 101 qmp command 'guest-fsfreeze-freeze' failed - got timeout\n"
NO_SPACE = """\
2026-11-26 02:14:20 ERROR: vma_queue_write: write error - No space left on device
2026-11-26 02:14:20 INFO: aborting backup job
2026-11-26 02:14:22 ERROR: Backup of VM 101 failed - vma_queue_write: write error - No space left on device
"""


@pytest.mark.parametrize(
    ("log", "failure"),
    [
        (BEGUN + WRITTEN + FINISHED, None),
        (BEGUN + NO_AGENT + WRITTEN + FINISHED, None),
        (BEGUN + NO_SPACE, "vma_queue_write: write error - No space left on device"),
        (BEGUN + "ERROR: Backup of VM 101 failed\n", "no reason given"),
        (BEGUN + NO_AGENT, "VM 101 qmp command 'guest-fsfreeze-freeze' failed - got timeout"),
        (BEGUN, "the log ends without saying that it finished"),
        ("", "the log ends without saying that it finished"),
        ("\x00\xff[{\n", "the log ends without saying that it finished"),
        (BEGUN + NO_SPACE + BEGUN + FINISHED, None),
    ],
)
def test_the_last_word_counts(log: str, failure: str | None) -> None:
    assert failure_of(log) == failure
