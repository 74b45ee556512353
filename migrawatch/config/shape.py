"""From a dataclass to a pydantic adapter that reads it out of a tree: strict about keys, kind about scalars.

Every leaf reads the text that was written (see `Scalar`) by what its type wants, so that `version: 1.10` stays text,
`port: "2271"` is a number, and `yes` is refused where true is wanted. Dataclasses stay plain; pydantic lives here only.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.functional_validators import AfterValidator, WrapValidator
from typing_extensions import TypedDict

from migrawatch.config.problem import near
from migrawatch.config.tree import Items, Scalar, Table, number_of, shown, untyped
from migrawatch.config.values import parse_duration, parse_pattern, parse_size
from migrawatch.model import Secret

T = TypeVar("T")

_FORBID = ConfigDict(extra="forbid")
_settings: "dict[type[Any], dict[str, Field[Any]]]" = {}
_adapters: dict[type[Any], TypeAdapter[Any]] = {}
# Called through a plain name: type checkers know TypedDict only with its keys spelt out.
_typed_dict: Callable[[str, dict[str, Any]], Any] = TypedDict  # type: ignore[assignment]


def adapter_of(kind: type[T]) -> TypeAdapter[T]:
    """The adapter that reads a *kind* (a dataclass) from a Table; its context must have `secrets`."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(_shape(kind))
    return _adapters[kind]


def key_of(setting: "Field[Any]") -> str:
    """How a field is written in the configuration: its name, or metadata `key` where the name is a Python word."""
    return str(setting.metadata.get("key", setting.name))


def settings_of(kind: type[Any]) -> "Mapping[str, Field[Any]]":
    """The settable fields of a dataclass, by the key that sets them."""
    if kind not in _settings:
        _settings[kind] = {key_of(setting): setting for setting in fields(kind) if setting.init}
    return _settings[kind]


def required(setting: "Field[Any]") -> bool:
    """Whether a field must be set."""
    return setting.default is MISSING and setting.default_factory is MISSING


def hints_of(kind: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, with their marks (Seconds, Bytes, Pattern)."""
    return get_type_hints(kind, include_extras=True)


def keys_beside(kind: type[Any], loc: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that may stand where the last one of *loc* (a path into *kind*) stands."""
    kinds = [kind]
    for step in loc[:-1]:
        inner = [hints_of(k)[settings_of(k)[str(step)].name] for k in kinds if step in settings_of(k)]
        kinds = [found for hint in inner for found in _dataclasses_in(hint)] or kinds
    return tuple(key for k in kinds for key in settings_of(k))


def _dataclasses_in(hint: Any) -> list[type[Any]]:
    if is_dataclass(hint):
        return [hint]  # type: ignore[list-item]
    return [found for arg in get_args(hint) for found in _dataclasses_in(arg)]


def _shape(hint: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _MARKED[next(mark for mark in args[1:] if mark in _MARKED)] if _marked(args) else _shape(args[0])
    if hint in _LEAVES:
        return _LEAVES[hint]
    if origin is Literal or (isinstance(hint, type) and issubclass(hint, Enum)):
        return _choice(hint, args)
    if origin in (Union, types.UnionType):
        return _union(args)
    if origin in (tuple, list, frozenset, Sequence):
        return _several(hint, origin, args)
    if origin in (dict, Mapping):
        return dict[str, _shape(args[1])]  # type: ignore[misc]
    if is_dataclass(hint):
        return _twin(hint)  # type: ignore[arg-type]
    raise TypeError(f"a setting cannot have the type {hint!r}")


def _marked(args: tuple[Any, ...]) -> bool:
    return any(isinstance(mark, str) and mark in _MARKED for mark in args[1:])


def _twin(kind: type[Any]) -> Any:
    """A TypedDict with the keys of *kind*, turned into a *kind* once it is valid."""
    hints = hints_of(kind)
    settable = settings_of(kind)
    names = {key: setting.name for key, setting in settable.items()}
    shapes = {
        key: _shape(hints[setting.name]) if required(setting) else NotRequired[_shape(hints[setting.name])]
        for key, setting in settable.items()
    }
    twin: Any = _typed_dict(kind.__name__, shapes)
    twin.__pydantic_config__ = _FORBID
    return Annotated[twin, AfterValidator(lambda valid: kind(**{names[key]: value for key, value in valid.items()}))]


def _leaf(base: Any, wanted: str, read: Callable[[str], Any], schema: dict[str, Any]) -> Any:
    def value_of(written: Any) -> Any:
        if not isinstance(written, Scalar) or written.empty:
            hint = "; text with braces needs quotes" if isinstance(written, Table) else ""
            raise ValueError(f"wanted {wanted}, got {shown(written)}{hint}")
        return read(written.text)

    return Annotated[base, BeforeValidator(value_of), WithJsonSchema(schema)]


def _int(text: str) -> int:
    number = number_of(text)
    if not isinstance(number, int):
        raise ValueError(f"wanted a whole number, got {text!r}")
    return number


def _float(text: str) -> float:
    number = number_of(text)
    if number is None:
        raise ValueError(f"wanted a number, got {text!r}")
    return float(number)


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"wanted true or false, got {text!r}")
    return text == "true"


def _secret(written: Any, run: ValidationInfo) -> Secret:
    secret: Secret = run.context["secrets"].secret_of(written)  # type: ignore[index]
    return secret


_SECRET_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("file", "env", "credential")},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
_LATER = r"|\{|CHANGE_ME"
"""What may stand in every text until `each` fills it in, or the operator does."""
_NUMBER_TEXT = {"type": "string", "pattern": r"^[-+0-9.eE]+$" + _LATER}

_LEAVES: dict[Any, Any] = {
    str: _leaf(str, "text", str, {"type": ["string", "number", "boolean"]}),
    int: _leaf(int, "a whole number", _int, {"anyOf": [{"type": "integer"}, _NUMBER_TEXT]}),
    float: _leaf(float, "a number", _float, {"anyOf": [{"type": "number"}, _NUMBER_TEXT]}),
    bool: _leaf(bool, "true or false", _bool, {"enum": [True, False]}),
    Secret: Annotated[Any, PlainValidator(_secret), WithJsonSchema(_SECRET_SCHEMA)],
    Any: Annotated[Any, PlainValidator(untyped), WithJsonSchema({})],
    object: Annotated[Any, PlainValidator(untyped), WithJsonSchema({})],
}
_DURATION_SCHEMA = {"type": "string", "pattern": r"^([0-9.]+(ms|s|m|h|d|w))+$" + _LATER}
_SIZE_SCHEMA = {
    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^[0-9.]+ ?[kKMGT]?i?B$|^[0-9]+$" + _LATER}]
}
_MARKED: dict[str, Any] = {
    "seconds": _leaf(float, "a length of time such as 30s", parse_duration, _DURATION_SCHEMA),
    "bytes": _leaf(int, "a size such as 64KiB", parse_size, _SIZE_SCHEMA),
    "written": _leaf(Any, "text", Secret, {"type": ["string", "number", "boolean"]}),
    "pattern": _leaf(str, "a regular expression", parse_pattern, {"type": "string"}),
}


def _choice(hint: Any, args: tuple[Any, ...]) -> Any:
    members = {str(arg): arg for arg in args} or {str(member.value): member for member in hint}

    def read(text: str) -> Any:
        if text not in members:
            raise ValueError(f"unknown value {text!r} (one of {', '.join(members)})" + meant(text, members))
        return members[text]

    return _leaf(Any, f"one of {', '.join(members)}", read, {"enum": [*args] or list(members)})


def meant(word: str, known: Any) -> str:
    """The end of a message that suggests a near word; empty without one."""
    likely = near(word, known)
    return f"; did you mean {likely!r}?" if likely else ""


def _several(hint: Any, origin: Any, args: tuple[Any, ...]) -> Any:
    fixed = origin is tuple and not (len(args) == 2 and args[1] is Ellipsis)
    if fixed:
        return tuple[tuple(_shape(arg) for arg in args)]  # type: ignore[misc]
    item = _shape(args[0])
    shape = tuple[item, ...] if origin in (tuple, Sequence) else origin[item]  # type: ignore[valid-type]
    return Annotated[shape, BeforeValidator(_as_items), _OneOrMany()]


class _OneOrMany:
    """Tells editors that one value stands for a list of it."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many.get("items", {}), many]}


def _as_items(written: Any) -> Any:
    """One value stands for a list of it."""
    if isinstance(written, Items):
        return written
    if isinstance(written, Scalar) and written.empty:
        raise ValueError("wanted a list, got nothing; leave the key out or write []")
    return [written]


def _union(args: tuple[Any, ...]) -> Any:
    members = [arg for arg in args if arg is not types.NoneType]
    shapes = [_shape(arg) for arg in members]
    if len(shapes) == 1:
        return shapes[0]

    def first(written: Any, ask: Callable[[Any], Any], run: ValidationInfo) -> Any:
        if Secret in members and isinstance(written, Table):
            return _secret(written, run)
        if not isinstance(written, Scalar):
            return ask(written)
        # What is written as a number is one where a number may stand, though its text would do.
        if not written.empty and type(typed := written.typed()) in members:
            return typed
        try:
            return ask(written)
        except ValidationError as error:
            reasons = [str(each.get("ctx", {}).get("error", each["msg"])) for each in error.errors()]
            raise ValueError("; or ".join(dict.fromkeys(reasons))) from error

    return Annotated[Union[tuple(shapes)], WrapValidator(first)]  # noqa: UP007
