"""Options of blackbox.yml and a target as the settings of our own kinds."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from migrawatch.config.blackbox.http import http_settings
from migrawatch.config.blackbox.module import Asked, TargetError
from migrawatch.config.blackbox.options import (
    DnsOptions,
    ModuleOptions,
    QueryResponse,
    TcpOptions,
    TlsConfig,
    UnixOptions,
    Validator,
)
from migrawatch.config.kinds import Kinds
from migrawatch.model import Secret
from migrawatch.parse.url import Malformed, parse_dial
from migrawatch.probe import Probe
from migrawatch.reach.echo import Packet
from migrawatch.talk.dialogue import Turn
from migrawatch.talk.dns_expect import Expect, Section

_MARGIN = 0.9
"""The share of the time in which an answer must come, so that there is some left to say why none did."""


def maker(options: ModuleOptions, kinds: Kinds) -> Callable[[Asked], Probe]:
    """What makes a probe of *options* and a target; it raises TargetError."""
    settings_of = _SETTINGS[options.prober]
    kind: Any = kinds.find(options.prober)

    def make(asked: Asked) -> Probe:
        try:
            probe: Probe = kind(**settings_of(options, asked))
        except ValueError as error:
            raise TargetError(str(error)) from error
        return probe

    return make


def _tcp(options: ModuleOptions, asked: Asked) -> Mapping[str, Any]:
    address, port = _place(asked.target, 0)
    if not port:
        raise TargetError(f"{asked.target!r} has no port, wanted host:port")
    return {"address": address, "port": port, **_talk(options.tcp, asked)}


def _unix(options: ModuleOptions, asked: Asked) -> Mapping[str, Any]:
    return {"path": asked.target, **_talk(options.unix, asked)}


def _talk(spoken: TcpOptions | UnixOptions, asked: Asked) -> Mapping[str, Any]:
    return {
        "tls": spoken.tls,
        "name": spoken.tls_config.server_name or asked.hostname,
        "dialogue": tuple(_turn(one) for one in spoken.query_response),
        **_trust(spoken.tls_config),
    }


def _turn(written: QueryResponse) -> Turn:
    return Turn(
        expect=written.expect,
        expect_hex=written.expect_hex or written.expect_bytes.encode().hex(),
        send=_revealed(written.send),
        send_hex=_revealed(written.send_hex),
        starttls=written.starttls,
        labels={label.name: label.value for label in written.labels},
    )


def _dns(options: ModuleOptions, asked: Asked) -> Mapping[str, Any]:
    dns = options.dns
    assert isinstance(dns, DnsOptions)
    address, port = _place(asked.target, 853 if dns.dns_over_tls else 53)
    return {
        "address": address,
        "port": port,
        "name": dns.query_name,
        "record_type": dns.query_type,
        "over": "tls" if dns.dns_over_tls else dns.transport_protocol,
        "server_name": dns.tls_config.server_name,
        "recursion": dns.recursion_desired,
        "expect": Expect(
            rcode=dns.valid_rcodes,
            authoritative="any",
            may_be_empty=True,
            answer=_section(dns.validate_answer_rrs),
            authority=_section(dns.validate_authority_rrs),
            additional=_section(dns.validate_additional_rrs),
        ),
        "answer_within": asked.timeout * _MARGIN,
        **_trust(dns.tls_config),
    }


def _section(written: Validator) -> Section:
    # blackbox_exporter's fail_if_all_match_regexp fails unless all records match, whatever its name says.
    return Section(
        none=written.fail_if_matches_regexp,
        every=(*written.fail_if_not_matches_regexp, *written.fail_if_all_match_regexp),
        some=written.fail_if_none_matches_regexp,
        least=1 if written.fail_if_not_matches_regexp or written.fail_if_none_matches_regexp else 0,
    )


def _icmp(options: ModuleOptions, asked: Asked) -> Mapping[str, Any]:
    icmp = options.icmp
    packet = Packet(size=icmp.payload_size, ttl=icmp.ttl, whole=icmp.dont_fragment, source=icmp.source_ip_address)
    within = asked.timeout * _MARGIN
    return {"address": asked.target, "count": 1, "pause": 0.0, "answer_within": within, "packet": packet}


def _grpc(options: ModuleOptions, asked: Asked) -> Mapping[str, Any]:
    grpc = options.grpc
    address, port = _place(re.sub(r"^https?://", "", asked.target), 443 if grpc.tls else 80)
    return {
        "address": address,
        "port": port,
        "asks": grpc.service,
        "metadata": {name: Secret(",".join(map(_revealed, values))) for name, values in grpc.metadata.items()},
        "tls": grpc.tls,
        "name": grpc.tls_config.server_name,
        **_trust(grpc.tls_config),
    }


def _http(options: ModuleOptions, asked: Asked) -> Mapping[str, Any]:
    return {**http_settings(options.http, asked.target, asked.hostname), **_trust(options.http.tls_config)}


def _trust(tls: TlsConfig) -> Mapping[str, Any]:
    return {"ca_file": tls.ca_file, "verify": not tls.insecure_skip_verify}


def _place(target: str, port: int) -> tuple[str, int]:
    try:
        address, given = parse_dial(target)
    except Malformed as error:
        raise TargetError(str(error)) from error
    return address, given or port


def _revealed(written: Secret | None) -> str:
    return written.reveal() if written is not None else ""


_SETTINGS: Mapping[str, Callable[[ModuleOptions, Asked], Mapping[str, Any]]] = {
    "http": _http,
    "tcp": _tcp,
    "dns": _dns,
    "icmp": _icmp,
    "grpc": _grpc,
    "unix": _unix,
}
