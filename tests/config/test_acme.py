"""The shipped checks of the ACME path, looked at a real nginx with the vhosts that the lab and the map have."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from migrawatch.check import Check
from migrawatch.config import load
from migrawatch.look import look
from migrawatch.model import Observation, Severity, Verdict
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from migrawatch_probes.http import HttpProbe
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[2]
SITES = ROOT / "tests/lab/hosts/srv1/root/etc/nginx/sites-available"
ACME = [check for check in load(ROOT / "config/migrawatch.yaml", {}, secrets_needed=False).checks
        if check.name.startswith("acme/")]  # fmt: skip


@contextmanager
def port_80(folder: Path, *, without: str = "(?!)") -> Iterator[int]:
    """What srv1 serves on port 80, on a port of its own; *without* the locations that match."""
    port = free_port()
    plain = [re.split(r"^(?=server )", site.read_text(), flags=re.MULTILINE)[-1] for site in SITES.glob("*.conf")]
    servers = "".join(re.sub(rf"    location [^{{]*{without}[^}}]*}}\n", "", server) for server in plain)
    with nginx(folder, servers.replace("listen 80;", f"listen 127.0.0.1:{port};"), first_port=port):
        yield port


async def look_through(port: int, check: Check) -> Observation:
    assert isinstance(check.probe, HttpProbe)
    return await look(replace(check, probe=replace(check.probe, dial=f"127.0.0.1:{port}")), Here())


async def test_a_challenge_that_is_not_there_is_well_for_every_name(tmp_path: Path) -> None:
    with port_80(tmp_path) as port:
        seen = {check.name: await look_through(port, check) for check in ACME}

    assert {name: one.detail for name, one in seen.items() if one.verdict is not Verdict.OK} == {}
    assert len(seen) == 6


@pytest.mark.parametrize("check", ACME, ids=lambda check: check.name)
async def test_a_challenge_that_is_sent_to_https_is_told_and_wakes_nobody(tmp_path: Path, check: Check) -> None:
    """The authority would follow, and find what is not the answer."""
    with port_80(tmp_path, without="acme-challenge/") as port:
        seen = await look_through(port, check)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.HTTP_STATUS)
    assert "301" in seen.detail
    assert check.policy.severity is Severity.WARNING
