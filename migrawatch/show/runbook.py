"""The runbook as a page: docs/runbook.md in HTML, every section under the name that a page's link ends with."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from migrawatch.show.markup import Html, fill
from migrawatch.show.page import POLICY_FRAME, STYLE, allowed

_HERE = Path(__file__).parent


def runbook_file() -> Path:
    """docs/runbook.md of the checkout, or its copy in an installed package."""
    beside = _HERE / "runbook.md"
    return beside if beside.exists() else _HERE.parents[1] / "docs" / "runbook.md"


TEXT = runbook_file().read_text()
OWN_STYLE = (_HERE / "runbook.css").read_text()

POLICY = POLICY_FRAME.format(sources=f"style-src {allowed(STYLE)} {allowed(OWN_STYLE)}")
"""The runbook's Content-Security-Policy: our two styles, and no script at all."""

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Runbook · migrawatch</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<style>{style}</style><style>{own}</style></head><body>
<header class="small"><a href="./">← what is broken now</a></header>
<main class="runbook">{text}</main></body></html>
"""


@cache
def runbook() -> str:
    """The whole page. Made once, in some hundredths of a second: not for the loop."""
    return fill(_FRAME, style=Html(STYLE), own=Html(OWN_STYLE), text=rendered(TEXT))


def rendered(text: str) -> Html:
    """Markdown (CommonMark and tables) in HTML; HTML that stands in it is shown, never passed on."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for heading, title in _headings(tokens):
        heading.attrSet("id", anchor(title))
    for token in tokens:
        if token.children:
            token.children = list(_led(token.children))
    return Html(markdown.renderer.render(tokens, markdown.options, {}))


def anchor(title: str) -> str:
    """The name under which a link finds the heading *title*, as GitHub makes it: the links of the text hold in both."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _headings(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            yield token, following.content


def _led(tokens: Iterable[Token]) -> Iterator[Token]:
    """A link to another file of docs/, which is not served, says the file's name instead."""
    elsewhere = ""
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href"))
            elsewhere = "" if address.startswith(("#", "https://", "http://")) else address.partition("#")[0]
        if not elsewhere or token.type not in ("link_open", "link_close"):
            yield token
        elif token.type == "link_close":
            yield Token("text", "", 0, content=f" (docs/{elsewhere})")
            elsewhere = ""
