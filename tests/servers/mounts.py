"""Real mounts for tests: a file system that never answers, one in memory, and an autofs that mounts nothing.

Mounting is root's. Where tests run without it, those that need one are skipped.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_LIBC = ctypes.CDLL(None, use_errno=True)
_DETACH = 2


def _may_mount() -> bool:
    capable = int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16)
    return bool(capable >> 21 & 1) and Path("/dev/fuse").exists()


needs_mount = pytest.mark.skipif(not _may_mount(), reason="mounting needs CAP_SYS_ADMIN and /dev/fuse")


@contextmanager
def hung(place: Path) -> Iterator[None]:
    """A FUSE file system whose server reads no request: every question hangs, as of a share whose server is gone."""
    fuse = os.open("/dev/fuse", os.O_RDWR)
    _mount("//winserver/backup", place, "fuse", f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other")
    try:
        yield
    finally:
        os.close(fuse)  # which ends whatever waits
        _unmount(place)


@contextmanager
def dead(place: Path) -> Iterator[None]:
    """A FUSE file system whose server has ended: every question gets an error at once, as of a stale NFS handle."""
    fuse = os.open("/dev/fuse", os.O_RDWR)
    _mount("//winserver/backup", place, "fuse", f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other")
    os.close(fuse)
    try:
        yield
    finally:
        _unmount(place)


@contextmanager
def in_memory(place: Path, options: str = "") -> Iterator[None]:
    """A tmpfs."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options or "rw", "share", str(place)], check=True)
    try:
        yield
    finally:
        _unmount(place)


@contextmanager
def waiting(place: Path) -> Iterator[None]:
    """An autofs that waits for somebody to come by; its daemon is this process group, for which it stays as it is."""
    hears, speaks = os.pipe()
    _mount("systemd-1", place, "autofs", f"fd={speaks},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct")
    try:
        yield
    finally:
        _unmount(place)
        os.close(hears)
        os.close(speaks)


def fill(path: Path) -> None:
    """Take all that is left of a file system."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _mount(source: str, place: Path, kind: str, options: str) -> None:
    if _LIBC.mount(source.encode(), str(place).encode(), kind.encode(), 0, options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, f"mount -t {kind} {place}: {os.strerror(number)}")


def _unmount(place: Path) -> None:
    _LIBC.umount2(str(place).encode(), _DETACH)
