"""What systemd is told (sd_notify(3)): ready, reloading, stopping, and that the grid still moves."""

import os
import socket
from time import monotonic_ns

import structlog

log = structlog.get_logger(__name__)


def notify(*lines: str) -> bool:
    """Send *lines* to the service manager; whether it got them. That it cannot be told stops nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as wire:
            wire.sendto("\n".join(lines).encode(), address)
    except OSError as error:
        log.warning("systemd_not_told", said=lines[0], error=str(error))
        return False
    return True


def notify_reloading() -> bool:
    """Say that a reload begins. systemd wants the time of the monotonic clock beside it."""
    return notify("RELOADING=1", f"MONOTONIC_USEC={monotonic_ns() // 1000}")


def watchdog_interval() -> float | None:
    """How often to say WATCHDOG=1, in seconds: half of what the unit allows; None when nobody waits for it."""
    allowed = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", "")
    if not allowed.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(allowed) / 2_000_000
