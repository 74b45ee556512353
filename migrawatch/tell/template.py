"""The templates of pages for mail programs and chats. What was seen is escaped: evidence is not markup."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from migrawatch.tell.page import headline, lines_of
from migrawatch.tell.receiver import Letter


def rendered(name: str, letter: Letter, link: str = "") -> str:
    """The template *name* filled with *letter*; *link* is where people find the status page, if they can."""
    incident = letter.notice.incident
    return _environment().get_template(name).render(
        headline=headline(letter),
        lines=tuple(lines_of(letter)),
        incident=incident,
        resolved=incident.resolved_at is not None,
        link=f"{link.rstrip('/')}/#incident-{incident.id}" if link else "",
    )  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("migrawatch.tell"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
