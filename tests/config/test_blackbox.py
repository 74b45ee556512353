"""blackbox.yml: blackbox_exporter's own files are read as they are, and what is not done is named."""

from pathlib import Path

import pytest

from migrawatch.config import Settings
from migrawatch.config.blackbox.module import Asked, Module, TargetError
from migrawatch.config.blackbox.read import read_modules
from migrawatch.config.changes import compare
from migrawatch.config.kinds import discover
from migrawatch.config.problem import Report
from migrawatch.config.secrets import Secrets
from migrawatch.decide.admission import Admission
from migrawatch.model import Secret
from tests.config.conftest import Folder

THEIRS = Path(__file__).with_name("blackbox")
KINDS = discover()


def modules_of(path: Path) -> tuple[dict[str, Module], Report]:
    report = Report()
    return read_modules(path, KINDS, Secrets(path.parent, {}, report), report), report


def admission_of(settings: Settings) -> Admission:
    assert settings.blackbox is not None
    return settings.blackbox.admission


def written(folder: Path, text: str) -> tuple[dict[str, Module], Report]:
    (folder / "blackbox.yml").write_text(text)
    return modules_of(folder / "blackbox.yml")


@pytest.mark.parametrize("name", ["example.yml", "blackbox.yml", "testdata/blackbox-good.yml"])
def test_their_own_files_load(name: str) -> None:
    """An option that is not done refuses its module, with the place, and no other."""
    modules, report = modules_of(THEIRS / name)

    assert report.problems == {}
    assert len(modules) > 10
    told = "\n".join(map(str, report.warnings.values()))
    for module in modules.values():
        if module.refused:
            assert f"modules.{module.name}" in told
            assert f"{name}:" in module.refused or "cannot be read" in module.refused
    assert sum(not module.refused for module in modules.values()) >= 9


@pytest.mark.parametrize(
    "path", sorted((THEIRS / "testdata").glob("*bad*.yml")) + sorted(THEIRS.glob("*/invalid*.yml"))
)
def test_what_they_refuse_is_refused_with_its_line(path: Path) -> None:
    _, report = modules_of(path)

    assert report.problems, path.name
    for problem in report.problems.values():
        assert str(problem).startswith(f"{path}:")
        assert problem.path.startswith("modules.")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "http: {proxy_url: 'http://p:3128'}",
            "modules.m.http.proxy_url: not done here: migrawatch looks without",
        ),
        ("http: {oauth2: {client_id: x}}", "modules.m.http.oauth2: not done here"),
        ("http: {tls_config: {cert_file: x}}", "modules.m.http.tls_config.cert_file: not done here"),
        ("http: {valid_http_versions: [HTTP/3.0]}", "modules.m.http.valid_http_versions: not done here"),
        ("http: {body_file: gone.txt}", "gone.txt cannot be read"),
    ],
)
def test_an_option_that_is_not_done_is_named(tmp_path: Path, text: str, told: str) -> None:
    modules, report = written(tmp_path, f"modules:\n  m:\n    prober: http\n    {text}\n")

    assert report.problems == {}
    assert modules["m"].refused
    assert any(told in str(problem) for problem in report.warnings.values())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prober: http\n    http: {nonsense: 1}", "modules.m.http.nonsense: unknown key"),
        ("prober: http\n    http: {methd: GET}", "did you mean 'method'?"),
        ("prober: tcp\n    tcp: {query_response: [{send: x, expct: y}]}", "did you mean 'expect'?"),
        ("prober: http\n    http: {body_size_limit: lots}", "wanted a size"),
        ("prober: http\n    timeout: 5", "add a unit"),
        ("prober: tcp\n    tcp: {query_response: [{send: !!binary '*'}]}", "not Base64"),
        ("prober: dns\n    dns: {query_name: x, query_type: NOPE}", "cannot ask for NOPE"),
        ("prober: icmp\n    <<: *nobody", "nothing is anchored as 'nobody'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    _, report = written(tmp_path, f"modules:\n  m:\n    {text}\n")

    assert [str(problem) for problem in report.problems.values() if told in str(problem)], report.problems


def test_anchors_merge_keys_and_bytes_are_read(tmp_path: Path) -> None:
    """Our own configuration has none of them; theirs may."""
    text = """
modules:
  base: &base
    prober: tcp
    timeout: 3s
    tcp: &tcp
      preferred_ip_protocol: ip4
  ssl:
    <<: *base
    timeout: 4s
    tcp:
      <<: *tcp
      query_response:
        - send: !!binary AAAACATSFi8=
        - expect_bytes: S
"""
    modules, report = written(tmp_path, text)

    assert report.problems == {}
    assert (modules["base"].options.timeout, modules["ssl"].options.timeout) == (3.0, 4.0)
    probe = modules["ssl"].make(Asked(target="127.0.0.1:5432"))
    assert [(turn.send_hex, turn.expect_hex) for turn in probe.dialogue] == [("0000000804d2162f", ""), ("", "53")]  # type: ignore[attr-defined]


def test_no_secret_is_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken-in-a-file\n")
    text = """
modules:
  m:
    prober: http
    http:
      headers: {X-Api-Key: k3y-itself, Accept: text/html}
      http_headers: {X-More: {values: [m0re-secret], files: [token]}}
      bearer_token_file: token
      body: "password=b0dy-secret"
  t:
    prober: tcp
    tcp: {query_response: [{expect: "^220", send: "PASS s3nd-secret"}]}
"""
    modules, report = written(tmp_path, text)

    assert (report.problems, report.warnings) == ({}, {})
    told = "".join(module.shown + repr(module) for module in modules.values())
    for secret in ("k3y-itself", "m0re-secret", "t0ken-in-a-file", "b0dy-secret", "s3nd-secret"):
        assert secret not in told
    assert "X-Api-Key: <secret>" in told
    probe = modules["m"].make(Asked(target="127.0.0.1"))
    assert probe.headers["X-More"] == Secret("m0re-secret, t0ken-in-a-file")  # type: ignore[attr-defined]
    assert probe.headers["Accept"] is not None and probe.bearer == Secret("t0ken-in-a-file")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("module", "target"),
    [("tcp_connect", "127.0.0.1"), ("http_2xx", "http://u:p@127.0.0.1/"), ("http_2xx", "http://:1")],
)
def test_what_is_no_target_makes_no_probe(module: str, target: str) -> None:
    modules, _ = modules_of(THEIRS / "blackbox.yml")

    with pytest.raises(TargetError):
        modules[module].make(Asked(target=target))


def test_what_checks_look_at_may_be_asked_for(folder: Folder) -> None:
    """And nothing else, unless it is said."""
    (folder.path / "blackbox.yml").write_text("modules: {tcp: {prober: tcp}}\n")
    text = """
hosts: {srv: {address: 10.1.10.10}}
checks:
  page: {probe: http, host: srv, url: "https://Shop.example/"}
  port: {probe: tcp, host: srv, port: 22}
blackbox: {config_file: blackbox.yml%s}
"""
    admission = admission_of(folder.load(text % "", KINDS))
    none = admission_of(folder.load(text % ", allow: {checks: false, names: [Other.example]}", KINDS))

    assert admission.admits("shop.example", "93.184.216.34")
    assert admission.admits("10.1.10.10", "10.1.10.10")
    assert not admission.admits("other.example", "93.184.216.34")
    assert none.admits("other.example", "93.184.216.34")
    assert not none.admits("10.1.10.10", "10.1.10.10")


def test_a_mistake_in_blackbox_yml_refuses_the_whole_configuration(folder: Folder) -> None:
    """A reload with it leaves everything as it was."""
    (folder.path / "blackbox.yml").write_text("modules: {m: {prober: nonsense}}\n")

    told = folder.problems("blackbox: {config_file: blackbox.yml}", KINDS)

    assert len(told) == 1
    assert told[0].startswith("blackbox.yml:1:23: modules.m.prober: unknown value 'nonsense'")


def test_without_the_section_nothing_is_served(folder: Folder) -> None:
    assert folder.load("hosts: {}", KINDS).blackbox is None


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("{allow: {checks: true}}", "blackbox.config_file: must be set"),
        ("{config_file: gone.yml}", "gone.yml:1:1: cannot be read"),
        ("{config_file: gone.yml, allow: {networks: [10.1.10.10/24]}}", "has host bits set"),
        ("{config_file: gone.yml, at_once: 0}", "at_once must be at least 1"),
    ],
)
def test_a_wrong_section_is_told(folder: Folder, section: str, told: str) -> None:
    assert told in "\n".join(folder.problems(f"blackbox: {section}", KINDS))


def test_a_reload_takes_another_blackbox_yml(folder: Folder) -> None:
    (folder.path / "blackbox.yml").write_text("modules: {a: {prober: tcp}}\n")
    before = folder.load("blackbox: {config_file: blackbox.yml}", KINDS)
    same = folder.load("blackbox: {config_file: blackbox.yml}", KINDS)
    (folder.path / "blackbox.yml").write_text("modules: {a: {prober: tcp, timeout: 3s}}\n")
    after = folder.load("blackbox: {config_file: blackbox.yml}", KINDS)

    assert compare(before, same).nothing
    assert compare(before, after).settings
