"""The long form of the rehearsal (`make rehearsal`): what befalls a host does befall migraguard-quantum, booted.

The shipped configuration is used, what says CHANGE_ME is filled in, and a file beside it has a port on the lab's bridge
watched: all else that is to be watched does not exist here. Each test leaves a machine that is well.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.deploy.names import naming
from tests.deploy.packages import next_release
from tests.deploy.quantum import QUANTUM, cut_power, give, quantum, reboot, shown
from tests.deploy.site import UNIT, Site, apt_install, install, tell, until
from tests.deploy.target import Target
from tests.drills.pager import Pager
from tests.lab.lab import Lab
from tests.lab.machine import Machine
from tests.lab.plan import GATE
from tests.lab.shell import run

pytestmark = [pytest.mark.rehearsal, pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

LAB = Lab("rehearsed", (QUANTUM,))
STATE = "/var/lib/migrawatch"
OURS = "/etc/migrawatch/conf.d/rehearsal.yaml"
DROP_IN = "/run/systemd/system/migrawatch.service.d"
HOUR = timedelta(hours=1)

WATCHED = """\
hosts:
  bridge: {{address: "{address}", ssh: {{user: CHANGE_ME}}}}
checks:
  target: {{probe: tcp, host: bridge, service: target, port: {port}, every: 2s, timeout: 1900ms, resolve_for: 2s}}
  watched-itself:
    # As the shipped check `itself`, but that it looks often and has patience with a slow machine.
    {{probe: itself, host: bridge, service: migrawatch, every: 2s, timeout: 1900ms, resolve_for: 2s, late_after: 60s,
     lag_after: 60s}}
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with quantum(LAB.name) as booted:
        yield booted


@pytest.fixture(scope="module")
def installed(machine: Machine, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    install(machine, package, tmp_path_factory.mktemp("key"))
    return machine


@pytest.fixture
def target(machine: Machine) -> Iterator[Target]:
    with Target(LAB, GATE) as listening:
        yield listening


@pytest.fixture
def site(installed: Machine, target: Target) -> Iterator[Site]:
    """A daemon that knows nothing of the test before, and finds the target well."""
    installed.sh(f"systemctl stop migrawatch.socket {UNIT}; find {STATE} -mindepth 1 -delete", timeout=60)
    with Pager(LAB, GATE) as pager:
        site = Site(installed, pager)
        tell(installed, f"http://{GATE}:{pager.port}/")
        watch(site, WATCHED.format(address=GATE, port=target.port))
        installed.run("systemctl", "enable", "--now", "migrawatch", timeout=60)
        until_verdict(site, "target", "ok")
        yield site


def watch(site: Site, text: str) -> None:
    site.machine.run("sh", "-c", f"cat > {OURS}", stdin=text)
    site.machine.run("migrawatch", "check-config")


def until_verdict(site: Site, check: str, verdict: str) -> None:
    until(lambda: site.look(check), lambda look: look["verdict"] == verdict, 60)


def until_looked_at(target: Target, times: int) -> None:
    """Wait until so many more looks came to the target."""
    so_far = len(target.came_at)
    until(lambda: len(target.came_at), lambda came: came >= so_far + times, 120)


@contextmanager
def small_disk(site: Site) -> Iterator[None]:
    """The state lies on a file system of three megabytes inside the block, and where it belongs afterwards."""
    machine = site.machine
    stop = f"systemctl stop migrawatch.socket {UNIT}"
    copy = "cp -a /root/state/. "
    machine.sh(
        f"{stop}; rm -rf /root/state; cp -a {STATE} /root/state; mount -t tmpfs -o size=3m state {STATE};"
        f" {copy} {STATE}/; chown --reference=/root/state {STATE}; systemctl start migrawatch",
        timeout=90,
    )
    try:
        yield
    finally:
        machine.sh(
            f"{stop}; rm -rf /root/state; cp -a {STATE} /root/state; umount {STATE}; {copy} {STATE}/;"
            " systemctl start migrawatch",
            timeout=90,
        )


def test_a_full_disk_holds_up_no_page_and_loses_nothing(site: Site, target: Target) -> None:
    """It looks and pages on, says that its state is not written, and has all of it there once there is room."""
    with small_disk(site):
        until_verdict(site, "target", "ok")
        pid = site.main()
        site.machine.sh(f"dd if=/dev/zero of={STATE}/fill bs=4k 2>/dev/null || true")
        target.close()

        opened = site.wait_told("target", "opened")
        told = site.wait_told("watched-itself", "opened")
        assert "state_not_written" in site.journal()
        assert site.metric("migrawatch_state_rows_waiting") > 0
        [page] = [page for page in site.pager.once("opened") if page.incident["id"] == told]
        assert page.incident["cause"]["reason"] == "state_not_written"
        assert site.main() == pid

        site.machine.sh(f"rm {STATE}/fill")
        until(lambda: site.metric("migrawatch_state_rows_waiting"), lambda rows: rows == 0, 60)
        assert "state_written_again" in site.journal()
        before = site.incidents()
        site.machine.sh(f"kill -9 {pid}")
        site.until_another(pid, 60)
        assert before.keys() <= site.incidents().keys()

        target.open()
        assert site.wait_told("target", "resolved") == opened
        assert site.wait_told("watched-itself", "resolved") == told
        assert (site.told("target", "opened"), site.told("target", "resolved")) == ([opened], [opened])
        assert site.told_twice() == []


@pytest.mark.parametrize("end", [reboot, cut_power])
def test_a_reboot_in_mid_incident_loses_nothing(end: Callable[[Machine], None], site: Site, target: Target) -> None:
    """Nobody could be told before it; afterwards there is one page, and one word of the end."""
    site.pager.refuse(3600)
    target.close()
    [opened] = until(lambda: site.open_of("target"), bool, 60)
    until(lambda: site.pager.refused, bool, 60)

    end(site.machine)

    assert until(lambda: site.get("/-/ready")[0], lambda status: status == 200, 60)
    assert site.open_of("target") == [opened]
    assert site.pager.pages == []
    site.pager.refuse(0)
    assert site.wait_told("target", "opened", 400) == opened
    target.open()
    site.wait_told("target", "resolved")
    until_looked_at(target, 5)
    assert (site.told("target", "opened"), site.told("target", "resolved")) == ([opened], [opened])
    assert site.told_twice() == []


@contextmanager
def clock(site: Site) -> Iterator[None]:
    """The daemon's dates follow /run/clock inside the block, as the kernel's would; its monotonic clock is nobody's."""
    machine = site.machine
    apt_install(machine, "libfaketime")
    set_clock(site, timedelta(0))
    preloaded = {
        "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "FAKETIME_TIMESTAMP_FILE": "/run/clock",
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
        "NO_FAKE_STAT": "1",
    }
    lines = "".join(f"Environment={name}={value}\n" for name, value in preloaded.items())
    machine.run("sh", "-c", f"mkdir -p {DROP_IN}; cat > {DROP_IN}/clock.conf", stdin=f"[Service]\n{lines}")
    machine.sh("systemctl daemon-reload; systemctl restart migrawatch", timeout=60)
    try:
        yield
    finally:
        machine.sh(f"rm -r {DROP_IN}; systemctl daemon-reload; systemctl restart migrawatch", timeout=60)


def set_clock(site: Site, ahead: timedelta) -> None:
    """Set the daemon's clock so far ahead of this machine's."""
    line = f"+{ahead.total_seconds():.0f}\n"
    site.machine.run("sh", "-c", "cat > /run/clock.new && mv /run/clock.new /run/clock", stdin=line)


def jump(site: Site, by: timedelta, to: timedelta) -> None:
    """Set the clock to be *to* ahead, and wait until the daemon's date has jumped *by* so much."""
    before = site.now()
    set_clock(site, to)
    half = abs(by) / 2
    until(site.now, lambda now: (now - before > half) if by > timedelta(0) else (before - now > half), 30)


def test_a_clock_that_jumps_by_an_hour_changes_nothing(site: Site, target: Target) -> None:
    """Forward, and back in mid-incident: looks keep their pace, no page is false, late or missing."""
    with clock(site):
        until_verdict(site, "target", "ok")
        until_verdict(site, "watched-itself", "ok")
        pid, late = site.main(), site.metric("migrawatch_look_lateness_seconds_sum")

        jump(site, HOUR, HOUR)
        until_looked_at(target, 15)
        assert site.metric("migrawatch_look_lateness_seconds_sum") - late < HOUR.total_seconds() / 2
        assert site.told("target", "opened") == site.told("watched-itself", "opened") == []

        target.close()
        opened = site.wait_told("target", "opened")
        [page] = [page for page in site.pager.once("opened") if page.incident["id"] == opened]
        assert abs(site.now() - datetime.fromisoformat(page.incident["first_failed_at"])) < HOUR / 2

        jump(site, -HOUR, timedelta(0))
        target.open()
        assert site.wait_told("target", "resolved") == opened
        until_looked_at(target, 15)
        assert site.told("watched-itself", "opened") == []
        assert "clock_jumped" in site.journal()
        assert site.told_twice() == []
        assert (site.main(), shown(site.machine, UNIT, "NRestarts")["NRestarts"]) == (pid, "0")


def test_a_clock_set_back_while_something_begins_to_fail_holds_up_no_page(site: Site, target: Target) -> None:
    """The failure then seems to begin in an hour."""
    slowly = "resolve_for: 2s, open_after: 10"
    watch(site, WATCHED.format(address=GATE, port=target.port).replace("resolve_for: 2s", slowly))
    with clock(site):
        set_clock(site, HOUR)
        until_verdict(site, "target", "ok")
        target.close()
        until_verdict(site, "target", "down")

        jump(site, -HOUR, timedelta(0))

        opened = site.wait_told("target", "opened")
        [page] = [page for page in site.pager.once("opened") if page.incident["id"] == opened]
        assert page.incident["first_failed_at"] <= page.incident["opened_at"]
        assert abs(site.now() - datetime.fromisoformat(page.incident["opened_at"])) < HOUR / 2
        target.open()
        assert site.wait_told("target", "resolved") == opened


@contextmanager
def ipv6_only() -> Iterator[tuple[str, str]]:
    """Bridge and machine have an address of IPv6 each inside the block, and the machine no other on the bridge."""
    bridge, own = "fd00:10::250", "fd00:10::240"
    there = f"{LAB.namespace}-{QUANTUM.name}"
    for namespace, link, address in ((LAB.namespace, "lan", bridge), (there, "eth0", own)):
        enter = ("nsenter", f"--net=/run/netns/{namespace}")
        run(*enter, "sh", "-c", f"echo 0 > /proc/sys/net/ipv6/conf/{link}/disable_ipv6")
        run("ip", "-n", namespace, "addr", "add", f"{address}/64", "dev", link, "nodad")
    run("ip", "-n", there, "addr", "del", f"{QUANTUM.address}/24", "dev", "eth0")
    try:
        yield bridge, own
    finally:
        for namespace, link in ((LAB.namespace, "lan"), (there, "eth0")):
            enter = ("nsenter", f"--net=/run/netns/{namespace}")
            run(*enter, "sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{link}/disable_ipv6")
        run("ip", "-n", there, "addr", "add", f"{QUANTUM.address}/24", "dev", "eth0")


def test_ipv6_alone_is_enough(site: Site) -> None:
    """To look, and to tell."""
    with ExitStack() as stack:
        bridge, _ = stack.enter_context(ipv6_only())
        target = stack.enter_context(Target(LAB, bridge))
        pager = stack.enter_context(Pager(LAB, bridge))
        there = replace(site, pager=pager)
        tell(site.machine, f"http://[{bridge}]:{pager.port}/")
        echo = "  echo-bridge: {probe: icmp, host: bridge, service: network, every: 8s, timeout: 7s}\n"
        watch(site, WATCHED.format(address=bridge, port=target.port) + echo)
        site.machine.run("systemctl", "restart", "migrawatch", timeout=60)
        until_verdict(there, "target", "ok")
        until_verdict(there, "echo-bridge", "ok")

        target.close()
        opened = there.wait_told("target", "opened")
        target.open()

        assert there.wait_told("target", "resolved") == opened
        assert pager.wrong == []


def test_a_boot_without_names_watches_what_has_an_address(site: Site, target: Target) -> None:
    """Ready all the same; what needs names says so, and is well when there are names, as is whoever is told by name."""
    named = WATCHED.format(address=GATE, port=target.port) + (
        f"  named: {{probe: http, host: bridge, service: web, url: 'http://pager.example.test:{site.pager.port}/',"
        " expect: {status: 501}, every: 10s, timeout: 9s, resolve_for: 2s}\n"
    )
    watch(site, named)
    tell(site.machine, f"http://pager.example.test:{site.pager.port}/")
    site.machine.run("sh", "-c", "cat > /etc/resolv.conf", stdin="nameserver 10.1.10.99\n")
    site.pager.clear()

    reboot(site.machine)

    assert until(lambda: site.get("/-/ready")[0], lambda status: status == 200, 60)
    pid = site.main()
    until_verdict(site, "target", "ok")
    look = until(lambda: site.look("named"), lambda look: look["verdict"] is not None, 60)
    assert look["verdict"] in ("down", "unknown")
    assert str(look["reason"]).startswith("dns_")
    target.close()
    [opened] = until(lambda: site.open_of("target"), bool, 60)
    assert site.pager.pages == []

    site.machine.run("sh", "-c", "cat > /etc/resolv.conf", stdin=f"nameserver {GATE}\n")
    with naming(LAB, GATE, GATE):
        until_verdict(site, "named", "ok")
        assert site.wait_told("target", "opened", 400) == opened
        target.open()
        assert site.wait_told("target", "resolved") == opened
        assert site.main() == pid
        assert site.told_twice() == []


def test_an_upgrade_under_load_loses_no_notice(site: Site, target: Target, package: Path, tmp_path: Path) -> None:
    """Forty looks a second, a receiver that takes two seconds over a page, and an incident that begins meanwhile."""
    many = "".join(
        f"  load-{number}: {{probe: tcp, host: bridge, service: load, port: {target.port}, every: 1s, timeout: 900ms,"
        " needs: [target]}\n"
        for number in range(40)
    )
    watch(site, WATCHED.format(address=GATE, port=target.port) + many)
    site.machine.run("systemctl", "reload", "migrawatch")
    until_verdict(site, "load-39", "ok")
    site.pager.slow = 2.0
    give(site.machine, next_release(package, tmp_path, "9.0-1", {}), "/root/next.deb")
    pid = site.main()
    target.close()
    [opened] = until(lambda: site.open_of("target"), bool, 60)
    before = site.incidents()

    said = apt_install(site.machine, "/root/next.deb")

    assert site.main() not in ("0", pid), said[-2000:]
    assert site.machine.run("dpkg-query", "-W", "-f", "${Version}", "migrawatch") == "9.0-1"
    assert before.keys() <= site.incidents().keys()
    assert site.wait_told("target", "opened") == opened
    target.open()
    assert site.wait_told("target", "resolved", 300) == opened
    assert site.told_twice() == []
    assert site.told("target", "opened") == site.told("target", "resolved") == [opened]


def test_the_gap_of_an_upgrade_is_told(site: Site, target: Target, package: Path, tmp_path: Path) -> None:
    """How long nobody looked while a release was exchanged; the machine decides that, so it is printed, not judged."""
    give(site.machine, next_release(package, tmp_path, "9.1-1", {}), "/root/next.deb")
    until_looked_at(target, 5)
    first = len(target.came_at)

    apt_install(site.machine, "/root/next.deb")

    until_looked_at(target, 5)
    came = target.came_at[first - 1 :]
    gap = max(after - before for before, after in pairwise(came))
    print(json.dumps({"upgrade": {"looks": len(came), "longest_gap_seconds": round(gap, 1)}}))
    assert site.told("target", "opened") == []
