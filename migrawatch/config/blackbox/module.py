"""One module of blackbox.yml as it is used: with a target it is a probe of an ordinary kind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from migrawatch.config.blackbox.options import ModuleOptions
from migrawatch.config.values import format_duration
from migrawatch.model import Seconds, Secret
from migrawatch.probe import Probe


class TargetError(ValueError):
    """The target is none for this module."""


class TwoHosts(ValueError):
    """The module has a header Host, and the request asks for another host name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What one request asks for; *timeout* is how long the look may last."""

    target: str
    hostname: str = ""
    timeout: Seconds = 10.0


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module. *refused* says which of its options stands in the way of using it; empty for one that may be used.

    *make* turns it and a target into a probe; it raises TargetError.
    """

    name: str
    options: ModuleOptions
    refused: str = ""
    make: Callable[[Asked], Probe] = field(repr=False, compare=False)

    @property
    def family(self) -> int:
        """The kind of address that is preferred: 4 or 6."""
        return 4 if self.options.reached.preferred_ip_protocol == "ip4" else 6

    @property
    def falls_back(self) -> bool:
        """Whether an address of the other kind will do."""
        return self.options.reached.ip_protocol_fallback

    @property
    def is_unverified(self) -> bool:
        """Whether certificates are taken as they are."""
        tls = getattr(getattr(self.options, self.options.prober), "tls_config", None)
        return tls is not None and tls.insecure_skip_verify

    @property
    def shown(self) -> str:
        """Its configuration for people, as YAML, secrets hidden; what nobody set is left out."""
        options = self.options
        lines = [f"prober: {options.prober}"]
        if options.timeout:
            lines.append(f"timeout: {format_duration(options.timeout)}")
        lines += [f"{options.prober}:", *_lines(getattr(options, options.prober), "  ")]
        return "".join(f"{line}\n" for line in lines)


def _lines(shown: Any, indent: str) -> Iterator[str]:
    if is_dataclass(shown):
        pairs = [(one.name, getattr(shown, one.name)) for one in fields(shown)]
    else:
        pairs = list(shown.items())
    for name, value in pairs:
        if value is None or value == "" or value == () or value == {} or value is False:
            continue
        yield from _entry(f"{indent}{name}:", value, indent)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    match value:
        case Secret():
            yield f"{head} <secret>"
        case tuple():
            yield head
            for item in value:
                yield from _item(item, indent)
        case bool():
            yield f"{head} {str(value).lower()}"
        case dict():
            yield head
            yield from _lines(value, f"{indent}  ")
        case _ if is_dataclass(value):
            inner = list(_lines(value, f"{indent}  "))
            yield from (head, *inner) if inner else ()
        case _:
            yield f"{head} {value}"


def _item(item: Any, indent: str) -> Iterator[str]:
    if not is_dataclass(item):
        yield f"{indent}- {'<secret>' if isinstance(item, Secret) else item}"
        return
    first = True
    for line in _lines(item, f"{indent}  "):
        yield f"{indent}- {line[len(indent) + 2 :]}" if first else line
        first = False
