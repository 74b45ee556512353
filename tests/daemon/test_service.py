"""The whole daemon: from a fault of a real server to the page that a real receiver gets."""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.daemon.stand import CONFIG, Stand, stand, until
from tests.servers.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path) as found:
        yield found


async def all_green(here: Stand) -> None:
    """Every check was looked at, and is ok."""

    async def is_green() -> bool:
        _, body = await here.get("/api/v1/checks")
        return {check["verdict"] for check in json.loads(body)["checks"]} == {"ok"}

    await until(is_green, 15, here.tail)


async def test_a_fault_is_one_page_with_its_cause_and_a_recovery_is_one_resolve(here: Stand) -> None:
    await here.start()
    await all_green(here)

    await here.break_api()
    [opened] = await here.pages(1)
    await asyncio.sleep(1.5)
    await here.mend_api()
    pages = await here.pages(2)
    await asyncio.sleep(1.5)

    assert here.changes() == [("opened", "api"), ("resolved", "api")]
    assert (opened["cause"]["reason"], opened["symptoms"]) == ("connect_refused", ["page"])
    assert opened["remedy"] == ["start the backend"]
    assert pages[1]["id"] == opened["id"]
    assert pages[1]["closing"] == ""


async def test_sigterm_ends_it_in_order(here: Stand) -> None:
    """Exit code 0, within ten seconds, no traceback, and a next start finds the file unlocked and whole."""
    await here.start()
    await all_green(here)
    await here.break_api()
    await here.pages(1)

    began = time.monotonic()
    code = await here.end()
    took = time.monotonic() - began

    assert (code, took < 10) == (0, True)
    assert "Traceback" not in here.log()
    assert [event["event"] for event in here.events("stopping", "stopped_with_notices_waiting")] == ["stopping"]


async def test_sigterm_does_not_wait_for_a_receiver_that_is_silent_nor_for_a_live_page(here: Stand) -> None:
    here.ops.silent = True
    await here.start()
    await all_green(here)
    _, watching = await asyncio.open_connection("127.0.0.1", here.listen)
    watching.write(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{here.listen}\r\n\r\n".encode())
    await here.break_api()
    await until(lambda: here.ops.arrived, 20, here.tail)

    began = time.monotonic()
    code = await here.end()
    took = time.monotonic() - began
    watching.close()

    assert (code, took < 10) == (0, True)
    assert "Traceback" not in here.log()


async def test_kill_9_between_fault_and_page_loses_nothing_and_repeats_carry_the_same_key(here: Stand) -> None:
    """The receiver takes the page but its answer never comes: after the restart the page comes again, as itself."""
    here.ops.silent = True
    await here.start()
    await all_green(here)
    await here.break_api()
    await until(lambda: here.ops.arrived, 20, here.tail)
    await here.kill()

    here.ops.silent = False
    await here.start()
    await here.pages(2)
    await here.mend_api()
    await here.pages(3)
    await asyncio.sleep(1)

    assert here.changes() == [("opened", "api"), ("opened", "api"), ("resolved", "api")]
    assert here.ops.keys[0] == here.ops.keys[1]
    assert here.ops.keys[2] != here.ops.keys[1]


async def test_what_healed_while_the_daemon_was_down_is_told_once_as_what_it_was(here: Stand) -> None:
    """Nothing goes out after a start before its checks were looked at again."""
    here.ops.plan(*[503] * 50)
    await here.start()
    await all_green(here)
    await here.break_api()
    await until(lambda: here.ops.arrived, 20, here.tail)
    await here.kill()
    await here.mend_api()
    here.ops.answers.clear()
    before = len(here.ops.arrived)

    await here.start()
    await until(lambda: len(here.ops.arrived) > before, 20, here.tail)
    await asyncio.sleep(2)
    after = here.ops.arrived[before:]

    assert here.changes(after) == [("resolved", "api")]
    assert after[0].document["commonAnnotations"]["summary"].startswith("WAS DOWN")


async def test_a_receiver_that_was_down_gets_everything_in_order_when_it_is_back(here: Stand) -> None:
    here.ops.plan(*[503] * 3)
    await here.start()
    await all_green(here)
    await here.break_api()
    await until(lambda: len(here.ops.arrived) >= 4, 30, here.tail)
    await here.mend_api()
    await here.pages(5)

    assert here.changes()[:4] == [("opened", "api")] * 4
    assert len(set(here.ops.keys[:4])) == 1
    assert here.changes()[4:] == [("resolved", "api")]


# -- reload ---------------------------------------------------------------------------------------------------------


async def test_a_reload_takes_what_is_valid_and_a_bad_one_changes_nothing(here: Stand) -> None:
    await here.start()
    await all_green(here)

    here.config.write_text(here.config.read_text().replace("probe: tcp", "probe: tpc"))
    refused = await here.reload()
    status, body = await here.get("/-/reload", "POST")
    await here.break_api()
    await here.pages(1)
    here.configure(checks=f"  more: {{probe: tcp, host: web, port: {here.page.port}}}")
    used = await here.reload()
    await until(lambda: "more" in here.log() and here.events("observed")[-1], 10, here.tail)

    assert (refused["event"], status) == ("reload_refused", 400)
    assert "did you mean 'tcp'" in refused["problems"][0]
    assert "did you mean 'tcp'" in body
    assert (used["event"], used["added"]) == ("reloaded", ["more"])
    assert here.changes() == [("opened", "api")]
    assert (await here.get("/-/healthy"))[0] == 200


async def test_a_removed_check_is_told_as_no_longer_watched(here: Stand) -> None:
    await here.start()
    await all_green(here)
    await here.break_api()
    await here.pages(1)

    text = "\n".join(line for line in CONFIG.splitlines() if not line.startswith("  api:"))
    here.configure(text=text.replace("    needs: [api]\n", ""))
    await here.reload()
    pages = await here.pages(2)

    assert (pages[1]["change"], pages[1]["closing"]) == ("resolved", "no longer watched")


async def test_a_removed_check_has_no_series_once_the_reload_has_ended(here: Stand) -> None:
    """Its last values would look like health for as long as the daemon runs."""
    spare = f"  spare: {{probe: tcp, host: web, port: {here.page.port}}}"
    here.configure(checks=spare)
    await here.start()
    await all_green(here)
    _, before = await here.get("/metrics")

    here.configure()
    await here.reload()
    _, after = await here.get("/metrics")

    assert {'probe_success{check="spare"', 'migrawatch_look_duration_seconds_count{check="spare"'} <= {
        line.partition(",")[0] for line in before.splitlines()
    }
    assert 'check="spare"' not in after
    assert 'probe_success{check="api"' in after


async def test_what_a_removed_receiver_was_due_is_told_to_the_one_that_is_left(here: Stand) -> None:
    gone = free_port()
    old = f'  old: {{kind: webhook, url: "http://127.0.0.1:{gone}/", timeout: 1s}}'
    here.configure(receivers=old, to="old")
    await here.start()
    await all_green(here)
    await here.break_api()
    await until(lambda: here.events("notice_delayed"), 20, here.tail)

    here.configure()
    await here.reload()
    await here.pages(1)
    await here.mend_api()
    await here.pages(2)

    assert here.changes() == [("opened", "api"), ("resolved", "api")]


# -- starting -------------------------------------------------------------------------------------------------------


async def code_of(here: Stand) -> int:
    second = await here.spawn()
    return await asyncio.wait_for(second.wait(), 20)


async def test_a_receiver_out_of_reach_has_its_fallback_told_of_the_fault_and_of_its_end(here: Stand) -> None:
    """The fallback stands in no route: it hears of what the pager does not take, and of all that follows."""
    pager = f'  pager: {{kind: webhook, url: "http://127.0.0.1:{free_port()}/", timeout: 1s, fallback: ops, after: 1s}}'
    here.configure(receivers=pager, to="pager")
    await here.start()
    await here.break_api()
    await here.pages(1)
    await here.mend_api()
    await here.pages(2)

    assert here.changes() == [("opened", "api"), ("resolved", "api")]
    assert [event["fallback"] for event in here.events("notice_handed_over")][:1] == ["ops"]


async def test_a_second_daemon_on_the_same_address_says_so_and_touches_nothing(here: Stand) -> None:
    await here.start()

    code = await code_of(here)

    assert code == os.EX_TEMPFAIL
    assert f"127.0.0.1:{here.listen}" in here.log()
    assert "in use" in here.log()
    assert "Traceback" not in here.log()
    assert (await here.get("/-/healthy"))[0] == 200


async def test_a_second_daemon_on_the_same_state_says_so(here: Stand) -> None:
    await here.start()
    here.listen = free_port()
    here.configure()

    code = await code_of(here)

    assert code == os.EX_TEMPFAIL
    assert "in use by another migrawatch" in here.log()
    assert "Traceback" not in here.log()


async def test_a_state_that_cannot_be_is_said_plainly(here: Stand) -> None:
    (here.folder / "state.db").mkdir()

    code = await code_of(here)

    assert code == os.EX_TEMPFAIL
    assert "state.db" in here.log()
    assert "Traceback" not in here.log()


# -- systemd --------------------------------------------------------------------------------------------------------


async def test_systemd_is_told_ready_reloading_alive_and_stopping(here: Stand, tmp_path: Path) -> None:
    """The protocol of sd_notify(3), on a real datagram socket; the watchdog is fed at half its interval."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        here.environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        await here.start()
        await asyncio.sleep(1.3)
        await here.reload()
        await asyncio.sleep(0.2)
        await here.end()
        said = []
        while True:
            try:
                said.append(systemd.recv(4096).decode())
            except BlockingIOError:
                break

    others = [message for message in said if message != "WATCHDOG=1"]
    assert said.count("WATCHDOG=1") >= 2
    assert [message.split("\n")[0] for message in others] == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    assert others[0].split("\n")[1] == "STATUS=watching 3 checks"
    assert int(others[1].split("MONOTONIC_USEC=")[1]) > 0


async def test_a_service_manager_that_cannot_be_told_stops_nothing(here: Stand, tmp_path: Path) -> None:
    here.environ = {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "500000"}

    await here.start()
    await all_green(here)

    assert here.events("systemd_not_told")
    assert await here.end() == 0


async def test_probe_is_served_from_the_blackbox_yml_of_the_last_good_reload(here: Stand) -> None:
    """A mistake in blackbox.yml is told, and what was good before is served on."""
    modules = here.folder / "blackbox.yml"
    modules.write_text("modules: {tcp: {prober: tcp}}\n")
    here.configure(text=CONFIG + "blackbox: {{config_file: blackbox.yml}}\n")
    await here.start()
    asked = f"/probe?module=%s&target=127.0.0.1:{here.api.port}"

    status, told = await here.get(asked % "tcp")
    modules.write_text("modules: {tcp: {prober: tcp}, other: {prober: nonsense}}\n")
    refused, problems = await here.get("/-/reload", "POST")
    _, still = await here.get(asked % "tcp")
    modules.write_text("modules: {other: {prober: tcp}}\n")
    taken, _ = await here.get("/-/reload", "POST")
    gone, _ = await here.get(asked % "tcp")
    _, other = await here.get(asked % "other")

    assert (status, refused, taken, gone) == (200, 400, 200, 400)
    assert "blackbox.yml:1:" in problems
    assert all("\nprobe_success 1\n" in body for body in (told, still, other))
