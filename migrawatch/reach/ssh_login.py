"""How to log in at a host by SSH."""

from dataclasses import dataclass

from migrawatch.model import Secret
from migrawatch.parse.place import place_of

SOFTWARE = "migrawatch"
IDENTIFICATION = f"SSH-2.0-{SOFTWARE}\r\n".encode()
"""What we say first. A server speaks first too, but what is no SSH server may wait for somebody to begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """One host's SSH server and our way in. *host* is its name, under which known_hosts may list it too.

    *key* is the text of an unencrypted private key, *known_hosts* the file that every host key is verified against.
    """

    host: str
    address: str
    user: str
    key: Secret
    known_hosts: str
    port: int = 22

    @property
    def place(self) -> str:
        """The server as a person would write it: `10.1.10.10:22`."""
        return place_of(self.address, self.port)
