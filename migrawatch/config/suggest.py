"""The YAML that watches what is served and not watched, written as the configuration writes such checks already."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from migrawatch.check import Check
from migrawatch.config.problem import Report
from migrawatch.config.read import read
from migrawatch.config.settings import Settings
from migrawatch.config.tree import Items, Scalar, Table, Tree, untyped
from migrawatch.decide.forgotten import Forgotten
from migrawatch.parse.nginx_sites import Site

_REVERSE = ".arpa"
_OF_ANY_ZONE = ("dns", "dns_consistency")
"""The kinds that make sense for a reverse zone: no mail is sent to one."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Template:
    """A written check that one list of single values makes many of: `each: {domain: [...]}`."""

    name: str
    table: Table
    variable: str
    values: tuple[str, ...]

    def named(self, value: str) -> str:
        """The name of its check for *value*."""
        return self.name.replace(f"{{{self.variable}}}", value)

    def written_for(self, values: Iterable[str], variable: str) -> tuple[str, dict[str, Any]]:
        """The same check for other *values*, under a name that is not taken."""
        old, new = f"{{{self.variable}}}", f"{{{variable}}}"
        rest = {key.replace(old, new): _with(tree, old, new) for key, tree in self.table.items() if key != "each"}
        return self.name.replace(old, new), {"each": {variable: list(values)}, **rest}


def suggestion(path: Path, settings: Settings, found: Mapping[str, Forgotten]) -> str:
    """The section `checks` that watches all of *found*, by the host that serves it; empty if there is nothing to add.

    A site or zone is watched as others of the same host are: each check of the configuration at *path* that a list
    makes many of is written for the new names. What fits into none is written out. Patterns are left to people: which
    of their names there are is not told by what serves them.
    """
    whole, _ = read(path, Report())
    section = whole.get("checks")
    writing = _Writing(settings, section if isinstance(section, Table) else Table(whole.place))
    for host, forgotten in found.items():
        writing.sites(host, [site for site in forgotten.sites if not site.is_pattern])
        writing.zones(host, forgotten.zones)
    if not writing.checks:
        return ""
    return yaml.safe_dump({"checks": writing.checks}, sort_keys=False, default_flow_style=None, width=110)


class _Writing:
    """Writes checks for new names."""

    def __init__(self, settings: Settings, section: Table) -> None:
        self.checks: dict[str, dict[str, Any]] = {}
        self._settings = settings
        self._section = section
        self._known = {check.name: check for check in settings.checks}
        self._taken = {*self._known, *(item.check for item in settings.not_watched)}
        self._templates = tuple(_templates(section))
        self._zones = {zone for check in settings.checks for zone in check.probe.covers.zones}

    def sites(self, host: str, sites: Sequence[Site]) -> None:
        """Checks of *sites*, those that answer by HTTPS as others do."""
        usual = [site for site in sites if (site.tls, site.port, site.status) == (True, 443, 0)]
        templates = [one for one in self._templates if self._is_of_sites(one, host)]
        self._by_templates(templates, [site.name for site in usual])
        for site in sites if not templates else [site for site in sites if site not in usual]:
            self._add(f"site/{site.name}", _site_check(host, self._dial(host), site))

    def zones(self, host: str, zones: Sequence[str]) -> None:
        """Checks of *zones*."""
        templates = [one for one in self._templates if self._is_of_zones(one)]
        for_any = [one for one in templates if one.table["probe"].text in _OF_ANY_ZONE]  # type: ignore[union-attr]
        self._by_templates(templates, [zone for zone in zones if not zone.endswith(_REVERSE)])
        self._by_templates(for_any, [zone for zone in zones if zone.endswith(_REVERSE)])
        for zone in zones if not for_any else ():
            self._add(f"dns/{zone}", _zone_check(host, zone))

    def _by_templates(self, templates: Iterable[Template], names: Sequence[str]) -> None:
        for template in templates:
            # One that is there and not looked at (disabled, or CHANGE_ME), or was just written, is not written twice.
            new = [name for name in names if template.named(name) not in self._taken]
            self._taken.update(map(template.named, new))
            if new:
                self._add(*template.written_for(new, self._variable(template)))

    def _variable(self, template: Template) -> str:
        taken = {*self._section, *self.checks}
        words = ("found", *(f"found{number}" for number in range(2, len(taken) + 3)))
        return next(word for word in words if template.written_for((), word)[0] not in taken)

    def _add(self, name: str, check: dict[str, Any]) -> None:
        if name not in self._taken:
            self.checks[name] = check

    def _watched(self, template: Template) -> list[tuple[str, Check]]:
        return [(v, self._known[name]) for v in template.values if (name := template.named(v)) in self._known]

    def _is_of_sites(self, template: Template, host: str) -> bool:
        """Whether each of its checks watches the one site on *host* that its value names."""
        each = self._watched(template)
        return bool(each) and all(
            check.subject.host == host and check.probe.covers.sites == {value.lower()} for value, check in each
        )

    def _is_of_zones(self, template: Template) -> bool:
        """Whether its list is one of watched zones, and its checks ask for them and not for a site."""
        each = self._watched(template)
        return bool(each) and all(
            value.lower() in self._zones and not check.probe.covers.sites for value, check in each
        )

    def _dial(self, host: str) -> str:
        known = self._settings.hosts[host]
        return known.public or known.address


def _templates(section: Table) -> Iterator[Template]:
    for name, table in section.items():
        each = table.get("each") if isinstance(table, Table) else None
        if not isinstance(table, Table) or not isinstance(each, Table) or len(each) != 1:
            continue
        ((variable, listed),) = each.items()
        if isinstance(listed, Items) and all(isinstance(value, Scalar) for value in listed):
            values = tuple(value.text for value in listed if isinstance(value, Scalar))
            yield Template(name=name, table=table, variable=variable, values=values)


def _with(tree: Tree, old: str, new: str) -> Any:
    """The plain value of *tree*, with one variable's name for another's."""
    match tree:
        case Scalar() if old in tree.text:
            return tree.text.replace(old, new)
        case Table():
            return {key.replace(old, new): _with(value, old, new) for key, value in tree.items()}
        case Items():
            return [_with(item, old, new) for item in tree]
    return untyped(tree)


def _site_check(host: str, dial: str, site: Site) -> dict[str, Any]:
    scheme = "https" if site.tls else "http"
    port = "" if _PORTS[scheme] == site.port else f":{site.port}"
    check: dict[str, Any] = {"probe": "http", "host": host, "service": site.name,
                             "url": f"{scheme}://{site.name}{port}/", "dial": dial}  # fmt: skip
    if site.status:
        check["expect"] = {"status": site.status, **({"redirect": site.leads_to} if site.leads_to else {})}
    if site.tls:
        check["certificate"] = {"warn": "14d"}
    return check


def _zone_check(host: str, zone: str) -> dict[str, Any]:
    return {"probe": "dns", "host": host, "service": zone, "name": zone, "type": "SOA", "expect": {"count": 1}}
