"""Frozen values to JSON and back, driven by their types: what is on disk is text that a person can read.

Tolerant of fields that were added (the default is taken) or are not known any more (they are passed over); strict in
everything else. Unions of dataclasses carry the class's name under `is`.
"""

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from migrawatch.model import Secret

T = TypeVar("T")
Encode = Callable[[Any], Any]
Decode = Callable[[Any], Any]

TAG = "is"


class Malformed(ValueError):
    """What was read is not what its type says."""


def dumps(kind: Any, value: Any) -> str:
    """*value*, which is a *kind* (a type, or a union), as compact JSON."""
    return json.dumps(_codec(kind)[0](value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def loads(kind: type[T], text: str) -> T:
    """The *kind* that `dumps` wrote as *text*. Raise Malformed."""
    hashable: Any = kind
    try:
        plain = json.loads(text)
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from error
    return cast(T, _codec(hashable)[1](plain))


def digest_of(settings: Any) -> str:
    """A digest of a frozen dataclass of settings, by which what was remembered is dropped when they change.

    Secrets do not count: a renewed password changes nothing that is worth forgetting.
    """
    return sha256(json.dumps(_plain(settings), sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {TAG: type(value).__qualname__, **fields}
    if isinstance(value, Secret):
        return "secret"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@cache
def _codec(kind: Any) -> tuple[Encode, Decode]:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union(get_args(kind))
    if origin is tuple:
        return _tuple(get_args(kind))
    if origin is Literal:
        return _literal(get_args(kind))
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _mapping(get_args(kind))
    if dataclasses.is_dataclass(kind):
        return _dataclass(cast(type, kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind)
    if kind is datetime:
        return _time()
    if kind in (str, int, float, bool, types.NoneType):
        return _scalar(kind)
    raise TypeError(f"cannot be stored: {kind!r}")


def _scalar(kind: type) -> tuple[Encode, Decode]:
    # JSON has one kind of number: 30.0 may come back as 30. A bool is an int to isinstance, and not to us.
    accepted = (int, float) if kind is float else kind

    def check(value: Any) -> Any:
        sound: bool = isinstance(value, accepted) and (kind is bool or not isinstance(value, bool))
        if not sound:
            raise Malformed(f"{value!r}, wanted {kind.__name__}")
        return float(value) if kind is float else value

    return check, check


def _time() -> tuple[Encode, Decode]:
    def encode(value: datetime) -> str:
        if value.tzinfo is None:
            raise Malformed(f"{value} has no time zone")
        return value.astimezone(UTC).isoformat()

    def decode(value: Any) -> datetime:
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (TypeError, ValueError) as error:
            raise Malformed(f"{value!r}, wanted a time") from error

    return encode, decode


def _enum(kind: type[Enum]) -> tuple[Encode, Decode]:
    def decode(value: Any) -> Enum:
        try:
            return kind(value)
        except ValueError as error:
            raise Malformed(f"{value!r} is no {kind.__name__}") from error

    return lambda member: member.value, decode


def _literal(members: tuple[Any, ...]) -> tuple[Encode, Decode]:
    def check(value: Any) -> Any:
        if value not in members:
            raise Malformed(f"{value!r}, wanted one of {members}")
        return value

    return check, check


def _tuple(parts: tuple[Any, ...]) -> tuple[Encode, Decode]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        encode, decode = _codec(parts[0])
        return lambda items: [encode(item) for item in items], lambda items: tuple(map(decode, _sequence(items)))
    codecs = [_codec(part) for part in parts]

    def decode_each(items: Any) -> tuple[Any, ...]:
        if len(_sequence(items)) != len(codecs):
            raise Malformed(f"{len(items)} items, wanted {len(codecs)}")
        return tuple(decode(item) for (_, decode), item in zip(codecs, items, strict=True))

    return lambda items: [code[0](item) for code, item in zip(codecs, items, strict=True)], decode_each


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{value!r}, wanted a list")
    return value


def _mapping(parts: tuple[Any, ...]) -> tuple[Encode, Decode]:
    if parts[0] is not str:
        raise TypeError("only mappings with str keys can be stored")
    encode, decode = _codec(parts[1])

    def decode_all(value: Any) -> dict[str, Any]:
        return {key: decode(item) for key, item in _object(value).items()}

    return lambda mapping: {key: encode(item) for key, item in mapping.items()}, decode_all


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{value!r}, wanted an object")
    return value


def _dataclass(kind: type) -> tuple[Encode, Decode]:
    hints = get_type_hints(kind)
    fields = [(field.name, *_codec(hints[field.name]), _has_default(field)) for field in dataclasses.fields(kind)]

    def encode(value: Any) -> dict[str, Any]:
        return {name: code(getattr(value, name)) for name, code, _, _ in fields}

    def decode(value: Any) -> Any:
        found = {}
        for name, _, decode_field, optional in fields:
            if name in _object(value):
                found[name] = _within(name, decode_field, value[name])
            elif not optional:
                raise Malformed(f"{kind.__name__} without {name}")
        return kind(**found)

    return encode, decode


def _within(name: str, decode: Decode, value: Any) -> Any:
    try:
        return decode(value)
    except Malformed as error:
        raise Malformed(f"{name}: {error}") from error


def _has_default(field: "dataclasses.Field[Any]") -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _union(members: tuple[Any, ...]) -> tuple[Encode, Decode]:
    rest = tuple(member for member in members if member is not types.NoneType)
    if len(rest) < len(members):
        encode, decode = _codec(rest[0]) if len(rest) == 1 else _union(rest)
        return (lambda v: None if v is None else encode(v)), (lambda v: None if v is None else decode(v))
    if not all(dataclasses.is_dataclass(member) for member in rest):
        raise TypeError(f"a union of anything but dataclasses cannot be stored: {members}")
    codecs = {member.__name__: _codec(member) for member in rest}

    def encode_one(value: Any) -> dict[str, Any]:
        name = type(value).__name__
        return {TAG: name, **codecs[name][0](value)}

    def decode_one(value: Any) -> Any:
        name = _object(value).get(TAG)
        if name not in codecs:
            raise Malformed(f"{name!r}, wanted one of {tuple(codecs)}")
        return codecs[name][1](value)

    return encode_one, decode_one
