"""Every mistake is told with its place, its path and what was likely meant; all of them at once."""
# ruff: noqa: E501 (a case a line reads best)

import pytest

from migrawatch.config import ConfigError, load
from tests.config.conftest import Folder

CHECKS = [
    ("x: {probe: page, host: web, url: a, prt: 3}", "1:37: checks.x.prt: unknown key; did you mean 'port'?"),
    ("x: {probe: page, host: web, url: a, evry: 3s}", "1:37: checks.x.evry: unknown key; did you mean 'every'?"),
    ("x: {probe: page, host: web, url: a, zzz: 3}", "1:37: checks.x.zzz: unknown key"),
    ("x: {probe: page, host: web}", "1:4: checks.x.url: must be set"),
    ("x: {host: web, url: a}", "1:4: checks.x.probe: must be set"),
    ("x: {probe: page, url: a}", "1:4: checks.x.host: must be set"),
    ("x: {probe: pge, host: web}", "1:12: checks.x.probe: unknown kind of probe 'pge'; did you mean 'page'?"),
    ("x: {probe: page, host: wbe, url: a}", "1:24: checks.x.host: unknown host 'wbe'; did you mean 'web'?"),
    (
        "x: {probe: page, host: web, url: a, from: her}",
        "1:43: checks.x.from: unknown host 'her'; did you mean 'here'?",
    ),
    (
        "x: {probe: page, host: web, url: a, needs: [yy]}\nyyy: {probe: page, host: web, url: a}",
        "1:45: checks.x.needs[0]: unknown check 'yy'; did you mean 'yyy'?",
    ),
    (
        "x: {probe: page, host: web, url: a, severity: crit}",
        "1:47: checks.x.severity: unknown value 'crit' (one of critical, warning); did you mean 'critical'?",
    ),
    (
        "x: {probe: page, host: web, url: a, remedy: {slw: ls}}",
        "1:46: checks.x.remedy.slw: unknown reason 'slw'; did you mean 'slow'?",
    ),
    (
        "x: {probe: page, host: web, url: a, remedy: {slow: 'ls {ur}'}}",
        "1:37: checks.x.remedy: there is no {ur} to fill in; did you mean '{url}'?",
    ),
    (
        "x: {probe: page, host: web, url: a, timeout: 30s}",
        "1:46: checks.x.timeout: 30s is not below every (30s)",
    ),
    (
        "x: {probe: page, host: web, url: a, timeout: 2s}",
        "1:46: checks.x.timeout: 2s is not above the 2s of silence that are an answer here",
    ),
    ("x: {probe: page, host: web, url: a, every: 5s}", "1:44: checks.x.timeout: 10s is not below every (5s)"),
    (
        "x: {probe: page, host: web, url: a, every: 5}",
        "1:44: checks.x.every: wanted a length of time such as 30s, 5m, 2h or 14d, got '5'; add a unit",
    ),
    ("x: {probe: page, host: web, url: a, every: 0s}", "1:4: checks.x: every must be longer than nothing"),
    ("x: {probe: page, host: web, url: a, open_after: 0}", "1:4: checks.x: open_after must be at least 1"),
    ("x: {probe: page, host: web, url: a, port: 99999}", "1:4: checks.x: port: wanted 1 to 65535, got 99999"),
    ("x: {probe: page, host: web, url: a, port: 1.5}", "1:43: checks.x.port: wanted a whole number, got '1.5'"),
    ("x: {probe: page, host: web, url: a, port: 010}", "1:43: checks.x.port: wanted a whole number, got '010'"),
    ("x: {probe: page, host: web, url: a, port: 1:30}", "1:43: checks.x.port: wanted a whole number, got '1:30'"),
    ("x: {probe: page, host: web, url: a, port: 1_0}", "1:43: checks.x.port: wanted a whole number, got '1_0'"),
    ("x: {probe: page, host: web, url: a, verify: yes}", "1:45: checks.x.verify: wanted true or false, got 'yes'"),
    ("x: {probe: page, host: web, url: a, verify: off}", "1:45: checks.x.verify: wanted true or false, got 'off'"),
    ("x: {probe: page, host: web, url: }", "1:34: checks.x.url: wanted text, got nothing"),
    ("x: {probe: page, host: web, url: [a]}", "1:34: checks.x.url: wanted text, got a list"),
    (
        "x: {probe: page, host: web, url: {a}}",
        "1:34: checks.x.url: wanted text, got a mapping; text with braces needs quotes",
    ),
    ("x: {probe: page, host: web, url: a, expect: 200}", "1:45: checks.x.expect: wanted a mapping"),
    (
        "x: {probe: page, host: web, url: a, expect: {stats: 200}}",
        "1:46: checks.x.expect.stats: unknown key; did you mean 'status'?",
    ),
    (
        "x: {probe: page, host: web, url: a, expect: {status: [200, ok]}}",
        "1:60: checks.x.expect.status[1]: wanted a whole number, got 'ok'",
    ),
    (
        "x: {probe: page, host: web, url: a, expect: {body: '('}}",
        "1:52: checks.x.expect.body: not a regular expression (RE2): missing ): (",
    ),
    (
        "x: {probe: page, host: web, url: a, expect: {body: 'a(?=b)'}}",
        "1:52: checks.x.expect.body: not a regular expression (RE2): invalid perl operator: (?=",
    ),
    (
        "x: {probe: page, host: web, url: a, body_limit: 3MeB}",
        "1:49: checks.x.body_limit: wanted a size such as 64KiB, 10MiB or 1GB, got '3MeB'",
    ),
    (
        "x: {probe: page, host: web, url: a, method: get}",
        "1:45: checks.x.method: unknown value 'get' (one of GET, POST); did you mean 'GET'?",
    ),
    (
        "x: {probe: page, host: web, url: a, words: }",
        "1:44: checks.x.words: wanted a list, got nothing; leave the key out or write []",
    ),
    (
        "x: {probe: page, host: web, url: a}\nx: {probe: page, host: web, url: a}",
        "2:1: checks.x: defined twice; first at main.yaml:8:3",
    ),
    (
        "x: {probe: page, host: web, url: a, url: b}",
        "1:37: checks.x.url: defined twice; first at main.yaml:8:31",
    ),
    (
        "x: {probe: page, host: web, url: a, needs: x}",
        "1:37: checks.x.needs: needs itself in the end: x -> x",
    ),
    (
        "a: {probe: page, host: web, url: a, needs: b}\n"
        "b: {probe: page, host: web, url: a, needs: c}\n"
        "c: {probe: page, host: web, url: a, needs: a}",
        "1:37: checks.a.needs: needs itself in the end: a -> b -> c -> a",
    ),
    (
        "x: {probe: page, host: web, url: a, was: y}\ny: {probe: page, host: web, url: a}",
        "1:37: checks.x.was: there is still a check 'y'",
    ),
    ("x: page", "1:4: checks.x: wanted a mapping of settings"),
    ('"a b": {probe: page, host: web, url: a}', "1:1: checks.a b: a check's name is letters, digits and . @ / : + - _"),
    ("host/wbe: {}", "1:1: checks.host/wbe.host: unknown host 'wbe'; did you mean 'web'?"),
    ("x: {probe: greedy, host: web}", "1:12: checks.x.probe: the kind's setting 'every' is a key of every check"),
    ("x: !!int 3", "1:4: checks.x: tags (`!name`) are not used here"),
    (
        "x: &x {probe: page, host: web, url: a}\ny: *x",
        "2:4: checks.y: anchors and aliases are not used here; use `defaults:` or `each:`",
    ),
    (
        "x: {<<: {probe: page}, host: web, url: a}",
        "1:5: checks.x: merge keys (`<<`) are not used here; use `defaults:` or `each:`",
    ),
]


@pytest.mark.parametrize(("text", "line"), CHECKS)
def test_a_mistake_in_a_check_is_told_with_its_place(folder: Folder, text: str, line: str) -> None:
    assert line in folder.check_problems(text)


WHOLE = [
    ("chekcs: {}", "main.yaml:1:1: chekcs: unknown section; did you mean 'checks'?"),
    ("checks: []", "main.yaml:1:9: checks: wanted a mapping"),
    ("routes: {}", "main.yaml:1:9: routes: wanted a list"),
    ("- a", "main.yaml:1:1: wanted a mapping of sections"),
    ("a: [1,", "main.yaml:2:1: broken YAML: did not find expected node content (while parsing a flow node)"),
    ("a: b: c", "main.yaml:1:5: broken YAML: mapping values are not allowed in this context"),
    ("a: \x01", "main.yaml:1:4: broken YAML: control characters are not allowed"),
    ("a: 1\n---\nb: 1\n", "main.yaml:2:1: a second document begins here; a file holds one"),
    ("a: " + "[" * 100 + "]" * 100, "main.yaml:1:45: broken YAML: nested too deep"),
    ("? [a]\n: 1", "main.yaml:1:3: a key must be a single word; put quotes round text with braces"),
    ("daemon: {listen: 80}", "main.yaml:1:9: daemon: listen: wanted address:port, got '80'"),
    ("daemon: {lisen: 'a:1'}", "main.yaml:1:10: daemon.lisen: unknown key; did you mean 'listen'?"),
    ("defaults: {evry: 1s}", "main.yaml:1:12: defaults.evry: unknown key; did you mean 'every'?"),
    ("hosts: {here: {address: a}}", "main.yaml:1:9: hosts.here: `here` is the daemon itself; no host may be named so"),
    ("hosts: {a: {}}", "main.yaml:1:12: hosts.a.address: must be set"),
    ("hosts: {a: b}", "main.yaml:1:12: hosts.a: wanted a mapping such as {address: 10.1.10.10}"),
    ("hosts: {web: {address: a, on: pev}, pve: {address: b}}", "main.yaml:1:31: hosts.web.on: unknown host 'pev'; did you mean 'pve'?"),
    ("hosts: {a: {address: b, ssh: {usr: c}}}", "main.yaml:1:31: hosts.a.ssh.usr: unknown key; did you mean 'user'?"),
    ("ssh: {key: {credential: k}}", "main.yaml:1:12: ssh.key: the secret credentials/k cannot be read: No such file or directory"),
    ("receivers: {ops: {kind: webhok, url: a}}", "main.yaml:1:25: receivers.ops.kind: unknown kind of receiver 'webhok'; did you mean 'webhook'?"),
    ("receivers: {ops: {url: a}}", "main.yaml:1:18: receivers.ops.kind: must be set"),
    ("receivers: {ops: {kind: webhook, ul: a}}", "main.yaml:1:34: receivers.ops.ul: unknown key; did you mean 'url'?"),
    ("receivers: {ops: {kind: webhook, url: a}}", "main.yaml:1:18: receivers.ops: an address to post to begins with http:// or https://"),
    ("receivers: {ops: {kind: webhook, url: 'http://a'}}\nroutes: [{to: [pos]}]", "main.yaml:2:16: routes[0].to[0]: unknown receiver 'pos'; did you mean 'ops'?"),
    ("receivers: {ops: {kind: webhook, url: 'http://a'}}\nroutes: [{to: ops, escalate: [{after: 1h, to: ops}, {after: 15m, to: [pos]}]}]", "main.yaml:2:71: routes[0].escalate[1].to[0]: unknown receiver 'pos'; did you mean 'ops'?"),
    ("receivers: {ops: {kind: webhook, url: 'http://a'}}\nroutes: [{to: ops, escalate: {after: 0s, to: pos}}]", "main.yaml:2:38: routes[0].escalate[0].after: must be longer than nothing; who is told at once stands in to"),
    ("receivers: {ops: {kind: webhook, url: 'http://a'}}\nroutes: [{to: [], severity: warning, escalate: {after: 1h, to: ops}}]", "main.yaml:2:38: routes[0].escalate: only what is critical is escalated"),
    ("routes: [{to: [], escalate: {afer: 1h, to: []}}]", "main.yaml:1:30: routes[0].escalate.afer: unknown key; did you mean 'after'?"),
    ("routes: [{to: [], remind: 4}]", "main.yaml:1:27: routes[0].remind: wanted a length of time such as 30s, 5m, 2h or 14d, got '4'; add a unit"),
    ("routes: [{to: [], remnd: 4h}]", "main.yaml:1:19: routes[0].remnd: unknown key; did you mean 'remind'?"),
    ("routes: [{to: [], sverity: critical}]", "main.yaml:1:19: routes[0].sverity: unknown key; did you mean 'severity'?"),
    ("routes: [{to: [], host: wbe}]\nhosts: {web: {address: a}}", "main.yaml:1:25: routes[0].host: unknown host 'wbe'; did you mean 'web'?"),
    ("include: nothing.yaml", "nothing.yaml:1:1: cannot be read: No such file or directory"),
    ("include: {a: b}", "main.yaml:1:10: include: wanted a list of file names or patterns"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), WHOLE)
def test_a_mistake_in_a_section_is_told_with_its_place(folder: Folder, text: str, line: str) -> None:
    assert line in folder.problems(text)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines(folder: Folder) -> None:
    """An operator mends a file once, not once a mistake."""
    told = folder.check_problems(
        """\
        one: {probe: page, host: web, url: a, every: 1x, needs: [tow], sverity: critical}
        two: {probe: pgae, host: nowhere, needs: [three]}
        """
    )

    assert told == [
        "1:46: checks.one.every: wanted a length of time such as 30s, 5m, 2h or 14d, got '1x'",
        "1:58: checks.one.needs[0]: unknown check 'tow'; did you mean 'two'?",
        "1:64: checks.one.sverity: unknown key; did you mean 'severity'?",
        "2:14: checks.two.probe: unknown kind of probe 'pgae'; did you mean 'page'?",
        "2:26: checks.two.host: unknown host 'nowhere'",
        "2:43: checks.two.needs[0]: unknown check 'three'",
    ]


def test_two_cycles_are_both_named(folder: Folder) -> None:
    told = folder.check_problems(
        """\
        a: {probe: page, host: web, url: a, needs: [b, c]}
        b: {probe: page, host: web, url: a, needs: a}
        c: {probe: page, host: web, url: a, needs: a}
        """
    )

    assert [line.rpartition(": ")[2] for line in told] == ["a -> b -> a", "a -> c -> a"]


def test_hosts_that_run_on_each_other_are_a_cycle(folder: Folder) -> None:
    told = folder.problems(
        "ssh: {key: {env: KEY}}\nhosts: {a: {address: a, on: b}, b: {address: b, on: a}}\n"
        "checks: {x: {probe: page, host: a, url: a}}"
    )

    assert told == ["main.yaml:2:9: checks.host/a.needs: needs itself in the end: host/a -> host/b -> host/a"]


def test_a_vantage_without_a_key_is_refused(folder: Folder) -> None:
    told = folder.problems("hosts: {a: {address: a}}\nchecks: {x: {probe: unit, host: a, unit: u}}")

    assert "main.yaml:1:1: ssh.key: must be set, since 'x' looks from a" in told


def test_a_file_that_is_not_utf8_is_told_at_its_byte(folder: Folder) -> None:
    (folder.path / "main.yaml").write_bytes(b"a: 1\nbc: \xff\n")

    with pytest.raises(ConfigError, match=r"main.yaml:2:5: not UTF-8 text"):
        load(folder.path / "main.yaml", {})


def test_no_file_is_told(folder: Folder) -> None:
    with pytest.raises(ConfigError, match=r"main.yaml:1:1: cannot be read: No such file or directory"):
        load(folder.path / "main.yaml", {})
