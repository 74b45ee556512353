"""Every fault of the lab by name, each with its row of the truth table."""

from tests.lab.faults import (
    backend,
    backups,
    beyond,
    certificates,
    database,
    edge,
    frontend,
    hosts,
    mail,
    mail_certificates,
    names,
    pairs,
    paths,
    ssh,
)
from tests.lab.truth import Fault

SINGLE: tuple[Fault, ...] = (
    *edge.FAULTS,
    *certificates.FAULTS,
    *backend.FAULTS,
    *frontend.FAULTS,
    *database.FAULTS,
    *hosts.FAULTS,
    *paths.FAULTS,
    *ssh.FAULTS,
)
PAIRS: tuple[Fault, ...] = pairs.of({fault.name: fault for fault in SINGLE})
FAULTS: dict[str, Fault] = {fault.name: fault for fault in (*SINGLE, *PAIRS)}

# Broken and mended for real like the others; the drills do not take them up before their checks stand in config/.
AHEAD: dict[str, Fault] = {
    fault.name: fault
    for fault in (*mail.FAULTS, *mail_certificates.FAULTS, *names.FAULTS, *backups.FAULTS, *beyond.FAULTS)
}
EVERY: dict[str, Fault] = {**FAULTS, **AHEAD}
