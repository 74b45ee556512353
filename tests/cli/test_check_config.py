"""`migrawatch check-config` on the configuration that we ship."""

from pathlib import Path
from typing import Any

from migrawatch.config import load
from migrawatch.config.tree import CHANGE_ME

SHIPPED = Path(__file__).parents[2] / "config/migrawatch.yaml"


def test_what_is_watched_is_listed_host_by_host(run: Any) -> None:
    """Every host whose address is known, beside what needs none: migrawatch itself, and our own uplink."""
    settings = load(SHIPPED, {}, secrets_needed=False)
    known = {name for name, host in settings.hosts.items() if host.address != CHANGE_ME}

    ran = run("check-config", "-c", str(SHIPPED), "--without-secrets", "-v")

    lines = ran.out.splitlines()
    listed = {
        line.split()[2].rstrip(":"): number for number, line in enumerate(lines) if line.startswith("watched on ")
    }
    assert set(listed) == {*known, "migraguard-quantum", "here"}
    assert len(known) == 7
    for check in settings.checks:
        above = [host for host, number in listed.items() if number < lines.index(f"  {check.name}")]
        assert above[-1] == check.subject.host
    assert [line for line in lines if line.startswith("not watched: ")] == [
        f"not watched: {item.check}: {item.why}" for item in settings.not_watched
    ]
