"""The section `receivers`: who can be told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from migrawatch.config.problem import Report, near
from migrawatch.config.secrets import Secrets
from migrawatch.config.tree import CHANGE_ME, Scalar, Table, unset
from migrawatch.config.validate import validate
from migrawatch.model import Seconds, Secret


def refuse_strange_url(url: str) -> None:
    """Raise ValueError. The address is not repeated: it may carry a token."""
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("an address to post to begins with http:// or https://")


def text_of(written: str | Secret) -> str:
    """An address that may be a secret, in the clear."""
    return written.reveal() if isinstance(written, Secret) else written


@dataclass(frozen=True, kw_only=True)
class Common:
    """What every receiver has."""

    fallback: str = ""
    """The receiver that is told as well when this one has not taken a notice for *after*, or refuses it for good."""
    after: Seconds = 600.0
    """How long this one may be out of reach before its *fallback* is told."""


@dataclass(frozen=True, kw_only=True)
class Webhook(Common):
    """Post every notice in the shape of Alertmanager's webhook (version 4) with an `incident` beside it."""

    url: str | Secret
    """Where to post; as a secret if it carries a token."""
    secret: Secret | None = None
    """Signs every post by HMAC-SHA256."""
    timeout: Seconds = 10.0
    """How long one attempt may take."""

    def __post_init__(self) -> None:
        refuse_strange_url(text_of(self.url))


@dataclass(frozen=True, kw_only=True)
class Alertmanager(Common):
    """Post alerts (API v2) to every one of several Alertmanagers, and again each 20 s while an incident is open.

    Reminders are Alertmanager's own (`repeat_interval`); a changed cause is in its annotations from then on.
    """

    urls: tuple[str, ...]
    """The addresses of all Alertmanagers of the cluster."""
    user: str = ""
    """Logs in by HTTP basic authentication."""
    password: Secret | None = None
    """The password of *user*."""
    timeout: Seconds = 10.0
    """How long one attempt may take."""
    group_wait: Seconds = 30.0
    """The `group_wait` of Alertmanager's route: an alert that it has not seen yet never looks older than this."""

    def __post_init__(self) -> None:
        if not self.urls:
            raise ValueError("urls must name one Alertmanager at least")
        for url in self.urls:
            refuse_strange_url(url)
            if "@" in url:
                raise ValueError("a login is not written into an address; say user: and password:")


_ADDRESS = re.compile(r"[!-;=?A-~]{1,64}@[A-Za-z0-9.-]{1,253}")
"""A plain mail address in ASCII, with nothing that could end a command."""

MAIL_PORTS = {"starttls": 587, "implicit": 465, "none": 25}


@dataclass(frozen=True, kw_only=True)
class Email(Common):
    """Mail every notice as text and HTML; the mails of one incident are one thread."""

    to: tuple[str, ...]
    """Who gets it."""
    sender: str
    """The address that it comes from."""
    host: str
    """The mail server to hand it to; an address needs no DNS when all else is down."""
    port: int = 0
    """Its port; 587, 465 or 25 as *tls* has it."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`starttls`: must be offered; `implicit`: from the first byte; `none`: in the clear."""
    name: str = ""
    """The name that its certificate must have, where *host* is an address."""
    verify: bool = True
    """Whether its certificate must be valid."""
    ca_file: str = ""
    """Trust this authority instead of the system's."""
    user: str = ""
    """Logs in; never without TLS and a valid certificate."""
    password: Secret | None = None
    """The password of *user*."""
    helo: str = "[127.0.0.1]"
    """How we name ourselves."""
    timeout: Seconds = 30.0
    """How long one attempt may take."""
    templates: str = ""
    """A folder with templates of your own: `mail.txt`, `mail.html`, or both; the built-in ones stand in for others."""

    def __post_init__(self) -> None:
        if not self.to:
            raise ValueError("to must name one address at least")
        for address in (*self.to, self.sender):
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"wanted a mail address, got {address!r}")
        if not 0 <= self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")
        if self.user and (self.tls == "none" or not self.verify):
            raise ValueError("user needs TLS with verify: whoever answers would be given the password")
        if any(not char.isprintable() for text in (self.user, self.helo, self.host) for char in text):
            raise ValueError("user, helo and host must not contain control characters")


@dataclass(frozen=True, kw_only=True)
class Apprise(Common):
    """Tell one of the services that Apprise knows (chats, telephones); needs the extra `apprise`."""

    url: str | Secret
    """Apprise's address of the service; as a secret if it carries a token."""
    timeout: Seconds = 10.0
    """How long to wait for the connection, and for each answer."""
    templates: str = ""
    """A folder with a template of your own: `chat.txt`."""

    def __post_init__(self) -> None:
        url = text_of(self.url)
        if not url or find_spec("apprise") is None:
            return  # a missing package is told with the kind
        # Only who uses it pays for importing it.
        from migrawatch.tell.apprise import speaks

        if not speaks(url):
            raise ValueError("Apprise does not know this address")


RECEIVERS: dict[str, type[Any]] = {
    "webhook": Webhook, "alertmanager": Alertmanager, "email": Email, "apprise": Apprise,
}  # fmt: skip
"""The kinds of receivers that there are, by the word that `kind:` says."""

EXTRAS = {"apprise": "apprise"}
"""The package that a kind needs, which is an extra of that name."""


def read_receivers(section: Table, secrets: Secrets, report: Report) -> tuple[dict[str, Any], dict[str, str]]:
    """The receivers by name; and those that cannot be used yet, with the reason."""
    usable: dict[str, Any] = {}
    unusable: dict[str, str] = {}
    for name, tree in section.items():
        path = f"receivers.{name}"
        if not isinstance(tree, Table):
            report.wrong(tree.place, path, "wanted a mapping such as {kind: webhook, url: ...}")
        elif key := unset(tree):
            unusable[name] = f"{key} is {CHANGE_ME}"
            report.warn(section.places[name], path, f"tells nobody: {key} is {CHANGE_ME}")
        elif (receiver := _receiver(tree, path, secrets, report)) is not None:
            usable[name] = receiver
    for name, receiver in usable.items():
        _refuse_fallback(name, receiver.fallback, section, unusable, report)
    return usable, unusable


def _refuse_fallback(name: str, fallback: str, section: Table, unusable: Mapping[str, str], report: Report) -> None:
    tree = section[name]
    if not fallback or not isinstance(tree, Table):
        return
    place, path = tree["fallback"].place, f"receivers.{name}.fallback"
    if fallback == name:
        report.wrong(place, path, "a receiver cannot stand in for itself")
    elif fallback not in section:
        report.wrong(place, path, f"unknown receiver {fallback!r}", near(fallback, section))
    elif fallback in unusable:
        report.warn(place, path, f"{fallback} tells nobody: {unusable[fallback]}")


def _receiver(tree: Table, path: str, secrets: Secrets, report: Report) -> Any:
    written = tree.get("kind")
    if not isinstance(written, Scalar):
        report.wrong(tree.place, f"{path}.kind", "must be set")
        return None
    if written.text not in RECEIVERS:
        report.wrong(
            written.place, f"{path}.kind", f"unknown kind of receiver {written.text!r}", near(written.text, RECEIVERS)
        )
        return None
    extra = EXTRAS.get(written.text)
    if extra is not None and find_spec(extra) is None:
        what = f"the package for {written.text!r} is missing: pip install 'migrawatch[{extra}]'"
        report.wrong(written.place, f"{path}.kind", what)
    return validate(RECEIVERS[written.text], tree.without(frozenset({"kind"})), path, secrets, report, known=("kind",))
