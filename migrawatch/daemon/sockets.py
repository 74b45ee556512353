"""Where the daemon listens: on the socket that systemd holds for it, or on one of its own."""

import errno
import os
import socket

import structlog

from migrawatch.show.server import address_of, listen_on

log = structlog.get_logger(__name__)

FIRST = 3
"""The first descriptor that is handed over (SD_LISTEN_FDS_START)."""


def heard_on(listen: str) -> socket.socket:
    """The socket to answer on: what systemd hands over, which wins, else one bound to *listen*.

    Who asks while the daemon is started anew waits in systemd's socket and is refused by nobody. Raise OSError when
    nothing can be listened on, or when what is handed over is not one listening TCP socket.
    """
    given = _handed_over()
    if given is None:
        return listen_on(listen)
    if (here := address_of(given)) != listen:
        log.warning("listening_elsewhere", listen=listen, socket=here)
    return given


def _handed_over() -> socket.socket | None:
    """What sd_listen_fds(3) tells of; whoever is started by us must not take it for theirs."""
    count, pid = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if not count.isdigit() or count == "0" or pid != str(os.getpid()):
        return None
    if count != "1":
        raise OSError(errno.E2BIG, f"systemd hands over {count} sockets, wanted one")
    given = socket.socket(fileno=FIRST)
    given.set_inheritable(False)
    if not _listens(given):
        given.close()
        raise OSError(errno.EINVAL, "systemd hands over something else than a listening TCP socket")
    return given


def _listens(given: socket.socket) -> bool:
    internet = given.family in (socket.AF_INET, socket.AF_INET6) and given.type == socket.SOCK_STREAM
    return internet and bool(given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
