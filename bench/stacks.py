"""The stacks that watch the same instances: Debian's Prometheus with its Alertmanager, and migrawatch's daemon."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from bench.edge import Edge
from bench.instances import Instance
from tests.servers.alertmanager import Alertmanager
from tests.servers.ports import free_port

MIGRAWATCH = """\
daemon: {{listen: "127.0.0.1:{listen}", state: state.db}}
defaults: {{every: {every}, timeout: 4s}}
hosts: {hosts}
checks: {checks}
watch: {watch}
receivers: {{page: {{kind: webhook, url: "{page}"}}}}
routes: [{{to: [page]}}]
"""

PARTS = ("checks", "watches")
"""Of the API: what says whether all is seen."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One that runs: *sees_all* says whether it has seen every instance well."""

    name: str
    sees_all: Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What decides how soon Prometheus and Alertmanager tell.

    Each target is a group of its own, so that none waits for another's `group_interval`: their best case.
    """

    scrape: str
    evaluate: str
    hold: str
    group_wait: str
    group_interval: str


@contextmanager
def prometheus(
    name: str, pace: Pace, folder: Path, targets: Sequence[Instance], exporter: int, page: str
) -> Iterator[Stack]:
    """Prometheus that has blackbox_exporter on the port *exporter* look, and Alertmanager that posts to *page*."""
    folder.mkdir()
    program = shutil.which("prometheus")
    if program is None:
        raise SystemExit("bench: no prometheus; apt-get install prometheus")
    with ExitStack() as stack:
        teller = Alertmanager(page=page, group_wait=pace.group_wait, group_interval=pace.group_interval)
        stack.callback(shutil.rmtree, teller.folder)
        stack.callback(teller.stop)
        teller.start()
        (folder / "rules.json").write_text(json.dumps(_rules(pace)))
        config = folder / "prometheus.json"
        config.write_text(json.dumps(_scraping(name, pace, targets, exporter, teller.port)))
        port = free_port()
        stack.enter_context(
            _running(
                program, f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb",
                f"--web.listen-address=127.0.0.1:{port}", log=folder / "log",
            )
        )  # fmt: skip
        query = f"http://127.0.0.1:{port}/api/v1/query?query={quote('count(probe_success == 1)')}"

        def sees_all() -> bool:
            found = (_get(query) or {}).get("data", {}).get("result", [])
            return [int(sample["value"][1]) for sample in found] == [len(targets)]

        yield Stack(name=name, sees_all=sees_all)


def _rules(pace: Pace) -> dict[str, Any]:
    rule = {"alert": "Down", "expr": "probe_success == 0", "for": pace.hold}
    return {"groups": [{"name": "page", "rules": [rule]}]}


def _scraping(name: str, pace: Pace, targets: Sequence[Instance], exporter: int, teller: int) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": pace.scrape, "evaluation_interval": pace.evaluate},
        "rule_files": ["rules.json"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{teller}"]}]}]},
        "scrape_configs": [
            {
                "job_name": "page",
                "metrics_path": "/probe",
                "params": {"module": ["http"]},
                "static_configs": [
                    {"targets": [f"{target.url}/{name}"], "labels": {"check": target.name}} for target in targets
                ],
                "relabel_configs": [
                    {"source_labels": ["__address__"], "target_label": "__param_target"},
                    {"source_labels": ["__param_target"], "target_label": "instance"},
                    {"target_label": "__address__", "replacement": f"127.0.0.1:{exporter}"},
                ],
            }
        ],
    }


@contextmanager
def migrawatch(
    name: str,
    every: str,
    folder: Path,
    targets: Sequence[Instance],
    page: str,
    *,
    tripwire: bool = False,
    edge: Edge | None = None,
) -> Iterator[Stack]:
    """The daemon as shipped, which looks *every* so often and posts to *page*; it watches the logs of an *edge*."""
    # The looks that confirm (`confirm`, `open_after`) come only after one that failed: of what is well, it asks as
    # often as Prometheus does. `timeout` must be shorter than `every`; nothing here ever takes so long.
    folder.mkdir()
    listen = free_port()
    hosts = {target.name: {"address": target.address} for target in targets}
    checks = {
        target.name: {"probe": "http", "host": target.name, "url": f"{target.url}/{name}", "tripwire": tripwire}
        for target in targets
    }
    watches = {target.name: _watch(edge, target) for target in targets} if edge else {}
    facts = {"hosts": hosts | ({"edge": edge.host} if edge else {}), "checks": checks, "watch": watches}
    config = folder / "migrawatch.yaml"
    written = {section: json.dumps(fact) for section, fact in facts.items()}
    config.write_text(MIGRAWATCH.format(listen=listen, every=every, page=page, **written))

    def sees_all() -> bool:
        found = {part: (_get(f"http://127.0.0.1:{listen}/api/v1/{part}") or {}).get(part, []) for part in PARTS}
        well = {check["check"] for check in found["checks"] if check["verdict"] == "ok"}
        heard = {watch["watch"] for watch in found["watches"] if watch["up"]}
        return well >= {target.name for target in targets} and heard == watches.keys()

    with _running(sys.executable, "-m", "migrawatch.cli.main", "run", "-c", str(config), log=folder / "log"):
        yield Stack(name=name, sees_all=sees_all)


def _watch(edge: Edge, target: Instance) -> dict[str, Any]:
    # One for each: ten hosts that end within a minute are more than one watch has looks caused by.
    log = str(edge.log_of(target.name))
    return {"host": "edge", "file": log, "match": r"connect\(\) failed", "checks": target.name}


def _get(url: str) -> dict[str, Any] | None:
    """What is answered there; None from one that does not answer yet."""
    try:
        with urlopen(url, timeout=5) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except OSError:
        return None


@contextmanager
def _running(*command: str, log: Path) -> Iterator[None]:
    """A process until the block ends; one that ended by itself shows the end of its log."""
    with log.open("wb") as written:
        started = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        yield
        if started.poll() is not None:
            raise SystemExit(f"bench: {command[0]} ended:\n{log.read_text()[-2000:]}")
    finally:
        started.terminate()
        started.wait(timeout=20)
