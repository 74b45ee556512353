"""Our key and the hosts' keys: reading them, and asking a server for the one that we know."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import asyncssh

from migrawatch.model import Lost, Secret
from migrawatch.reach.name import is_literal
from migrawatch.reach.ssh_login import Login
from migrawatch.reach.vantage import HERE

# In asyncssh's own order. Named one by one because its default offers only the kinds that known_hosts lists: a host
# whose new key is of another kind would then be told as "no common algorithm" and not as a changed key.
_PLAIN = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-256", "rsa-sha2-512",
)  # fmt: skip
_CERTIFIED = tuple(f"{name}-cert-v01@openssh.com" for name in _PLAIN)

TrustedKeys = tuple[Sequence[Any], ...]
"""Host keys, authorities' keys, revoked keys and the like, as asyncssh takes them for `known_hosts`."""


def known_keys(login: Login) -> TrustedKeys:
    """What known_hosts says of the host, by its name or its address, which may be a name as well.

    Raise Lost when the file cannot be read.
    """
    try:
        known = asyncssh.read_known_hosts(login.known_hosts)
    except (OSError, ValueError) as error:
        raise Lost(HERE, f"known_hosts: {error}") from error
    port = login.port if login.port != asyncssh.DEFAULT_PORT else None
    if is_literal(login.address):
        return known.match(login.host, login.address, port)
    # asyncssh takes an address for one of IP; of two names each is looked for by itself.
    by_name, by_address = (known.match(name, "", port) for name in (login.host, login.address))
    return tuple([*here, *there] for here, there in zip(by_name, by_address, strict=True))


def host_key_names(trusted: TrustedKeys) -> list[str]:
    """The host key algorithms to ask for: what we know first, so that a server with several keys shows that one."""
    known = [name.decode() for key in trusted[0] for name in key.sig_algorithms]
    certified = _CERTIFIED if trusted[1] else ()
    return list(dict.fromkeys([*certified, *(name for name in known if name in _PLAIN), *_PLAIN]))


def client_key(login: Login) -> asyncssh.SSHKey:
    """Our private key. Raise Lost, without a word of the key, when it cannot be read."""
    return _imported(login.key)


def public_line(key: Secret) -> str:
    """The public half of our key as a line of OpenSSH. Raise Lost, without a word of the key, if it cannot be read."""
    kind, text, *_ = _imported(key).export_public_key("openssh").decode().split()
    return f"{kind} {text}"


@lru_cache(maxsize=16)
def _imported(key: Secret) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(key.reveal())
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise Lost(HERE, "our SSH key is not an unencrypted private key") from None
