"""`python -m tests.lab build|up|down|status|faults|fault NAME|heal NAME|shell`: the lab by hand."""

import argparse
import os
import sys
import time

from tests.lab.faults import FAULTS
from tests.lab.health import ailments
from tests.lab.lab import Lab, standing
from tests.lab.plan import CHAIN, HOSTS
from tests.lab.root import bare, roots
from tests.lab.shell import LabError


def main() -> int:
    """Do what the command line says; 0 if it went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--lab", default="lab", help="the lab's name; several stand side by side")
    parser.add_argument("--chain", action="store_true", help="up: only the hosts of the 502 chain, which is quicker")
    parser.add_argument("verb", choices=["build", "up", "down", "status", "faults", "fault", "heal", "shell"])
    parser.add_argument("name", nargs="?", choices=sorted(FAULTS), metavar="NAME", help="a fault's name")
    asked = parser.parse_args()
    if (asked.name is None) is (asked.verb in ("fault", "heal")):
        parser.error("fault and heal take the name of a fault, the others take none")
    began = time.monotonic()
    try:
        lab = Lab(asked.lab, CHAIN if asked.chain else HOSTS) if asked.verb == "up" else standing(asked.lab)
        code = _act(lab, asked.verb, asked.name)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{asked.verb}: {time.monotonic() - began:.2f} s", file=sys.stderr)
    return code


def _act(lab: Lab, verb: str, name: str) -> int:
    match verb:
        case "build":
            roots(HOSTS)
            bare()
        case "up":
            lab.up()
            _tell(lab)
        case "down":
            lab.down()
        case "status":
            return _status(lab)
        case "faults":
            for fault in FAULTS.values():
                causes = ", ".join(f"{cause.check}: {cause.reason}" for cause in fault.causes)
                print(f"{fault.name:32} {fault.breaks}\n{'':32} -> {causes} ({fault.severity})")
        case "fault":
            FAULTS[name].inject(lab)
        case "heal":
            lab.heal(name)
        case "shell":
            argv = lab.inside(os.environ.get("SHELL", "/bin/sh"))
            os.execvp(argv[0], argv)
    return 0


def _tell(lab: Lab) -> None:
    for machine in lab.machines.values():
        print(f"{machine.host.name:12} {machine.host.address:12} {machine.host.public or ''}")
    print(f"ssh key {lab.key}, known hosts {lab.known_hosts}, trusted root {lab.trusted}")
    print(f"enter by: {' '.join(lab.inside('COMMAND'))}")


def _status(lab: Lab) -> int:
    if not lab.home.exists():
        print(f"{lab.name} is not up")
        return 1
    for name, up in lab.status().items():
        print(f"{name:12} {'up' if up else 'not answering'}")
    ailing = ailments(lab)
    print("\n".join(ailing) or "all is well")
    return 1 if ailing else 0


sys.exit(main())
