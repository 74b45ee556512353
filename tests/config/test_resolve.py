"""What is looked at: implicit checks and needs, vantages, hosts that are not known yet, disabled checks."""

from migrawatch.config import Settings, flagged
from migrawatch.config.kinds import discover
from migrawatch.model import Covered, Severity
from migrawatch.reason import Reason
from tests.config.conftest import AROUND, Folder, names


def not_watched(settings: Settings) -> dict[str, str]:
    return {item.check: item.why for item in settings.not_watched}


def warnings(settings: Settings) -> list[str]:
    return [str(warning).partition(": ")[2] for warning in settings.warnings]


def test_every_check_needs_its_host_and_its_vantage(folder: Folder) -> None:
    settings = folder.checks(
        """\
        page: {probe: page, host: web, url: a, needs: [app@web, nginx]}
        nginx: {probe: unit, host: web, unit: nginx.service}
        app@web: {probe: page, host: app, url: a, from: web}
        """
    )

    assert names(settings) == {
        "page": ("app@web", "nginx", "host/web"),
        "nginx": ("ssh/web", "host/web"),
        "app@web": ("ssh/web", "host/web", "host/app"),
        "host/app": (),
        "host/web": (),
        "ssh/web": ("host/web",),
    } | {name: needs for name, needs in names(settings).items() if name.startswith(("host", "ssh"))}
    assert names(settings)["ssh/web"] == ("host/web",)
    assert {check.name for check in settings.checks if check.implicit} == {"host/app", "host/web", "ssh/web"}


def test_a_vantage_that_wakes_nobody_and_a_host_that_does(folder: Folder) -> None:
    settings = folder.checks("nginx: {probe: unit, host: web, unit: nginx.service}")

    severities = {check.name: check.policy.severity for check in settings.checks}
    assert severities == {"nginx": Severity.CRITICAL, "host/web": Severity.CRITICAL, "ssh/web": Severity.WARNING}


def test_a_kind_that_runs_commands_looks_from_its_host(folder: Folder) -> None:
    settings = folder.checks(
        """\
        there: {probe: unit, host: web, unit: a}
        here: {probe: unit, host: web, unit: a, from: here}
        page: {probe: page, host: web, url: a}
        """
    )

    assert [check.subject.vantage for check in settings.checks[:3]] == ["web", "here", "here"]


def test_the_host_gives_the_address_unless_the_check_does(folder: Folder) -> None:
    settings = folder.checks(
        """\
        one: {probe: port, host: web}
        two: {probe: port, host: web, address: 198.51.100.1, port: 81}
        """
    )

    assert [check.subject.target for check in settings.checks[:2]] == ["192.0.2.10:80", "198.51.100.1:81"]


def test_the_hosts_own_checks_log_in_as_the_host_says(folder: Folder) -> None:
    settings = folder.load(
        """\
        ssh: {user: monitor, key: {env: KEY}, known_hosts: known}
        hosts:
          web: {address: 192.0.2.10}
          app: {address: 192.0.2.11, ssh: {user: other, port: 2222}}
        checks:
          a: {probe: unit, host: web, unit: a}
          b: {probe: unit, host: app, unit: a}
        """
    )

    targets = {check.name: check.subject.target for check in settings.checks if check.subject.probe == "ssh"}
    assert targets == {"ssh/web": "monitor@192.0.2.10:22", "ssh/app": "other@192.0.2.11:2222"}
    login = settings.hosts["app"].login
    assert (login.host, login.user, login.port, login.known_hosts) == ("app", "other", 2222, str(folder.path / "known"))
    assert login.key.reveal() == "a key"


def test_a_host_needs_the_host_that_it_runs_on(folder: Folder) -> None:
    settings = folder.load(
        """\
        hosts: {vm: {address: a, on: metal}, metal: {address: b}, idle: {address: c}}
        checks: {x: {probe: page, host: vm, url: a}}
        """
    )

    assert names(settings) == {"x": ("host/vm",), "host/vm": ("host/metal",), "host/metal": ()}


def test_an_operator_may_say_otherwise_of_an_implicit_check(folder: Folder) -> None:
    settings = folder.checks(
        """\
        nginx: {probe: unit, host: web, unit: a}
        host/web: {port: 2222, severity: warning}
        ssh/web: {every: 5m}
        """
    )

    checks = {check.name: check for check in settings.checks}
    assert checks["host/web"].probe.port == 2222  # type: ignore[attr-defined]
    assert checks["host/web"].policy.severity is Severity.WARNING
    assert (checks["ssh/web"].every, checks["ssh/web"].policy.severity) == (300, Severity.WARNING)
    assert not any(check.implicit for check in settings.checks)
    assert names(settings)["nginx"] == ("ssh/web", "host/web")


def test_what_is_on_an_unknown_address_is_not_watched(folder: Folder) -> None:
    settings = folder.load(
        """\
        ssh: {key: {env: KEY}}
        hosts: {web: {address: 192.0.2.10, on: metal}, metal: {address: CHANGE_ME}}
        checks:
          pool: {probe: unit, host: metal, unit: a}
          web@metal: {probe: page, host: web, url: a, from: metal}
          page: {probe: page, host: web, url: a, needs: [pool, web@metal]}
        """
    )

    assert not_watched(settings) == {
        "pool": "the address of metal is CHANGE_ME",
        "web@metal": "the address of metal is CHANGE_ME",
        "host/metal": "the address of metal is CHANGE_ME",
    }
    assert names(settings) == {"page": ("host/web",), "host/web": ()}
    assert warnings(settings)[2:] == [
        "checks.page.needs[0]: goes without 'pool', which is not watched: the address of metal is CHANGE_ME",
        "checks.page.needs[1]: goes without 'web@metal', which is not watched: the address of metal is CHANGE_ME",
    ]


def test_what_is_here_or_reports_to_us_is_watched_wherever_its_host_is(folder: Folder) -> None:
    """migrawatch itself, a job that reports, a socket of this machine: none of them is gone to."""
    settings = folder.load(
        """\
        hosts: {us: {address: CHANGE_ME, on: metal}, metal: {address: 192.0.2.10}}
        checks:
          itself: {probe: itself, host: us}
          job: {probe: heartbeat, host: us, token: {env: TOKEN}, period: 1h}
          socket: {probe: unix, host: us, path: /run/x.sock}
          canary: {probe: uplink, host: us, addresses: ["192.0.2.1:443"]}
          echo: {probe: icmp, host: us}
          port: {probe: tcp, host: us, port: 80}
        """,
        discover(),
        secrets_needed=False,
    )

    assert names(settings) == {"itself": (), "job": (), "socket": (), "canary": ()}
    assert not_watched(settings) == dict.fromkeys(("echo", "port", "host/us"), "the address of us is CHANGE_ME")


def test_a_disabled_report_of_an_unknown_address_is_disabled_and_not_unknown(folder: Folder) -> None:
    settings = folder.load(
        "hosts: {us: {address: CHANGE_ME}}\nchecks: {itself: {probe: itself, host: us, enabled: false}}", discover()
    )

    assert not_watched(settings) == {"itself": "disabled (enabled: false)"}


def test_a_setting_that_is_not_known_yet_keeps_only_its_check_from_being_watched(folder: Folder) -> None:
    settings = folder.checks(
        """\
        one: {probe: page, host: web, url: CHANGE_ME, port: CHANGE_ME}
        two: {probe: page, host: web, url: a, expect: {body: CHANGE_ME}}
        three: {probe: page, host: web, url: a, words: [a, CHANGE_ME], token: {env: MISSING}}
        four: {probe: page, host: web, url: a}
        """
    )

    assert not_watched(settings) == {
        "one": "url is CHANGE_ME",
        "two": "expect.body is CHANGE_ME",
        "three": "words[1] is CHANGE_ME",
    }
    assert list(names(settings)) == ["four", "host/web"]


def test_other_mistakes_of_a_check_that_is_not_watched_are_told(folder: Folder) -> None:
    told = folder.check_problems("one: {probe: page, host: web, url: CHANGE_ME, prt: 3, needs: [none]}")

    assert told == [
        "1:47: checks.one.prt: unknown key; did you mean 'port'?",
        "1:63: checks.one.needs[0]: unknown check 'none'; did you mean 'one'?",
    ]


def test_a_disabled_check_is_right_and_not_watched(folder: Folder) -> None:
    settings = folder.checks(
        """\
        off: {probe: page, host: app, url: a, enabled: false}
        on: {probe: page, host: web, url: a, needs: off}
        """
    )
    told = folder.check_problems("off: {probe: page, host: app, url: a, enabled: false, prt: 3}")

    assert not_watched(settings) == {"off": "disabled (enabled: false)"}
    assert list(names(settings)) == ["on", "host/web"]
    assert told == ["1:55: checks.off.prt: unknown key; did you mean 'port'?"]


def test_the_check_decides_before_the_defaults(folder: Folder) -> None:
    settings = folder.load(
        """\
        hosts: {web: {address: a}}
        defaults: {every: 1m, timeout: 20s, open_after: 5, severity: warning, settle: 0s}
        checks:
          one: {probe: page, host: web, url: a}
          two: {probe: page, host: web, url: a, every: 2m, open_after: 1, severity: critical}
        """
    )

    one, two = settings.checks[:2]
    assert (one.every, one.timeout, one.policy.open_after, one.policy.severity) == (60, 20, 5, Severity.WARNING)
    assert (two.every, two.timeout, two.policy.open_after, two.policy.severity) == (120, 20, 1, Severity.CRITICAL)
    assert (one.policy.settle, one.policy.resolve_after) == (0, 2)


def test_remedies_are_the_kinds_own_with_the_checks_before_them(folder: Folder) -> None:
    settings = folder.checks(
        """\
        nginx:
          probe: unit
          host: web
          service: nginx
          unit: nginx.service
          remedy:
            unit_inactive: "start {service} of {check} on {host} from {vantage}: {unit} {other} {{unit}}"
            slow: [one, two]
        """
    )

    assert settings.checks[0].remedies == {
        Reason.UNIT_FAILED: ('ssh web "systemctl status nginx.service"', "curl -w %{http_code} ${HOME}"),
        Reason.UNIT_INACTIVE: ("start nginx of nginx on web from web: nginx.service {other} {{unit}}",),
        Reason.SLOW: ("one", "two"),
    }


def test_a_remedy_is_typed_where_the_check_looks_from(folder: Folder) -> None:
    """What cannot be reached from srv1 is tried from srv1, not from the desk of the on-call."""
    settings = folder.checks(
        """\
        here: {probe: page, host: web, url: "http://a/", remedy: {slow: "{vantage}: curl '{url}'"}}
        there: {probe: page, host: web, from: app, url: "http://a/", remedy: {slow: "{vantage}: curl '{url}'"}}
        """
    )

    assert [check.remedies[Reason.SLOW] for check in settings.checks[:2]] == [
        ("curl 'http://a/'",),
        ("""ssh app 'curl '"'"'http://a/'"'"''""",),
    ]


def test_a_kinds_remedy_never_prints_a_secret(folder: Folder) -> None:
    folder.environ["TOKEN"] = "hunter2"

    settings = folder.checks("x: {probe: page, host: web, url: a, token: {env: TOKEN}}")

    assert settings.checks[0].remedies[Reason.HTTP_STATUS] == ("curl -H 'authorization: {token}' https://a:443/",)


def test_the_service_is_the_kind_unless_said(folder: Folder) -> None:
    settings = folder.checks("x: {probe: page, host: web, url: a}\ny: {probe: page, host: web, url: a, service: shop}")

    assert [check.subject.service for check in settings.checks[:2]] == ["page", "shop"]


def test_routes_lead_to_receivers(folder: Folder) -> None:
    settings = folder.load(
        """\
        receivers:
          ops: {kind: webhook, url: "http://127.0.0.1/", timeout: 3s}
          later: {kind: webhook, url: CHANGE_ME}
        routes:
          - {severity: critical, to: [ops, later]}
          - {severity: warning, to: later}
        """
    )

    assert [(route.severity, route.to) for route in settings.routes] == [
        (Severity.CRITICAL, ("ops",)),
        (Severity.WARNING, ()),
    ]
    assert list(settings.receivers) == ["ops"]
    assert warnings(settings) == [
        "receivers.later: tells nobody: url is CHANGE_ME",
        "routes: nobody is told of what is warning",
    ]


def test_a_route_that_no_check_can_take_is_a_warning(folder: Folder) -> None:
    """A mistyped word would be found out when nobody was told."""
    settings = folder.load(
        """\
        hosts: {web: {address: a}}
        checks: {x: {probe: page, host: web, url: a, service: shop, tags: [money]}}
        receivers: {ops: {kind: webhook, url: "http://127.0.0.1/"}}
        routes: [{to: ops}, {to: ops, service: shpo}, {to: ops, tag: mony}, {to: ops, tag: money, service: shop}]
        """
    )

    assert warnings(settings) == [
        "routes[1].service: no check has the service 'shpo'; did you mean 'shop'?",
        "routes[2].tag: no check has the tag 'mony'; did you mean 'money'?",
    ]


def test_what_all_checks_cover_is_handed_to_the_one_that_asks(folder: Folder) -> None:
    """A check that is not looked at watches nothing."""
    settings = folder.load(
        """\
        hosts: {web: {address: 192.0.2.10}, ns: {address: 192.0.2.11}, later: {address: CHANGE_ME}}
        checks:
          page: {probe: http, host: web, url: "https://A.example:8443/x", dial: 192.0.2.10}
          numbered: {probe: http, host: web, url: "http://192.0.2.10/"}
          chain: {probe: tls, host: web, name: b.example}
          off: {probe: http, host: web, url: "https://off.example/", enabled: false}
          unknown: {probe: http, host: later, url: "https://later.example/"}
          zone: {probe: dns, host: ns, name: c.example., type: SOA}
          same: {probe: dns_consistency, host: ns, zone: d.example, timeout: 20s, every: 1m}
          mail: {probe: mail_dns, host: ns, domain: bücher.example}
          found: {probe: discovery, host: web, from: here, of: sites, watched: {sites: [e.example]}}
        """,
        discover(),
    )

    found = settings.check("found")
    assert found is not None
    assert found.probe.watched == Covered(  # type: ignore[attr-defined]
        sites=frozenset({"a.example", "b.example", "e.example"}),
        zones=frozenset({"c.example", "d.example", "xn--bcher-kva.example"}),
    )


def test_without_a_runbook_it_is_the_daemons_own_where_people_find_it(folder: Folder) -> None:
    """The command line may know better where that is."""
    written = folder.load(
        AROUND + "daemon: {external_url: 'https://status.example/watch/'}\n"
        "checks:\n"
        "  a: {probe: page, host: web, url: a}\n"
        "  b: {probe: page, host: web, url: b, runbook: 'https://own'}\n"
    )
    told = flagged(written, {"external_url": "https://other.example"})

    def found(settings: Settings) -> list[str]:
        return [check.subject.runbook for check in settings.checks if not check.implicit]

    assert found(written) == ["https://status.example/watch/runbook#{reason}", "https://own"]
    assert found(told) == ["https://other.example/runbook#{reason}", "https://own"]


def test_a_runbook_for_all_checks_is_that_of_those_that_name_none(folder: Folder) -> None:
    settings = folder.load(
        AROUND + "defaults: {runbook: 'https://w/#{reason}'}\n"
        "checks:\n"
        "  a: {probe: page, host: web, url: a}\n"
        "  b: {probe: page, host: web, url: b, runbook: 'https://own'}\n"
    )

    assert [check.subject.runbook for check in settings.checks if not check.implicit] == [
        "https://w/#{reason}",
        "https://own",
    ]
