"""No image of this process on a disk: passwords, keys and tokens stand in its memory."""

import ctypes
import os
import resource

_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """Leave no core dump, and let no other process of this user read our memory (prctl(2)). Raise OSError."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The limit does not stop a dump that is piped to a collector; this does.
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
