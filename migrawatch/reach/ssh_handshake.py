"""Logging in at an SSH server: its key verified, our key offered, and what each refusal means."""

import logging
from collections.abc import Callable

import asyncssh

from migrawatch.model import Down
from migrawatch.reach.ssh_keys import client_key, host_key_names, known_keys
from migrawatch.reach.ssh_login import SOFTWARE, Login
from migrawatch.reach.ssh_pipe import Pipe
from migrawatch.reach.ssh_session import IDLE, KEEPALIVES, Session
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason

# What is worth telling of a connection is told by an observation; asyncssh's own log is not for our readers.
logging.getLogger("asyncssh").setLevel(logging.CRITICAL + 1)


class _Client(asyncssh.SSHClient):
    """Remembers the host key that was not the known one."""

    def __init__(self) -> None:
        self.stranger = ""

    def validate_host_public_key(self, _host: str, _address: str, _port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that known_hosts does not list: never accepted, but told."""
        self.stranger = _words_of(key)
        return False


def _words_of(key: asyncssh.SSHKey) -> str:
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


async def log_in(
    login: Login, wire: Wire, *, banner: bytes = b"", lost_after: float = 3.0,
    shown: Callable[[str], None] = lambda key: None,
) -> Session:  # fmt: skip
    """Log in over *wire*, which the session owns from now on; *banner* was read from it already, after IDENTIFICATION.

    *shown* is called with the host key that the server presented, be it the known one or not.
    Raise Down with an `ssh_*` reason, ConnectionResetError when the server hung up, Lost when our own key or
    known_hosts cannot be read.
    """
    trusted = known_keys(login)
    client = _Client()
    pipe = Pipe(wire, banner)
    try:
        connection = await asyncssh.connect(
            login.address,
            login.port,
            tunnel=pipe,
            config=None,
            client_factory=lambda: client,
            client_version=SOFTWARE,
            username=login.user,
            client_keys=[client_key(login)],
            agent_path=None,
            known_hosts=trusted,
            server_host_key_algs=host_key_names(trusted),
            preferred_auth="publickey",
            password=None,
            gss_host=None,
            compression_algs=["none"],
            login_timeout=0,
            keepalive_interval=IDLE,
            keepalive_count_max=KEEPALIVES - 1,
        )
    except (asyncssh.Error, OSError) as error:
        await pipe.drop()
        if client.stranger:
            shown(client.stranger)
        raise pipe.fault or _refusal(login, client, error) from error
    except BaseException:
        await pipe.drop()
        raise
    key = connection.get_server_host_key()
    if key is not None:
        shown(_words_of(key))
    return Session(login, connection, pipe, lost_after)


def _refusal(login: Login, client: _Client, error: Exception) -> Exception:
    match error:
        case asyncssh.HostKeyNotVerifiable():
            seen = client.stranger or "a key that is revoked or cannot be read"
            return Down(Reason.SSH_HOST_KEY, f"{login.place} presented {seen}, not in {login.known_hosts}")
        case asyncssh.PermissionDenied() | asyncssh.IllegalUserName():
            return Down(Reason.SSH_AUTH, f"{login.place} refused our key for {login.user}")
        case asyncssh.ConnectionLost() | OSError():
            return ConnectionResetError(f"{login.place}: {error}")
        case _:
            return Down(Reason.SSH_MALFORMED, f"{login.place}: {error}")
