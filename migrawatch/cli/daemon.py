"""The running daemon, as commands order something of it: over HTTP, on the address that the configuration names."""

import json
import os
import pwd
import ssl
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import click

from migrawatch.cli.settings import problems_of
from migrawatch.config import ConfigError, Settings
from migrawatch.model import Seconds

PATIENCE: Seconds = 15.0
"""A daemon that is alive answers sooner, even if its disk does not."""

USER, PASSWORD, CERTIFICATE = "MIGRAWATCH_WEB_USER", "MIGRAWATCH_WEB_PASSWORD", "MIGRAWATCH_WEB_CERTIFICATE"
"""The variables with a login, and with the file of a client certificate and its key, where the daemon wants them."""

_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where one listens on everything, and where one asks then."""


def ask(settings: Settings, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the daemon answers. Raise ClickException when it refuses, or when there is none."""
    listen = settings.daemon.listen
    connection = _connection(settings)
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, f"{settings.daemon.prefix}{path}", body, _headers())
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise click.ClickException(f"no daemon answers on {listen} ({why}): is migrawatch running?") from error
    finally:
        connection.close()
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise click.ClickException(f"the daemon wants a login: set {USER} and {PASSWORD}")
    if answer.status >= 300:
        raise click.ClickException(said.strip().removeprefix("refused: ") or f"the daemon answered {answer.status}")
    found: dict[str, Any] = json.loads(said)
    return found


def _connection(settings: Settings) -> HTTPConnection:
    address, _, port = settings.daemon.listen.rpartition(":")
    bare = address.strip("[]")
    host = _ANY.get(bare, bare)
    tls = _tls(settings.daemon.web_config_file)
    if tls is None:
        return HTTPConnection(host, int(port), timeout=PATIENCE)
    return HTTPSConnection(host, int(port), timeout=PATIENCE, context=tls)


def _tls(web_config_file: str) -> ssl.SSLContext | None:
    """Trusts the one certificate that the daemon is configured to show, whatever its name; None without TLS."""
    if not web_config_file:
        return None
    from migrawatch.config.web import read_web

    try:
        serving = read_web(Path(web_config_file)).tls
    except ConfigError as error:
        raise problems_of(error) from error
    if serving is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=serving.certificate.decode("ascii", "replace"))
    if own := os.environ.get(CERTIFICATE):
        context.load_cert_chain(own)
    return context


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if name := os.environ.get(USER):
        login = f"{name}:{os.environ.get(PASSWORD, '')}"
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    return headers


def who() -> str:
    """Who types: the one who became root by sudo, else the account."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
