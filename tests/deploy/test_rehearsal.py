"""migraguard-quantum rehearsed: a bare Debian 12 with systemd, the package, the production configuration, and a pager.

Nothing that is watched exists here, so there is an incident soon; whatever happens to the daemon, it is told once. The
tests are one story in its order, each leaving a daemon that runs.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.packages import ROOT, next_release
from tests.deploy.quantum import give, quantum, refused, shown
from tests.deploy.site import CONFIG, CREDENTIALS, UNIT, Site, apt_install, install, tell, until
from tests.drills.pager import Pager
from tests.lab.machine import Machine

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(600)]

TO_THE_FIRST_PAGE = 120.0
"""Seconds from a bare Debian to the first page, at most."""


@contextmanager
def scraping(site: Site) -> Iterator[list[str]]:
    """Scrape again and again, as Prometheus does; what did not succeed is told."""
    failed: list[str] = []
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(0.05):
            try:
                status, _ = site.get("/metrics")
                if status != 200:
                    failed.append(str(status))
            except OSError as error:
                failed.append(repr(error))

    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        yield failed
    finally:
        over.set()
        scraper.join()


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with quantum("rehearsal") as booted:
        yield booted


@pytest.fixture(scope="module")
def begun_at() -> float:
    """When the installation began, on the monotonic clock."""
    return time.monotonic()


@pytest.fixture(scope="module")
def site(machine: Machine, begun_at: float, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Installed as docs/deployment.md says: the package, keys and passwords, and one line of one file."""
    install(machine, package, tmp_path_factory.mktemp("key"))
    with Pager(machine) as pager:
        yield Site(machine, pager)


def test_it_installs_on_a_bare_debian(site: Site) -> None:
    """By apt, with nothing but Debian's own packages; it is not started before somebody has filled it in."""
    machine = site.machine

    assert machine.run("migrawatch", "--version").startswith("migrawatch ")
    assert refused(machine, "systemctl", "is-active", UNIT)
    assert refused(machine, "systemctl", "is-enabled", UNIT)
    assert machine.run("stat", "-c", "%a %U", CREDENTIALS).split() == ["700", "root"]
    assert machine.run("cat", "/proc/sys/net/ipv4/ping_group_range").split() == ["0", "2147483647"]
    assert "migrawatch" in machine.run("getent", "passwd", "migrawatch")
    assert machine.sh("find /usr/lib/migrawatch -name 'main*.pyc'").strip() != ""


def test_the_production_configuration_is_right_as_it_is_shipped(site: Site) -> None:
    """With CHANGE_ME wherever nobody has told the real value yet."""
    said = site.machine.run("migrawatch", "check-config")

    assert said.rstrip().endswith(": ok")
    assert "CHANGE_ME" in said


def test_systemd_finds_nothing_wrong_with_what_is_installed(site: Site) -> None:
    said = site.machine.sh(
        f"systemd-analyze verify --man=no {UNIT} migrawatch.socket migrawatch@a.service migrawatch-probe@a.timer 2>&1"
    )
    assert said == ""


def test_it_is_active_only_when_it_is_ready(site: Site, begun_at: float) -> None:
    """`systemctl start` comes back when everything is in place, and the first page follows: one file was edited."""
    tell(site.machine, f"http://127.0.0.1:{site.pager.port}/")
    site.machine.run("systemctl", "enable", "--now", "migrawatch", timeout=60)

    assert site.get("/-/ready")[0] == 200
    assert shown(site.machine, UNIT, "StatusText")["StatusText"].startswith("watching ")
    assert site.pager.wait(lambda: site.pager.once("opened") != [], 60), site.journal()[-3000:]
    assert site.pager.wrong == []
    assert site.pager.pages[0].at - begun_at < TO_THE_FIRST_PAGE
    assert "listening_elsewhere" not in site.journal()


def test_it_runs_as_nobody_with_no_capability(site: Site) -> None:
    status = site.machine.run("cat", f"/proc/{site.main()}/status")
    facts = dict(line.split(":", 1) for line in status.splitlines())

    assert site.machine.run("stat", "-c", "%U", f"/proc/{site.main()}").strip() == "migrawatch"
    assert {facts[f"Cap{kind}"].strip() for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (facts["NoNewPrivs"].strip(), facts["Seccomp"].strip()) == ("1", "2")
    assert site.machine.run("stat", "-c", "%a %U", "/var/lib/private", "/var/lib/migrawatch").split()[-2:] == [
        "700",
        "migrawatch",
    ]


def test_a_reload_takes_over_what_is_right_and_refuses_what_is_wrong(site: Site) -> None:
    """`systemctl reload` itself fails, and the daemon watches on."""
    machine, pid = site.machine, site.main()
    extra = "/etc/migrawatch/conf.d/rehearsal.yaml"
    machine.run("sh", "-c", f"cat > {extra}", stdin="checks: {rehearsal: {probe: tcp, host: srv1, port: 81}}\n")
    machine.run("systemctl", "reload", "migrawatch")
    assert "rehearsal" in until(lambda: site.get("/api/v1/checks")[1], lambda text: '"rehearsal"' in text)

    machine.run("sh", "-c", f"cat > {extra}", stdin="checks: {rehearsal: {probe: tpc, host: srv1, port: 81}}\n")
    assert refused(machine, "systemctl", "reload", "migrawatch")

    assert "did you mean" in site.journal() or "tpc" in site.journal()
    assert '"rehearsal"' in site.get("/api/v1/checks")[1]
    machine.run("rm", extra)
    machine.run("systemctl", "reload", "migrawatch")
    assert site.main() == pid


def test_a_restart_drops_no_scrape(site: Site) -> None:
    """systemd listens on; who asks meanwhile is answered by the new daemon."""
    pid = site.main()
    with scraping(site) as failed:
        time.sleep(0.5)
        site.machine.run("systemctl", "restart", "migrawatch", timeout=60)
        time.sleep(0.5)

    assert site.main() != pid
    assert failed == []


def test_kill_9_is_followed_by_a_new_daemon_with_the_old_state(site: Site) -> None:
    """What was open stays open, under the same number, and nobody is told of it twice."""
    before, pid = site.incidents(), site.main()
    assert before

    site.machine.sh(f"kill -9 {pid}")
    site.until_another(pid, 30)

    assert before.keys() <= site.incidents().keys()
    assert site.told_twice() == []
    assert shown(site.machine, UNIT, "NRestarts")["NRestarts"] == "1"


def test_a_blocked_loop_is_ended_by_the_watchdog(site: Site) -> None:
    """As shipped, but for the half minute that it has: a stopped process feeds no watchdog."""
    assert shown(site.machine, UNIT, "WatchdogUSec")["WatchdogUSec"] == "30s"
    drop_in = "/run/systemd/system/migrawatch.service.d"
    site.machine.sh(f"mkdir -p {drop_in}; printf '[Service]\\nWatchdogSec=4s\\n' > {drop_in}/rehearsal.conf")
    site.machine.sh("systemctl daemon-reload; systemctl restart migrawatch", timeout=60)
    before, pid = site.incidents(), site.main()

    site.machine.sh(f"kill -STOP {pid}")
    site.until_another(pid, 45)

    assert before.keys() <= site.incidents().keys()
    journal = site.journal()
    assert "Watchdog timeout (limit 4s)" in journal
    assert "Fatal Python error: Aborted" in journal
    site.machine.sh(f"rm -r {drop_in}; systemctl daemon-reload")


def test_a_bad_configuration_is_not_tried_again(site: Site) -> None:
    """It is as bad the next time; the reason is the last thing in the journal."""
    machine = site.machine
    machine.sh(f"cp -a {CONFIG} /root/right.yaml; echo 'chekcs: {{}}' >> {CONFIG}")
    assert refused(machine, "systemctl", "restart", "migrawatch")
    time.sleep(3)

    state = shown(machine, UNIT, "ActiveState", "SubState", "ExecMainStatus")
    assert state == {"ActiveState": "failed", "SubState": "failed", "ExecMainStatus": "3"}
    assert "chekcs" in site.journal()
    machine.sh(f"cp -a /root/right.yaml {CONFIG}; systemctl start migrawatch", timeout=60)


def test_a_look_can_be_had_from_a_timer(site: Site) -> None:
    """Down is a failed unit; the journal has what a person would have been told."""
    assert refused(site.machine, "systemctl", "start", "migrawatch-probe@uplink-internet")

    said = site.machine.run("journalctl", "--no-pager", "--output=cat", "--unit=migrawatch-probe@uplink-internet")
    assert "uplink/internet" in said
    assert shown(site.machine, "migrawatch-probe@uplink-internet", "ExecMainStatus")["ExecMainStatus"] in ("2", "3")


def test_a_shard_watches_beside_the_others(site: Site) -> None:
    """A configuration, credentials, an address and a state of its own."""
    text = (
        "daemon: {listen: 127.0.0.1:12272, state: /var/lib/migrawatch/lab/state.db}\n"
        "hosts: {quantum: {address: 127.0.0.1, ssh: {user: CHANGE_ME}}}\n"
        "checks: {own: {probe: tcp, host: quantum, port: 12271}}\n"
    )
    folder = "/etc/migrawatch/shards/lab"
    site.machine.run("mkdir", "-p", f"{folder}/credentials")
    site.machine.run("sh", "-c", f"cat > {folder}/migrawatch.yaml", stdin=text)
    site.machine.sh(
        "systemctl start migrawatch@lab || { journalctl -o cat -u migrawatch@lab >&2; exit 1; }", timeout=60
    )

    assert site.machine.sh("test -s /var/lib/migrawatch/lab/state.db && echo kept") == "kept\n"
    assert site.get("/-/ready")[0] == 200
    site.machine.run("systemctl", "stop", "migrawatch@lab")


def test_an_upgrade_keeps_state_and_what_the_operator_wrote(site: Site, package: Path, tmp_path: Path) -> None:
    """A file that both changed stays the operator's, as dpkg has it; one that only we changed is taken over."""
    machine, pid, before = site.machine, site.main(), site.incidents()
    ours = {"migrawatch.yaml": "# new\n", "conf.d/disks.yaml": "# new\n"}
    shipped = {f"etc/migrawatch/{name}": (ROOT / "config" / name).read_text() + text for name, text in ours.items()}
    give(machine, next_release(package, tmp_path, "9.0-1", shipped), "/root/next.deb")
    with scraping(site) as failed:
        said = apt_install(machine, "/root/next.deb")

    assert failed == [], said[-2000:]
    assert site.main() not in ("0", pid)
    assert before.keys() <= site.incidents().keys()
    assert f"127.0.0.1:{site.pager.port}" in machine.run("cat", CONFIG)
    assert machine.run("tail", "-n", "1", "/etc/migrawatch/conf.d/disks.yaml") == "# new\n"
    assert machine.run("ls", f"{CONFIG}.dpkg-dist").strip() == f"{CONFIG}.dpkg-dist"
    assert site.told_twice() == []


def test_a_release_that_does_not_take_the_configuration_leaves_the_old_daemon_running(
    site: Site, package: Path, tmp_path: Path
) -> None:
    """An upgrade at night must not end the watch; it says what is to be done."""
    machine, pid = site.machine, site.main()
    machine.sh(f"cp -a {CONFIG} /root/right.yaml; echo 'chekcs: {{}}' >> {CONFIG}")
    give(machine, next_release(package, tmp_path, "9.1-1", {}), "/root/next.deb")

    said = apt_install(machine, "/root/next.deb")

    assert "NOT restarted" in said
    assert site.main() == pid
    machine.sh(f"cp -a /root/right.yaml {CONFIG}")


def test_removing_it_leaves_state_and_configuration(site: Site) -> None:
    site.machine.sh("DEBIAN_FRONTEND=noninteractive apt-get remove -y migrawatch 2>&1", timeout=60)

    assert refused(site.machine, "systemctl", "is-active", UNIT, "migrawatch.socket")
    kept = site.machine.run("ls", "/etc/migrawatch", "/var/lib/migrawatch", CREDENTIALS).split()
    assert {"migrawatch.yaml", "state.db", "ssh_key"} <= set(kept)
    assert refused(site.machine, "ls", "/usr/lib/migrawatch")


def test_purging_it_leaves_nothing(site: Site) -> None:
    site.machine.sh("DEBIAN_FRONTEND=noninteractive apt-get purge -y migrawatch 2>&1", timeout=60)

    assert site.machine.sh("find / -xdev -iname '*migrawatch*' -not -path '/root/*' -not -path '/proc/*'") == ""
    assert refused(site.machine, "getent", "passwd", "migrawatch")
    assert refused(site.machine, "getent", "group", "migrawatch")
