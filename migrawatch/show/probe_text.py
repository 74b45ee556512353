"""The metrics of one look for `/probe`: blackbox_exporter's families, filled with zeros where it has them always."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrawatch.model import Measure, Observation, Reading, Seconds, Verdict
from migrawatch.reach.dialled import IP_HASH, IP_PROTOCOL, LOOKUP_TIME, readings_of_address
from migrawatch.reach.presented import CHAIN, CHAIN_EXPIRY
from migrawatch.show.series import DURATION, FAILURE, SUCCESS, VERDICT, escaped, header, number
from migrawatch.talk.http_facts import HTTP_MEASURES


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """How the target was reached: its *prober*, how long its name took, and the *address* that was dialled.

    *is_target* is false for what is no target at all; *zone* says that the start of a zone (SOA) was asked for,
    *unverified* that certificates are not.
    """

    prober: str
    is_target: bool = True
    lookup: Seconds = 0.0
    address: str = ""
    zone: bool = False
    unverified: bool = False


_KNOWN = (*HTTP_MEASURES, SUCCESS, DURATION, CHAIN_EXPIRY)
HELP: Mapping[str, str] = {
    **{measure.name: measure.help for measure in _KNOWN},
    "probe_dns_additional_rrs": "Returns number of entries in the additional resource record list",
    "probe_dns_answer_rrs": "Returns number of entries in the answer resource record list",
    "probe_dns_authority_rrs": "Returns number of entries in the authority resource record list",
    "probe_dns_duration_seconds": "Duration of DNS request by phase",
    "probe_dns_query_succeeded": "Displays whether or not the query was executed successfully",
    "probe_dns_serial": "Returns the serial number of the zone",
    "probe_grpc_duration_seconds": "Duration of gRPC request by phase",
    "probe_grpc_ssl": "Indicates if SSL was used for the connection",
    "probe_grpc_status_code": "Response gRPC status code",
    "probe_icmp_duration_seconds": "Duration of icmp request by phase",
}
"""What blackbox_exporter says of the families that are there whatever was seen."""

_ALWAYS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "http": (
        ("probe_failed_due_to_regex", ()),
        ("probe_http_content_length", ()),
        ("probe_http_duration_seconds", ("resolve", "connect", "tls", "processing", "transfer")),
        ("probe_http_redirects", ()),
        ("probe_http_ssl", ()),
        ("probe_http_status_code", ()),
        ("probe_http_uncompressed_body_length", ()),
        ("probe_http_version", ()),
    ),
    "tcp": (("probe_failed_due_to_regex", ()),),
    "unix": (("probe_failed_due_to_regex", ()),),
    "dns": (
        ("probe_dns_additional_rrs", ()),
        ("probe_dns_answer_rrs", ()),
        ("probe_dns_authority_rrs", ()),
        ("probe_dns_duration_seconds", ("resolve", "connect", "request")),
        ("probe_dns_query_succeeded", ()),
    ),
    "grpc": (
        ("probe_grpc_duration_seconds", ("resolve",)),
        ("probe_grpc_ssl", ()),
        ("probe_grpc_status_code", ()),
    ),
    "icmp": (("probe_icmp_duration_seconds", ("resolve", "setup", "rtt")),),
}
"""The families that a prober has whatever it sees, and their phases."""

_NEVER = -62_135_596_800.0
"""The end of a chain that nobody verified, as blackbox_exporter has it: the beginning of the year 1."""

Rows = dict[tuple[tuple[str, str], ...], float]


def metrics_of(seen: Observation, reached: Reached) -> bytes:
    """The body of the answer, in the text format, families in order. Unknown is no success here."""
    families: dict[str, tuple[Measure, Rows]] = {}
    for measure, labels, value in _rows(seen, reached):
        families.setdefault(measure.name, (measure, {}))[1][tuple(zip(measure.labels, labels, strict=True))] = value
    return b"".join(_family(measure, rows, reached) for _, (measure, rows) in sorted(families.items()))


def _rows(seen: Observation, reached: Reached) -> Iterator[tuple[Measure, tuple[str, ...], float]]:
    for name, phases in _ALWAYS[reached.prober]:
        measure = Measure(name, "", labels=("phase",) if phases else ())
        for phase in phases:
            yield measure, (phase,), reached.lookup if phase == "resolve" else 0.0
        if not phases:
            yield measure, (), 0.0
    if reached.zone:
        yield Measure("probe_dns_serial", ""), (), 0.0
    if reached.unverified and any(reading.measure == CHAIN for reading in seen.readings):
        yield CHAIN_EXPIRY, (), _NEVER
    for reading in seen.readings:
        yield reading.measure, reading.labels, reading.value
    if reached.is_target and reached.prober != "unix":
        yield from _ways(reached)
    yield SUCCESS, (), 1.0 if seen.verdict in (Verdict.OK, Verdict.WARN) else 0.0
    yield DURATION, (), seen.took
    for verdict in Verdict:
        yield VERDICT, (verdict.value,), 1.0 if verdict is seen.verdict else 0.0
    if seen.reason is not None:
        yield FAILURE, (seen.reason.value,), 1.0


def _ways(reached: Reached) -> Iterator[tuple[Measure, tuple[str, ...], float]]:
    yield LOOKUP_TIME, (), reached.lookup
    found = readings_of_address(reached.address) if reached.address else (Reading(IP_PROTOCOL, 0), Reading(IP_HASH, 0))
    for reading in found:
        yield reading.measure, reading.labels, reading.value


def _family(measure: Measure, rows: Rows, reached: Reached) -> bytes:
    text = measure.help or HELP[measure.name]
    lines = [header(Measure(measure.name, text), openmetrics=False)]
    for labels, value in sorted(rows.items()):
        pairs = ",".join(f'{name}="{escaped(said)}"' for name, said in labels)
        lines.append(f"{measure.name}{f'{{{pairs}}}' if pairs else ''} {number(value)}\n".encode())
    return b"".join(lines)


def log_of(seen: Observation) -> str:
    """What happened, for people: the steps, what was found, and the evidence."""
    lines = [f"looked at {seen.subject.target} at {seen.at:%Y-%m-%dT%H:%M:%S.%fZ}"]
    lines += [f"step={one.name} seconds={one.seconds:.6f}{'' if one.finished else ' unfinished'}" for one in seen.steps]
    lines += [f"verdict={one.verdict} reason={one.reason} {one.detail}" for one in seen.findings] or ["verdict=ok"]
    for evidence in seen.evidence:
        lines += [f"{evidence.source}:", *(f"  {line}" for line in evidence.text.splitlines())]
    return "".join(f"{line}\n" for line in lines)
