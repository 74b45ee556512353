"""Whether names are well, by dig: every server of a zone and the resolver say the same, and what they should."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.lab.outfit import key_record
from tests.lab.plan import (
    MAIL_NAME,
    MAIL_PUBLIC,
    NS2,
    POLICED,
    POLICY_HOST,
    POLICY_NAME,
    PUBLIC,
    REGISTRIES,
    RESOLVER,
    SELECTOR,
    SITES,
)
from tests.lab.shell import LabError

if TYPE_CHECKING:
    from tests.lab.lab import Lab

DNS_CORE = "10.1.10.102"
NAME_SERVERS = ("ns1.migrahosting.com.", "ns2.migrahosting.com.")
SPF = '"v=spf1 mx -all"'
DMARC = '"v=DMARC1; p=quarantine; rua=mailto:postmaster@migrahosting.com"'
STS = '"v=STSv1; id=20260101000000"'
TLS_RPT = '"v=TLSRPTv1; rua=mailto:postmaster@migrahosting.com"'
POLICY = ["version: STSv1", "mode: enforce", f"mx: {MAIL_NAME}", "max_age: 604800"]
REVERSE = f"{'.'.join(reversed(MAIL_PUBLIC.split('.')))}.in-addr.arpa."

LIMIT = 4.0
"""Seconds for all questions at one server: a silent one takes two for each."""

Question = tuple[str, str]
Records = dict[Question, set[str]]


def zones(lab: "Lab") -> list[str]:
    """Ask each server for every record."""
    wanted = _wanted(lab)
    starts = [(f"{domain}.", "SOA") for domain in SITES]
    said = []
    serials = {}
    for server in (DNS_CORE, NS2, RESOLVER):
        over_tcp = _dig(lab, server, starts[:1], "+tcp")
        said += [over_tcp] if isinstance(over_tcp, str) else []
        found = _dig(lab, server, [*wanted, *starts])
        if isinstance(found, str):
            said.append(found)
            continue
        said += _differences(f"@{server}", found, wanted)
        serials[server] = tuple(tuple(found[start]) for start in starts)
    return said if len(set(serials.values())) <= 1 else [*said, f"serials differ: {serials}"]


def delegations(lab: "Lab") -> list[str]:
    """The registries send everybody to our servers, and the mail server's address has its name."""
    delegated: Records = {(f"{domain}.", "NS"): set(NAME_SERVERS) for domain in SITES}
    said = []
    for server, wanted in ((REGISTRIES[1], delegated), (RESOLVER, {(REVERSE, "PTR"): {f"{MAIL_NAME}."}})):
        found = _dig(lab, server, wanted)
        said += [found] if isinstance(found, str) else _differences(f"@{server}", found, wanted)
    return said


def policy(lab: "Lab") -> list[str]:
    """The MTA-STS policy, fetched as a sender does it: by its name, over TLS, and nowhere else."""
    url = f"https://{POLICY_NAME}/.well-known/mta-sts.txt"
    route = ("--resolve", f"{POLICY_NAME}:443:{POLICY_HOST}", "--cacert", str(lab.trusted))
    try:
        said = lab.run("curl", "-sSf", "-m", "3", *route, url)
    except LabError as error:
        return [f"{url}: {str(error)[-80:]}"]
    return [] if said.splitlines() == POLICY else [f"{url}: {said.splitlines()}, wanted {POLICY}"]


def _wanted(lab: "Lab") -> Records:
    every: Records = {(f"{MAIL_NAME}.", "A"): {MAIL_PUBLIC}}
    every |= {(NAME_SERVERS[0], "A"): {DNS_CORE}, (NAME_SERVERS[1], "A"): {NS2}}
    every |= {(f"_mta-sts.{POLICED}.", "TXT"): {STS}, (f"_smtp._tls.{POLICED}.", "TXT"): {TLS_RPT}}
    every |= {(f"{POLICY_NAME}.", "A"): {POLICY_HOST}}
    for domain in SITES:
        every |= {
            (f"{domain}.", "NS"): set(NAME_SERVERS),
            (f"{domain}.", "A"): {PUBLIC},
            (f"www.{domain}.", "A"): {PUBLIC},
            (f"{domain}.", "MX"): {f"10 {MAIL_NAME}."},
            (f"{domain}.", "TXT"): {SPF},
            (f"{SELECTOR}._domainkey.{domain}.", "TXT"): {key_record(lab.home)},
            (f"_dmarc.{domain}.", "TXT"): {DMARC},
        }
    return every


def _differences(where: str, found: Records, wanted: Records) -> list[str]:
    return [
        f"{where} {name} {kind}: {sorted(found[name, kind]) or 'nothing'}, wanted {sorted(values)}"
        for (name, kind), values in wanted.items()
        if found[name, kind] != values
    ]


def _dig(lab: "Lab", server: str, questions: Iterable[Question], *more: str) -> Records | str:
    """Ask *server* all of *questions* in one go; a text says why it could not be asked."""
    shown = ("+noall", "+answer", "+authority", "+time=1", "+tries=2", *more)
    asked = [word for name, kind in questions for word in (f"@{server}", name, kind, *shown)]
    found: Records = {question: set() for question in questions}
    try:
        said = lab.run("dig", *asked, timeout=LIMIT)
    except LabError as error:
        return f"dig @{server}: {str(error)[-80:]}"
    for line in said.splitlines():
        # Remarks begin with a semicolon, and some are followed by an empty line.
        if line and not line.startswith(";"):
            name, _, _, kind, value = line.split(maxsplit=4)
            found.setdefault((name, kind), set()).add(value)
    return found
