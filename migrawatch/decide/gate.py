"""What a watched host must let migrawatch's key do, and no more: as sshd, the gate and sudo read it."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from migrawatch.model import NAME, NUMBER, Access

PROGRAM = "/usr/local/lib/migrawatch-gate"
"""Where the gate lies on a watched host; its list is /etc/migrawatch-gate."""

_FILES = "internal-sftp"
_LOOPBACKS = ("127.0.0.1", "::1")
_PLACEHOLDER = re.compile(f"{re.escape(NUMBER)}|{re.escape(NAME)}")
_MEANT = re.compile(r"[\\,:=#*?\[\]! \t]")
"""What has a meaning of its own in a line of sudoers."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One host's gate: who logs in there, by which *public_key* (a line of OpenSSH), and the *access* of all looks.

    *addresses* are the host's own.
    """

    user: str
    public_key: str
    access: Access
    addresses: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """The command that makes the account, with the groups that it needs."""
        groups = ",".join(sorted(set(self.access.groups)))
        more = f" --groups {groups}" if groups else ""
        return f"useradd --system --create-home --shell /bin/sh{more} {self.user}\n"

    @property
    def authorized_keys(self) -> str:
        """The line of authorized_keys."""
        options = ["restrict", f'command="{PROGRAM}"']
        if places := sorted({f"{_bracketed(address)}:{port}" for address, port in self._places()}):
            options += ["port-forwarding", *(f'permitopen="{place}"' for place in places)]
        return f"{','.join(options)} {self.public_key}\n"

    def _places(self) -> Iterator[tuple[str, int]]:
        yield from self.access.places
        for port in self.access.own_ports:
            yield from ((address, port) for address in (*_LOOPBACKS, *self.addresses))

    @property
    def commands(self) -> str:
        """The gate's list, in alphabetical order. Raise ValueError for a command that does not fit into one line."""
        lines = {_line(argv) for argv in self.access.commands}
        lines |= {f"while {socket} listens: {_line(argv)}" for socket, argv in self.access.guarded}
        if self.access.files:
            lines.add(_FILES)
        if broken := [line for line in lines if not line.isprintable()]:
            raise ValueError(f"{broken[0]!r}: the gate permits commands of one line only")
        return "".join(f"{line}\n" for line in sorted(lines))

    @property
    def sudoers(self) -> str:
        """The file for sudoers.d, empty if nothing needs it. Raise ValueError for a program without its whole path."""
        rules = {_rule(self.user, argv) for argv in self._run if argv[0].rpartition("/")[2] == "sudo"}
        return "".join(f"{rule}\n" for rule in sorted(rules))

    @property
    def _run(self) -> tuple[tuple[str, ...], ...]:
        return (*self.access.commands, *(argv for _, argv in self.access.guarded))

    @property
    def sshd(self) -> str:
        """What authorized_keys cannot take away: forwarded Unix sockets, and listening on the host."""
        return f"Match User {self.user}\n    AllowStreamLocalForwarding no\n    PermitListen none\n"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _line(argv: tuple[str, ...]) -> str:
    """*argv* as SSH carries it, its placeholders bare: what stands for them needs no quotes."""
    return " ".join(word if _is_plain(word) else shlex.quote(word) for word in argv)


def _is_plain(word: str) -> bool:
    filled = _PLACEHOLDER.sub("0", word)
    return shlex.quote(filled) == filled


def _rule(user: str, argv: tuple[str, ...]) -> str:
    words, owner = list(argv[1:]), "root"
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "-u" and words:
            owner = words.pop(0)
        elif option != "-n":
            raise ValueError(f"{shlex.join(argv)}: sudo is understood with -n and -u alone")
    if not words or not words[0].startswith("/"):
        raise ValueError(f"{shlex.join(argv)}: sudo permits a program by its whole path only")
    command = [_MEANT.sub(r"\\\g<0>", word) for word in words]
    # A rule without arguments permits all of them, one with "" permits none.
    told = " ".join(command if len(command) > 1 else (*command, '""'))
    return f"{user} ALL=({owner}) NOPASSWD: {told}"
