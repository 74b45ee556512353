"""Every parser of what comes from outside is a target, or is named here with the reason why it is none."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from tests.fuzz.found import FOUND
from tests.fuzz.targets import SECOND_SAMPLES, TARGETS

PACKAGE = Path(__file__).parents[2] / "migrawatch"

OURS = {
    "parse.cors.preflight_headers": "writes what we ask, from the configuration",
    "parse.dkim.key_name": "joins a selector and a domain that were read, or are of the configuration",
    "parse.dnsbl.meaning": "looks a code up that is_listing has read",
    "parse.dnsbl.points_to_test": "takes an address of the configuration",
    "parse.dnsbl.question": "takes an address of the configuration",
    "parse.grpc.health_check": "writes what we ask, from the configuration",
    "parse.marked_mail.check_mark": "takes a check's name",
    "parse.marked_mail.write_mail": "writes our own mail",
    "parse.place.is_socket": "takes an address of the configuration",
    "parse.place.place_of": "writes an address and a port of the configuration",
    "parse.sigv4.encoded": "writes what we ask, from the configuration",
    "parse.sigv4.query_of": "writes what we ask, from the configuration",
    "parse.sigv4.signed_headers": "writes what we ask, from the configuration",
    "parse.smtp.stuffed": "writes our own mail",
    "config.read.parse_yaml": "reads the configuration",
    "config.values.parse_duration": "reads the configuration",
    "config.values.parse_pattern": "reads the configuration",
    "config.values.parse_size": "reads the configuration",
}
"""Functions that nothing from outside reaches, each with what it takes instead."""


def parsers() -> Iterator[tuple[str, str, str]]:
    """Every public function of migrawatch/parse and every `parse_` elsewhere: what we call it, its file, its name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).with_suffix("")
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            if node.name.startswith("parse_") or (place.parts[0] == "parse" and node.col_offset == 0):
                yield ".".join((*place.parts, node.name)), str(path), node.name


def called_by_targets() -> set[tuple[str, str]]:
    """Every function that is called while the targets take their samples: its file, and its name."""
    called: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add((frame.f_code.co_filename, frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for name, target in TARGETS.items():
            # With a blank at its end it is read anew where equal texts are read once.
            for said in (target.sample_bytes, target.sample_bytes + b" ", *SECOND_SAMPLES.get(name, ())):
                target.take_bytes(said)
    finally:
        sys.setprofile(before)
    return called


def test_every_parser_is_a_target_or_named_with_its_reason() -> None:
    called = called_by_targets()
    left = {name for name, path, function in parsers() if (path, function) not in called}

    assert left - set(OURS) == set(), "a parser that nothing feeds: make it a target, or say in OURS why not"


def test_what_is_named_as_no_target_is_there_and_is_none() -> None:
    called = called_by_targets()
    untouched = {name for name, path, function in parsers() if (path, function) not in called}

    assert set(OURS) - untouched == set()


def test_what_was_found_and_what_comes_second_belong_to_targets() -> None:
    assert set(FOUND) | set(SECOND_SAMPLES) <= set(TARGETS)
