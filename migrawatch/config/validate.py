"""Reading a dataclass out of a tree, and every pydantic error as a problem with its place."""

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from migrawatch.config.problem import Report, near
from migrawatch.config.secrets import Secrets
from migrawatch.config.shape import adapter_of, keys_beside
from migrawatch.config.tree import Table, place_of, words_of

T = TypeVar("T")

_WANTED = {
    "tuple_type": "wanted a list",
    "list_type": "wanted a list",
    "frozen_set_type": "wanted a list",
    "dict_type": "wanted a mapping",
    "too_short": "wanted more values",
    "too_long": "wanted fewer values",
}


def validate(
    kind: type[T], table: Table, path: str, secrets: Secrets, report: Report, known: tuple[str, ...] = ()
) -> T | None:
    """Read a *kind* out of *table*; None, with everything noted in *report*, if it does not fit.

    *known* are further keys that could have been meant by an unknown one.
    """
    try:
        valid: T = adapter_of(kind).validate_python(table, context={"secrets": secrets})
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        # Where one of several types may stand, only the one that was meant is told of: the one that fits deepest.
        led = [_led_to(table, detail) for detail in details]
        for detail, words in zip(details, led, strict=True):
            if not any(other != words and other.startswith(words) and other[len(words)] in ".[" for other in led):
                _tell(kind, table, path, detail, report, known)
        return None
    return valid


def _tell(
    kind: type[Any], table: Table, path: str, detail: ErrorDetails, report: Report, known: tuple[str, ...]
) -> None:
    loc = detail["loc"]
    where = ".".join(filter(None, (path, words_of(table, loc))))
    match detail["type"]:
        case "missing":
            report.wrong(place_of(table, loc[:-1]), path_of(where, loc[-1]), "must be set")
        case "extra_forbidden":
            beside = (*keys_beside(kind, loc), *(known if len(loc) == 1 else ()))
            report.wrong(place_of(table, loc, of_key=True), where, "unknown key", near(str(loc[-1]), beside))
        case "value_error":
            report.wrong(place_of(table, loc), where, str(detail["ctx"]["error"]))
        case other:
            report.wrong(place_of(table, loc), where, _WANTED.get(other, detail["msg"]))


def _led_to(table: Table, detail: ErrorDetails) -> str:
    words = words_of(table, detail["loc"])
    return path_of(words, detail["loc"][-1]) if detail["type"] == "missing" else words


def path_of(path: str, key: int | str) -> str:
    """*path* with one more key."""
    return f"{path}.{key}" if path else str(key)
