"""Every fault of the lab by name, each with its row of the truth table, in the area of the map that it concerns."""

from dataclasses import dataclass

from tests.lab import plan
from tests.lab.faults import (
    backend,
    backups,
    beyond,
    certificates,
    database,
    edge,
    frontend,
    hosts,
    mail_certificates,
    mail_delivery,
    mail_reading,
    mail_sending,
    names,
    outside,
    pairs,
    paths,
    policies,
    pools,
    records,
    ssh,
    uplinks,
)
from tests.lab.truth import Fault


@dataclass(frozen=True)
class Area:
    """Hosts that are well without all others, and what breaks on them."""

    hosts: tuple[plan.Host, ...]
    single: tuple[Fault, ...]
    pairs: tuple[Fault, ...]

    @property
    def faults(self) -> dict[str, Fault]:
        """All by name."""
        return {fault.name: fault for fault in (*self.single, *self.pairs)}


def _area(hosts_of: tuple[plan.Host, ...], single: tuple[Fault, ...]) -> Area:
    return Area(hosts_of, single, pairs.of({fault.name: fault for fault in single}))


CHAIN = _area(
    plan.CHAIN,
    (
        *edge.FAULTS,
        *certificates.FAULTS,
        *backend.FAULTS,
        *frontend.FAULTS,
        *database.FAULTS,
        *hosts.FAULTS,
        *paths.FAULTS,
        *ssh.FAULTS,
        *outside.FAULTS,
    ),
)
BEYOND = _area(
    plan.BEYOND,
    (
        *mail_sending.FAULTS,
        *mail_reading.FAULTS,
        *mail_delivery.FAULTS,
        *mail_certificates.FAULTS,
        *names.FAULTS,
        *records.FAULTS,
        *policies.FAULTS,
        *backups.FAULTS,
        *pools.FAULTS,
        *beyond.FAULTS,
        *uplinks.FAULTS,
    ),
)
AREAS = {"chain": CHAIN, "beyond": BEYOND}
FAULTS: dict[str, Fault] = {**CHAIN.faults, **BEYOND.faults}
