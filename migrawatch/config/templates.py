"""Templates of the operator's own: read, and tried on every kind of page, before anything depends on them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from migrawatch.config.problem import Place, Report, near
from migrawatch.config.tree import Table


def placed(receivers: Mapping[str, Any], section: Table, base: Path, report: Report) -> dict[str, Any]:
    """*receivers* with the folders of their templates where they are: one that is not absolute lies in *base*.

    What is wrong with a template is told at its own file and line.
    """
    found = dict(receivers)
    for name, receiver in receivers.items():
        folder, tree = getattr(receiver, "templates", ""), section[name]
        if folder and isinstance(tree, Table):
            found[name] = replace(receiver, templates=str(base / folder))
            _try(base / folder, tree["templates"].place, f"receivers.{name}.templates", report)
    return found


def _try(folder: Path, place: Place, path: str, report: Report) -> None:
    # Only who has templates pays for importing what fills them.
    from migrawatch.tell.specimen import specimens
    from migrawatch.tell.template import NAMES, read_templates

    try:
        templates = read_templates(str(folder))
        names = sorted(entry.name for entry in folder.iterdir())
    except (OSError, ValueError) as error:
        report.wrong(place, path, f"cannot be read: {error}")
        return
    if not any(name in NAMES for name in names):
        report.wrong(place, path, f"no template is in {folder}; there may be {', '.join(NAMES)}")
    for name in names:
        # What begins with an underscore is included by others.
        if name not in NAMES and not name.startswith(("_", ".")):
            meant = near(name, NAMES)
            report.warn(place, path, f"nothing uses {name}" + (f"; did you mean {meant!r}?" if meant else ""))
    for broken in templates.broken(specimens()):
        report.wrong(Place(broken.file, broken.line, 1), path, broken.what)
