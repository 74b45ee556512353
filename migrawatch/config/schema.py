"""The JSON Schema of a configuration, for editors: every key, every kind's settings."""

from typing import Any

from pydantic import TypeAdapter

from migrawatch.config.blackbox.section import Blackbox
from migrawatch.config.described import descriptions
from migrawatch.config.heartbeat import Heartbeat
from migrawatch.config.hosts import BY_SSH, HostKeys, given
from migrawatch.config.keys import CheckKeys, Defaults
from migrawatch.config.kinds import Kinds, discover
from migrawatch.config.maintenance import WindowKeys
from migrawatch.config.receivers import RECEIVERS
from migrawatch.config.settings import Daemon, SshAccess
from migrawatch.config.shape import adapter_of, settings_of
from migrawatch.config.uplinks import GIVEN
from migrawatch.config.watches import WatchKeys
from migrawatch.decide.route import Route
from migrawatch.probe import Probe
from migrawatch.reason import Reason

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kinds: Kinds | None = None) -> dict[str, Any]:
    """The schema of a whole configuration with the kinds that are installed (or *kinds*)."""
    found = kinds or discover()
    probes = {name: found.find(name) for name in found}
    shapes: dict[str, type[Any]] = {
        "daemon": Daemon, "ssh": SshAccess, "host": HostKeys, "defaults": Defaults, "check": CheckKeys, "route": Route,
        "watch": WatchKeys, "window": WindowKeys, "heartbeat": Heartbeat, "blackbox": Blackbox,
        **{f"receiver-{name}": shape for name, shape in RECEIVERS.items()},
        **{f"probe-{name}": probe for name, probe in probes.items()},
    }  # fmt: skip
    inputs = [(name, "validation", adapter_of(shape)) for name, shape in shapes.items()]
    schemas, definitions = TypeAdapter.json_schemas(inputs)  # type: ignore[arg-type]
    defs: dict[str, Any] = dict(definitions.get("$defs", {}))
    whole = {name: _whole(schemas[(name, "validation")], defs, shape) for name, shape in shapes.items()}
    return {
        "$schema": _DIALECT,
        "title": "migrawatch configuration",
        "type": "object",
        "additionalProperties": False,
        "properties": _sections(whole, probes),
        "$defs": defs,
    }


def _whole(schema: Any, defs: dict[str, Any], shape: type[Any]) -> dict[str, Any]:
    """One shape's schema with its reference followed, its fields described and defaults left to the reference."""
    schema = dict(schema)
    if ref := schema.pop("$ref", ""):
        schema = dict(defs[ref.rpartition("/")[2]])
    said = descriptions(shape)
    properties = {}
    for key, setting in settings_of(shape).items():
        described = {"description": said[setting.name]} if setting.name in said else {}
        properties[key] = {**schema["properties"][key], **described}
    return {**schema, "properties": properties}


def _sections(whole: dict[str, Any], probes: dict[str, type[Probe]]) -> dict[str, Any]:
    return {
        "include": {"type": ["array", "string"], "items": {"type": "string"}},
        "daemon": whole["daemon"],
        "ssh": whole["ssh"],
        "hosts": {"type": "object", "additionalProperties": whole["host"]},
        "defaults": whole["defaults"],
        "checks": _checks(whole, probes),
        "watch": {"type": "object", "additionalProperties": whole["watch"]},
        "maintenance": {"type": "object", "additionalProperties": whole["window"]},
        "receivers": {"type": "object", "additionalProperties": _receiver(whole)},
        "routes": {"type": "array", "items": whole["route"]},
        "heartbeat": whole["heartbeat"],
        "blackbox": whole["blackbox"],
    }


def _checks(whole: dict[str, Any], probes: dict[str, type[Probe]]) -> dict[str, Any]:
    """A check named `host/NAME`, `ssh/NAME` or after an uplink need not say its kind and host."""
    check = _check(whole, probes)
    itself = {key: value for key, value in check.items() if key != "required"}
    named = "|".join((*(f"{kind}/" for kind in BY_SSH), *(f"{name}$" for name in GIVEN)))
    return {
        "type": "object",
        "patternProperties": {f"^({named})": itself, f"^(?!{named})": check},
        "additionalProperties": False,
    }


def _check(whole: dict[str, Any], probes: dict[str, type[Probe]]) -> dict[str, Any]:
    """Every check has the reserved keys; which others it has depends on what `probe` says."""
    common = dict(whole["check"]["properties"])
    common["probe"] = {**common["probe"], "enum": list(probes)}
    common["remedy"] = {**common["remedy"], "propertyNames": {"enum": [str(reason) for reason in Reason]}}
    common["each"] = {
        "description": "Values by name, or lists of values: one check for each, with {name} filled in.",
        "type": ["array", "object"],
    }
    return {
        "type": "object",
        "required": ["probe", "host"],
        "properties": common,
        "allOf": [_if_probe(name, probe, common, whole[f"probe-{name}"]) for name, probe in probes.items()],
    }


def _if_probe(name: str, probe: type[Probe], common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    needed = [key for key in own.get("required", []) if key not in given(name)]
    then = {
        "description": (probe.__doc__ or "").strip().partition("\n")[0],
        "properties": {**dict.fromkeys(common, True), **own["properties"]},
        "required": needed,
        "additionalProperties": False,
    }
    return {"if": {"properties": {"probe": {"const": name}}, "required": ["probe"]}, "then": then}


def _receiver(whole: dict[str, Any]) -> dict[str, Any]:
    kinds = []
    for name in RECEIVERS:
        own = whole[f"receiver-{name}"]
        properties = {"kind": {"const": name}, **own["properties"]}
        kinds.append({**own, "properties": properties, "required": ["kind", *own.get("required", [])]})
    return {"anyOf": kinds}
