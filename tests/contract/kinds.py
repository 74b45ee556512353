"""Every kind there is, each from its own example, pointed at whatever a test has set up."""

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from migrawatch.check import Check
from migrawatch.config.kinds import KindError, discover
from migrawatch.config.load import load
from migrawatch.model import Contact, Secret
from migrawatch.probe import Probe
from migrawatch.reach.vantage import HERE

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
SECRET = "never-to-be-seen-3f9c1d"

# The one inversion: what is a fault for every other kind is health for it (architecture.md).
INVERTED = frozenset({"port_closed"})


def kinds(*contacts: Contact) -> list[str]:
    """The names of our kinds; with *contacts* only of those that touch their target in one of these ways.

    A kind that cannot be loaded is in no contact; the suite has a test of its own for it.
    """
    return [name for name in discover() if not contacts or _contact_of(name) in contacts]


def _contact_of(kind: str) -> Contact | None:
    try:
        return class_of(kind).contact
    except KindError:
        return None


@cache
def class_of(kind: str) -> type[Probe]:
    """The one Probe that the kind's module defines."""
    return discover().find(kind)


@cache
def example(kind: str) -> Check:
    """The check `example` of config/examples/KIND.yaml, read as the daemon would read it."""
    settings = load(EXAMPLES / f"{kind}.yaml", {}, secrets_needed=False)
    [check] = [check for check in settings.checks if check.name == "example"]
    return dataclasses.replace(check, probe=_sealed(check.probe))


def _sealed(value: Any) -> Any:
    """*value* with every secret in it replaced by the one that must be seen nowhere."""
    if isinstance(value, Secret):
        return Secret(SECRET)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _sealed(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return {key: _sealed(one) for key, one in value.items()} if isinstance(value, dict) else value


def check_of(kind: str, *, port: int | None = None, vantage: str = HERE, timeout: float = 2.0, **changed: Any) -> Check:
    """The example pointed at *port* on 127.0.0.1, looked at from *vantage*, with some settings *changed*."""
    check = example(kind)
    probe = pointed_at(check.probe, port) if port else check.probe
    probe = dataclasses.replace(probe, **changed)  # type: ignore[type-var]
    subject = dataclasses.replace(check.subject, vantage=vantage, target=probe.target)
    return dataclasses.replace(check, probe=probe, subject=subject, timeout=timeout)


def pointed_at(probe: Probe, port: int) -> Probe:
    """*probe* with its `address`, `port` and `url` leading to *port* on 127.0.0.1, and nobody else to ask."""
    now = {field.name: getattr(probe, field.name) for field in dataclasses.fields(probe)}  # type: ignore[arg-type]
    new: dict[str, Any] = {}
    if "port" in now:
        new["port"] = port
    if "address" in now:
        new["address"] = "127.0.0.1"
    if "url" in now:
        new["url"] = urlsplit(now["url"])._replace(netloc=f"127.0.0.1:{port}").geturl()
    if "roots" in now:
        new["roots"] = ("127.0.0.1",)
    return dataclasses.replace(probe, **new)  # type: ignore[type-var]
