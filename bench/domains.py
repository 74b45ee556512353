"""500 client domains whose mail records are judged every five minutes: what that costs the daemon, and dns-core.

The domains are looked at as `config/` has it: what the public sees is found by the delegation, and the name of the
sending address has a check of its own. All name servers are real PowerDNS; dns-core's own count says what it was asked.
It has a public address beside its own here: nothing that was asked there is spared here.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.machine import machine
from bench.reading import Reading
from tests.daemon.stand import Stand, stand
from tests.servers.mail_zones import OURS, key_record, public_key
from tests.servers.powerdns import PowerDns, name_servers
from tests.servers.zones import txt


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How many domains, how often each is looked at, and for how many seconds that is judged.

    As it stands a third of the domains come by, at the real pace. Before that each is looked at within *warm* seconds:
    what only a first look costs is over then, not after five minutes.
    """

    domains: int = 500
    every: float = 300.0
    warm: float = 15.0
    steady: float = 100.0


FULL = Scale()

SCRAPED = 10.0
"""Seconds between two scrapes meanwhile: Prometheus is served, too."""

WELL_WITHIN = 60.0
CALM = 5.0
"""Seconds after the change of pace that are not judged."""

GATES = {"share": 0.02, "kept": 6.0}
"""The greatest that is allowed: part of a core; questions to dns-core per domain and look, one for each place where it
may keep a record: MX and TXT of the domain, its key, DMARC, MTA-STS, TLS-RPT."""

KEPT, PUBLIC, TOP, ROOT = "127.0.53.21", "127.0.53.22", "127.0.53.23", "127.0.53.24"
"""dns-core, where the delegation sends the public, the servers of `test` and those of the root."""

CONFIG = """\
daemon: {{listen: "127.0.0.1:{listen}", state: state.db}}
hosts:
  dns-core: {{address: %(kept)s}}
checks:
  host/dns-core: {{enabled: false}}
  mail-records/{{domain}}:
    each: {{domain: %(domains)s}}
    probe: mail_dns
    host: dns-core
    service: "{{domain}}"
    every: %(every)gs
    timeout: 10s
    domain: "{{domain}}"
    port: %(port)d
    roots: ["%(root)s"]
    mx: [mail.host.test]
    mail: {{sending_addresses: [%(ours)s], helo: mail.host.test, ptr: false}}
    dkim: {{selectors: [mail]}}
receivers:
  ops: {{kind: webhook, url: "{ops}", timeout: 2s}}
routes:
  - {{to: [ops]}}
"""

HOST_ZONE = f"""\
$ORIGIN host.test.
@ 3600 IN SOA ns1 hostmaster 1 3600 600 86400 3600
@ 3600 IN NS ns1
ns1 3600 IN A {PUBLIC}
mail 3600 IN A {OURS}
_spf 3600 IN TXT "v=spf1 ip4:{OURS} -all"
"""

ROOT_ZONE = f"""\
$ORIGIN .
@ 3600 IN SOA ns.root-servers.test hostmaster.test 1 3600 600 86400 3600
@ 3600 IN NS ns.root-servers.test
test 3600 IN NS ns.test
ns.test 3600 IN A {TOP}
"""

TOP_ZONE = f"""\
$ORIGIN test.
@ 3600 IN SOA ns hostmaster 1 3600 600 86400 3600
@ 3600 IN NS ns
ns 3600 IN A {TOP}
ns1.host 3600 IN A {PUBLIC}
host 3600 IN NS ns1.host
"""

CLIENT_ZONE = """\
$ORIGIN {domain}.
@ 3600 IN SOA ns1.host.test. hostmaster.host.test. 1 3600 600 86400 3600
@ 3600 IN NS ns1.host.test.
@ 3600 IN MX 10 mail.host.test.
@ 3600 IN TXT "v=spf1 include:_spf.host.test -all"
mail._domainkey 3600 IN TXT {key}
_dmarc 3600 IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{domain}"
"""

Told = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What went by in so many *seconds*: looks, seconds of the daemon's CPU, questions by who was asked.

    *kept* is dns-core at its own address, *public* all that tell what the public sees.
    """

    seconds: float
    looks: float
    cpu: float
    kept: int
    public: int


def domains(scale: Scale = FULL) -> Told:
    """Run it once, about two minutes; what bench.json says of it."""
    with TemporaryDirectory(prefix="migrawatch-domains-") as folder:
        return asyncio.run(_domains(scale, Path(folder)))


def domains_summary(spent: Spent, scale: Scale = FULL) -> Told:
    """The part of a core that *spent* comes to at the whole pace, and the questions of one look at one domain."""
    return {
        "looks": round(spent.looks),
        "seconds": round(spent.seconds, 1),
        "cpu_per_look": round(spent.cpu / spent.looks, 5),
        # By the looks, not by the seconds: names deal out the grid, so a third of it may have a few more or fewer.
        "share": round(spent.cpu / spent.looks * scale.domains / scale.every, 4),
        "kept": round(spent.kept / spent.looks, 1),
        "public": round(spent.public / spent.looks, 1),
    }


def domains_beyond(told: Told) -> list[str]:
    """Which gates do not hold."""
    return [f"domains {name} {told[name]:g} > {gate:g}" for name, gate in GATES.items() if told[name] > gate]


def domains_table(told: Told) -> str:
    """The domains for people."""
    return "\n".join(
        (
            f"domains: {told['domains']}, mail records every {told['every']:g} s",
            f"  looks    {told['looks']} in {told['seconds']:g} s, {told['cpu_per_look'] * 1000:.1f} ms of CPU each",
            f"  daemon   {told['share']:.2%} of a core (gate {GATES['share']:.0%}), {told['rss'] / 1e6:.0f} MB",
            f"  asked    dns-core {told['kept']:g} times a domain and look (gate {GATES['kept']:g}),"
            f" the delegation {told['public']:g} times",
        )
    )


async def _domains(scale: Scale, folder: Path) -> Told:
    with name_servers(_zones(scale)) as servers:
        async with stand(folder) as daemon:
            _configure(daemon, servers[KEPT].port, scale, scale.warm)
            await daemon.start()
            await _well(daemon)
            _configure(daemon, servers[KEPT].port, scale, scale.every)
            if (change := await daemon.reload())["event"] != "reloaded":
                raise SystemExit(f"bench: domains: {change}")
            await asyncio.sleep(CALM)
            judged = await _steady(daemon, servers, scale)
            await _well(daemon)
            if daemon.ops.arrived:
                raise SystemExit(f"bench: domains: paged of {daemon.changes()}")
            await daemon.end()
    return {"domains": scale.domains, "every": scale.every, **judged, "gates": GATES, "machine": machine()}


def _names(scale: Scale) -> list[str]:
    return [f"client-{number}.test" for number in range(1, scale.domains + 1)]


def _zones(scale: Scale) -> dict[str, dict[str, str]]:
    """The zones of each server, by its address."""
    key, names = txt(key_record(public_key())), _names(scale)
    ours = {"host.test": HOST_ZONE} | {name: CLIENT_ZONE.format(domain=name, key=key) for name in names}
    top = TOP_ZONE + "".join(f"{name}. 3600 IN NS ns1.host\n" for name in names)
    return {KEPT: ours, PUBLIC: ours, TOP: {"test": top}, ROOT: {".": ROOT_ZONE}}


def _configure(daemon: Stand, port: int, scale: Scale, every: float) -> None:
    names = json.dumps(_names(scale))
    facts = {"kept": KEPT, "root": ROOT, "port": port, "ours": OURS, "every": every, "domains": names}
    daemon.configure(text=CONFIG % facts)


async def _well(daemon: Stand) -> None:
    """Wait until each domain was looked at and is well: of one that is not, less may be asked."""
    until = time.monotonic() + WELL_WITHIN
    while unwell := await _unwell(daemon):
        if time.monotonic() > until:
            raise SystemExit(f"bench: domains: {len(unwell)} are not well, such as {unwell[0]}")
        await asyncio.sleep(1)


async def _unwell(daemon: Stand) -> list[Mapping[str, Any]]:
    checks = json.loads((await daemon.get("/api/v1/checks"))[1])["checks"]
    return [check for check in checks if check["verdict"] != "ok"]


async def _steady(daemon: Stand, servers: Mapping[str, PowerDns], scale: Scale) -> Told:
    """Watch the daemon for a while in which nothing changes."""
    before, reading = Reading(), Reading()
    asked = {name: server.asked() for name, server in servers.items()}
    since = time.monotonic()
    before.take((await daemon.get("/metrics"))[1])
    while (left := since + scale.steady - time.monotonic()) > 0:
        await asyncio.sleep(min(left, SCRAPED))
        reading.take((await daemon.get("/metrics"))[1])
    grown = {name: value - before.values.get(name, 0.0) for name, value in reading.values.items()}
    spent = Spent(
        seconds=time.monotonic() - since,
        looks=grown["migrawatch_look_lateness_seconds_count"],
        cpu=grown["process_cpu_seconds_total"],
        kept=servers[KEPT].asked() - asked[KEPT],
        public=sum(server.asked() - asked[name] for name, server in servers.items() if name != KEPT),
    )
    return {**domains_summary(spent, scale), "rss": reading.values["process_resident_memory_bytes"]}
