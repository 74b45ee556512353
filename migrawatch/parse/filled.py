"""Templates that are filled with what an expression matched."""

import re
from collections.abc import Mapping

_PLACE = re.compile(rb"\$(?:\$|\{(\w+)\}|(\w+))")


def filled(template: bytes, groups: Mapping[str, bytes]) -> bytes:
    """*template* with `${1}`, `$1` and `${name}` filled in; `$$` is a dollar, a group that there is not is empty."""

    def part(place: "re.Match[bytes]") -> bytes:
        name = place[1] or place[2]
        return b"$" if name is None else groups.get(name.decode(), b"")

    return _PLACE.sub(part, template)
