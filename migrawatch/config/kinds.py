"""The kinds of probes there are: ours by listing the folder, others' by their entry points; imported when named."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points

import migrawatch_probes
from migrawatch.config.problem import near
from migrawatch.probe import Probe

GROUP = "migrawatch.probes"
"""The entry-point group in which other packages name their kinds: `redis = "their_package.redis"`."""


class KindError(Exception):
    """There is no such kind, or its module cannot be used. *meant* is a near name."""

    def __init__(self, what: str, meant: str = "") -> None:
        super().__init__(what)
        self.meant = meant


class Kinds:
    """Kinds by name. *modules* tells the module that defines each; *known* are classes that are at hand already."""

    def __init__(self, modules: Mapping[str, str], known: Mapping[str, type[Probe]] | None = None) -> None:
        self._modules = dict(modules)
        self._classes: dict[str, type[Probe]] = dict(known or {})

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._modules, *self._classes}))

    def find(self, name: str) -> type[Probe]:
        """The class of a kind. Raise KindError."""
        if name not in self._classes:
            if name not in self._modules:
                raise KindError(f"unknown kind of probe {name!r}", near(name, self))
            self._classes[name] = _probe_of(self._modules[name])
        return self._classes[name]


def discover() -> Kinds:
    """Every kind that is installed. Raise KindError naming both modules if two have one name."""
    ours = [
        (found.name, f"{migrawatch_probes.__name__}.{found.name}")
        for found in pkgutil.iter_modules(migrawatch_probes.__path__)
        if not found.name.startswith("_")
    ]
    others = [(point.name, point.value) for point in entry_points(group=GROUP)]
    return Kinds(without_clashes([*ours, *others]))


def without_clashes(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Modules by kind. Raise KindError for a kind that two modules define."""
    modules: dict[str, str] = {}
    for name, module in found:
        if (first := modules.setdefault(name, module)) != module:
            raise KindError(f"the kind {name!r} is defined twice: by {first} and by {module}")
    return modules


def _probe_of(module_name: str) -> type[Probe]:
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        # A kind may be anybody's code; what is wrong with it must not take the daemon's reload down with it.
        raise KindError(f"{module_name} cannot be loaded: {type(error).__name__}: {error}") from error
    probes = [
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Probe) and found.__module__ == module_name and not found.__name__.startswith("_")
    ]
    if len(probes) != 1:
        names = ", ".join(found.__name__ for found in probes) or "none"
        raise KindError(f"{module_name} must define exactly one Probe, it defines {names}")
    return probes[0]
