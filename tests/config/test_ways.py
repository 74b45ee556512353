"""Who can still be told when the uplink or DNS is gone."""

from pathlib import Path

import pytest

from migrawatch.config import ConfigError, load

CONFIG = """\
hosts: {{web: {{address: 127.0.0.1}}}}
checks: {{page: {{probe: tcp, host: web, port: 80}}}}
receivers:
{receivers}
routes:
  - {{severity: critical, to: [{critical}]}}
  - {{severity: warning, to: [{warning}]}}
"""

HOOK = "  {name}: {{kind: webhook, url: '{url}'}}"
MAIL = "  {name}: {{kind: email, to: [a@example.org], sender: b@example.org, host: '{url}'}}"
PAGER = "  {name}: {{kind: alertmanager, urls: ['http://am.example.org:9093', '{url}']}}"
CHAT = "  {name}: {{kind: apprise, url: '{url}'}}"

UPLINK, DNS = "without the uplink", "without DNS"


def warnings(tmp_path: Path, *receivers: str, critical: str = "r0", warning: str = "r0") -> list[str]:
    text = "\n".join(receivers)
    (tmp_path / "c.yaml").write_text(CONFIG.format(receivers=text, critical=critical, warning=warning))
    told = [str(warning) for warning in load(tmp_path / "c.yaml", {}).warnings]
    return [what for what in (UPLINK, DNS) if any(what in one for one in told)]


@pytest.mark.parametrize(
    ("receiver", "url", "expected"),
    [
        (HOOK, "https://hooks.example.org/x", [UPLINK, DNS]),
        (HOOK, "https://93.184.216.34/x", [UPLINK]),
        (HOOK, "http://10.1.10.20:9000/x", []),
        (HOOK, "http://[fd00::1]:9000/x", []),
        (HOOK, "http://localhost:9000/x", []),
        (MAIL, "smtp.example.org", [UPLINK, DNS]),
        (MAIL, "93.184.216.34", [UPLINK]),
        (MAIL, "10.1.10.20", []),
        (MAIL, "::1", []),
        (PAGER, "http://am2.example.org:9093", [UPLINK, DNS]),
        (PAGER, "http://127.0.0.1:9093", []),
        (CHAT, "json://chat.example.org/", [UPLINK, DNS]),
        (CHAT, "json://10.1.10.20/", []),
    ],
)
@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_what_a_receivers_settings_show(receiver: str, url: str, expected: list[str], tmp_path: Path) -> None:
    """A private address needs neither; a public one needs the uplink; of a name nothing is known."""
    assert warnings(tmp_path, receiver.format(name="r0", url=url)) == expected


def test_one_good_way_is_enough(tmp_path: Path) -> None:
    """Two receivers that do not share a fault."""
    far, near = HOOK.format(name="r0", url="https://x.example/"), PAGER.format(name="r1", url="http://10.0.0.1:9093")

    assert warnings(tmp_path, far, near, critical="r0, r1") == []


def test_who_is_told_of_warnings_alone_does_not_count(tmp_path: Path) -> None:
    """The page is what must arrive."""
    far, near = HOOK.format(name="r0", url="https://x.example/"), PAGER.format(name="r1", url="http://10.0.0.1:9093")

    assert warnings(tmp_path, far, near, critical="r0", warning="r1") == [UPLINK, DNS]


@pytest.mark.parametrize(
    ("fallback", "what"),
    [("r0", "a receiver cannot stand in for itself"), ("r9", "unknown receiver 'r9'")],
)
def test_a_fallback_must_be_somebody_else(fallback: str, what: str, tmp_path: Path) -> None:
    """Otherwise it is a promise that nobody keeps."""
    hook = HOOK.format(name="r0", url="http://10.0.0.1/").replace("}", f", fallback: {fallback}}}")

    with pytest.raises(ConfigError, match=what):
        warnings(tmp_path, hook)
