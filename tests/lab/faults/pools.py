"""What is wrong with pve's storage pools."""

from tests.lab.act import on
from tests.lab.truth import Cause, Fault, Severity


def pool(
    name: str, breaks: str, reason: str, inject: str, *, which: str = "clients-main", warns: bool = False
) -> Fault:
    """One pool; the other one is well."""
    other = {"clients-main": "clients-backup", "clients-backup": "clients-main"}[which]
    severity = Severity.WARNING if warns else Severity.CRITICAL
    cause = Cause(check=f"pool/{which}", host="pve", service=which, reason=reason, severity=severity)
    return Fault(
        name=f"pool-{name}",
        breaks=breaks,
        causes=(cause,),
        shows={f"pool/{which}": ("warn" if warns else "down", reason), f"pool/{other}": ("ok", "")},
        inject=on("pve", inject),
        heal=on("pve", "make-pools; wait_until pools_answer"),
    )


ANEW = "make-pools; wait_until zpool destroy clients-main; zpool create clients-main mirror /srv/disks/clients-main.*"

FAULTS = (
    pool(
        "degraded",
        "one of the pool's two disks is gone",
        "pool_degraded",
        "zpool offline clients-main /srv/disks/clients-main.1",
    ),
    pool(
        "errors",
        "one of two copies is spoilt; a scrub mended it from the other",
        "pool_errors",
        "spoil_disk",
        warns=True,
    ),
    pool("full", "the machines take more than four fifths of their pool", "pool_full", "fill_pool", warns=True),
    pool(
        "missing",
        "the pool of the backups is not imported",
        "pool_missing",
        "wait_until zpool export clients-backup",
        which="clients-backup",
    ),
    pool("never-scrubbed", "the pool was made anew, and nobody scrubs it", "pool_scrub", ANEW, warns=True),
)
