"""One written check becomes many: only the names of `each` are filled in, and all of them must be used."""
# ruff: noqa: E501 (a case a line reads best)

from typing import Any

import pytest

from tests.config.conftest import Folder


def probes(folder: Folder, text: str) -> dict[str, Any]:
    return {check.name: check.probe for check in folder.checks(text).checks if not check.implicit}


def test_a_list_of_mappings_makes_one_check_a_row(folder: Folder) -> None:
    found = probes(
        folder,
        """\
        proxy/{name}:
          each:
            - {name: api, path: /api/, port: 2271}
            - {name: ui, path: /, port: 2272}
          probe: page
          host: web
          url: "http://10.0.0.1:{port}{path}"
          port: "{port}"
        """,
    )

    assert {name: (page.url, page.port) for name, page in found.items()} == {
        "proxy/api": ("http://10.0.0.1:2271/api/", 2271),
        "proxy/ui": ("http://10.0.0.1:2272/", 2272),
    }


def test_a_mapping_of_lists_makes_every_combination(folder: Folder) -> None:
    found = probes(
        folder,
        "{a}-{b}: {each: {a: [x, y], b: [1, 2]}, probe: page, host: web, url: a}".replace("{a}-{b}:", '"{a}-{b}":'),
    )

    assert list(found) == ["x-1", "x-2", "y-1", "y-2"]


def test_other_braces_stay(folder: Folder) -> None:
    found = probes(
        folder,
        """\
        p/{n}:
          each: {n: [1]}
          probe: page
          host: web
          url: "{n} {{n}} {m} ${n} {}"
        """,
    )

    assert found["p/1"].url == "1 {1} {m} $1 {}"


def test_a_value_that_is_one_name_keeps_its_type(folder: Folder) -> None:
    """A list, a mapping, a text in quotes: what stands in the row stands in the check."""
    found = probes(
        folder,
        """\
        p/{n}:
          each:
            - {n: 1, words: [a, b], expect: {status: [301, 302]}, value: "7"}
            - {n: 2, words: c, expect: {status: 200}, value: 7}
          probe: page
          host: web
          url: "{n}"
          words: "{words}"
          expect: "{expect}"
          value: "{value}"
        """,
    )

    assert [(page.words, page.expect.status, page.value) for page in found.values()] == [
        (("a", "b"), (301, 302), "7"),
        (("c",), 200, 7),
    ]


def test_names_are_filled_in_everywhere(folder: Folder) -> None:
    settings = folder.checks(
        """\
        a: {probe: page, host: web, url: a}
        p/{n}:
          each: {n: [a]}
          probe: page
          host: web
          url: a
          headers: {"x-{n}": "{n}!"}
          needs: ["{n}"]
          tags: ["tag-{n}"]
          remedy: {slow: "look {n}"}
        """
    )

    check = settings.check("p/a")
    assert check is not None
    assert check.probe.headers == {"x-a": "a!"}  # type: ignore[attr-defined]
    assert check.subject.needs[0] == "a"
    assert check.subject.tags == ("tag-a",)
    assert list(check.remedies.values())[-1] == ("look a",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("p/{n}: {each: {n: [1], m: [2]}, probe: page, host: web, url: a}", "1:15: checks.p/{n}.each: {m} is never used"),
        ("p/{nme}: {each: {name: [1]}, probe: page, host: web, url: '{name}'}", "1:1: checks.p/{nme}: `each` does not give {nme}; did you mean 'name'?"),
        ("p/{n}: {probe: page, host: web, url: a}", "1:1: checks.p/{n}: `each` does not give {n}"),
        ("p: {each: {n: [1, 2]}, probe: page, host: web, url: '{n}'}", "1:1: checks.p: defined twice; first at main.yaml:8:3"),
        ("p/{n}: {each: {n: 1}, probe: page, host: web, url: a}", "1:15: checks.p/{n}.each: wanted a list of mappings, or a mapping of lists"),
        ("p/{n}: {each: [], probe: page, host: web, url: a}", "1:15: checks.p/{n}.each: wanted a list of mappings, or a mapping of lists"),
        ("p/{n}: {each: {n: []}, probe: page, host: web, url: a}", "1:15: checks.p/{n}.each: wanted a list of mappings, or a mapping of lists"),
        ("p/{n}: {each: [{n: 1, m: 2}, {n: 3}], probe: page, host: web, url: '{m}'}", "1:68: checks.p/{n}: a row of `each` lacks {m}"),
        ("p/{n}: {each: [{n: 1, m: [2]}], probe: page, host: web, url: 'a{m}'}", "1:62: checks.p/{n}: {m} is not a single value"),
        ("p/{n}: {each: {n: [a b]}, probe: page, host: web, url: a}", "1:1: checks.p/a b: a check's name is letters, digits and . @ / : + - _"),
        ("p/{n}: {each: {n: [1, 70000]}, probe: page, host: web, url: a, port: '{n}'}", "1:8: checks.p/70000: port: wanted 1 to 65535, got 70000"),
        ("p/{n}: {each: {n: [1, x]}, probe: page, host: web, url: a, port: '{n}'}", "1:23: checks.p/x.port: wanted a whole number, got 'x'"),
    ],
)  # fmt: skip
def test_a_mistake_with_each_is_told(folder: Folder, text: str, line: str) -> None:
    assert line in folder.check_problems(text)


def test_a_mistake_in_the_pattern_is_told_once(folder: Folder) -> None:
    told = folder.check_problems("p/{n}: {each: {n: [1, 2, 3]}, probe: page, host: web, url: a, prt: 3}")

    assert told == ["1:63: checks.p/1.prt: unknown key; did you mean 'port'?"]
