"""The running daemon, as commands order something of it: over HTTP, on the address that the configuration names."""

import json
import os
import pwd
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

import click

from migrawatch.config import Settings
from migrawatch.model import Seconds

PATIENCE: Seconds = 15.0
"""A daemon that is alive answers sooner, even if its disk does not."""

_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where one listens on everything, and where one asks then."""


def ask(settings: Settings, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the daemon answers. Raise ClickException when it refuses, or when there is none."""
    listen = settings.daemon.listen
    address, _, port = listen.rpartition(":")
    bare = address.strip("[]")
    connection = HTTPConnection(_ANY.get(bare, bare), int(port), timeout=PATIENCE)
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise click.ClickException(f"no daemon answers on {listen} ({why}): is migrawatch running?") from error
    finally:
        connection.close()
    if answer.status >= 300:
        raise click.ClickException(said.strip().removeprefix("refused: ") or f"the daemon answered {answer.status}")
    found: dict[str, Any] = json.loads(said)
    return found


def who() -> str:
    """Who types: the one who became root by sudo, else the account."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
