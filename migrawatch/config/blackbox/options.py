"""The options of blackbox.yml, one dataclass a section, with the names that blackbox_exporter gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from migrawatch.model import Pattern, Seconds, Written

Family = Literal["", "ip4", "ip6"]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What most probers have: which kind of address is preferred, and whether the other one will do."""

    preferred_ip_protocol: Family = ""
    ip_protocol_fallback: bool = True


@dataclass(frozen=True, kw_only=True)
class TlsConfig:
    """`tls_config`."""

    ca_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False


@dataclass(frozen=True, kw_only=True)
class HeaderMatch:
    """One of `fail_if_header_matches` and its opposite."""

    header: str
    regexp: Pattern
    allow_missing: bool = False

    def __post_init__(self) -> None:
        if not self.header or not self.regexp:
            raise ValueError("header and regexp must both be set")


@dataclass(frozen=True, kw_only=True)
class BasicAuthOptions:
    """`basic_auth`."""

    username: str = ""
    username_file: str = ""
    password: Written | None = None
    password_file: str = ""

    def __post_init__(self) -> None:
        if self.password is not None and self.password_file:
            raise ValueError("at most one of password and password_file may be set")


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """`authorization`."""

    type: str = "Bearer"
    credentials: Written | None = None
    credentials_file: str = ""

    def __post_init__(self) -> None:
        if self.credentials is not None and self.credentials_file:
            raise ValueError("at most one of credentials and credentials_file may be set")
        if self.type.lower() == "basic":
            raise ValueError("type basic has a key of its own: basic_auth")


@dataclass(frozen=True, kw_only=True)
class HeaderValues:
    """One of `http_headers`."""

    values: tuple[Written, ...] = ()
    secrets: tuple[Written, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HttpOptions(Reached):
    """`http`."""

    valid_status_codes: tuple[int, ...] = ()
    valid_http_versions: tuple[Literal["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "HTTP/3.0"], ...] = ()
    no_follow_redirects: bool | None = None
    follow_redirects: bool = True
    fail_if_ssl: bool = False
    fail_if_not_ssl: bool = False
    method: str = "GET"
    headers: dict[str, Written] = field(default_factory=dict)
    http_headers: dict[str, HeaderValues] = field(default_factory=dict)
    fail_if_body_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_body_not_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_header_matches: tuple[HeaderMatch, ...] = ()
    fail_if_header_not_matches: tuple[HeaderMatch, ...] = ()
    body: Written | None = None
    body_file: str = ""
    compression: Literal["", "identity", "gzip", "deflate"] = ""
    body_size_limit: str = ""
    enable_http2: bool = True
    basic_auth: BasicAuthOptions | None = None
    authorization: Authorization | None = None
    bearer_token: Written | None = None
    bearer_token_file: str = ""
    tls_config: TlsConfig = field(default_factory=TlsConfig)

    def __post_init__(self) -> None:
        if self.body is not None and self.body_file:
            raise ValueError("at most one of body and body_file may be set")
        given = (self.basic_auth, self.authorization, self.bearer_token, self.bearer_token_file or None)
        if self.fail_if_ssl and self.fail_if_not_ssl:
            raise ValueError("fail_if_ssl and fail_if_not_ssl exclude each other: no page could be right")
        if sum(one is not None for one in given) > 1:
            raise ValueError("at most one of basic_auth, authorization, bearer_token and bearer_token_file may be set")
        if self.compression and not _takes(self.accept_encoding, self.compression):
            raise ValueError(f"compression {self.compression} is not among what the header Accept-Encoding asks for")

    @property
    def accept_encoding(self) -> str:
        """What the header Accept-Encoding of the module says; empty without one."""
        return next((value.reveal() for name, value in self.headers.items() if name.lower() == "accept-encoding"), "")


def _takes(accept: str, coding: str) -> bool:
    """Whether a header Accept-Encoding (RFC 9110, 12.5.3) takes *coding*; without one, all is taken."""
    if not accept:
        return True
    said: dict[str, float] = {}
    for part in accept.split(","):
        name, _, quality = part.partition(";")
        said[name.strip().lower()] = float(quality.partition("=")[2] or 1)
    return said.get(coding, said.get("*", 1.0 if coding == "identity" else 0.0)) > 0


@dataclass(frozen=True, kw_only=True)
class Label:
    """One of `labels`."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class QueryResponse:
    """One of `query_response`; `send_hex` and `expect_hex` are what was written as `!!binary`."""

    expect: Pattern = ""
    expect_bytes: str = ""
    expect_hex: str = ""
    send: Written | None = None
    send_hex: Written | None = None
    starttls: bool = False
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TcpOptions(Reached):
    """`tcp`."""

    query_response: tuple[QueryResponse, ...] = ()
    tls: bool = False
    tls_config: TlsConfig = field(default_factory=TlsConfig)


@dataclass(frozen=True, kw_only=True)
class Validator:
    """What is expected of the records of one section."""

    fail_if_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_all_match_regexp: tuple[Pattern, ...] = ()
    fail_if_not_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_none_matches_regexp: tuple[Pattern, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DnsOptions(Reached):
    """`dns`."""

    query_name: str
    query_type: str = "ANY"
    query_class: str = "IN"
    transport_protocol: Literal["udp", "tcp"] = "udp"
    dns_over_tls: bool = False
    recursion_desired: bool = True
    valid_rcodes: tuple[str, ...] = ("NOERROR",)
    validate_answer_rrs: Validator = field(default_factory=Validator)
    validate_authority_rrs: Validator = field(default_factory=Validator)
    validate_additional_rrs: Validator = field(default_factory=Validator)
    tls_config: TlsConfig = field(default_factory=TlsConfig)

    def __post_init__(self) -> None:
        if not self.query_name:
            raise ValueError("query_name must be set")
        if self.dns_over_tls and self.transport_protocol != "tcp":
            raise ValueError("dns_over_tls wants transport_protocol: tcp")


@dataclass(frozen=True, kw_only=True)
class IcmpOptions(Reached):
    """`icmp`."""

    payload_size: int = 0
    dont_fragment: bool = False
    ttl: int = 64
    source_ip_address: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.ttl <= 255:
            raise ValueError(f"ttl: wanted 0 to 255, got {self.ttl}")


@dataclass(frozen=True, kw_only=True)
class UnixOptions:
    """`unix`."""

    query_response: tuple[QueryResponse, ...] = ()
    tls: bool = False
    tls_config: TlsConfig = field(default_factory=TlsConfig)


@dataclass(frozen=True, kw_only=True)
class GrpcOptions(Reached):
    """`grpc`."""

    service: str = ""
    tls: bool = False
    tls_config: TlsConfig = field(default_factory=TlsConfig)
    metadata: dict[str, tuple[Written, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WebsocketOptions:
    """`websocket`."""

    query_response: tuple[QueryResponse, ...] = ()
    headers: dict[str, Written] = field(default_factory=dict)
    http_config: Any = None


@dataclass(frozen=True, kw_only=True)
class ModuleOptions:
    """One module of blackbox.yml."""

    prober: Literal["http", "tcp", "dns", "icmp", "unix", "grpc", "websocket"]
    timeout: Seconds = 0.0
    http: HttpOptions = field(default_factory=HttpOptions)
    tcp: TcpOptions = field(default_factory=TcpOptions)
    dns: DnsOptions | None = None
    icmp: IcmpOptions = field(default_factory=IcmpOptions)
    unix: UnixOptions = field(default_factory=UnixOptions)
    grpc: GrpcOptions = field(default_factory=GrpcOptions)
    websocket: WebsocketOptions = field(default_factory=WebsocketOptions)

    def __post_init__(self) -> None:
        if self.prober == "dns" and self.dns is None:
            raise ValueError("a dns module must have a section dns with a query_name")

    @property
    def reached(self) -> Reached:
        """Which addresses its prober prefers."""
        found = getattr(self, self.prober)
        return found if isinstance(found, Reached) else Reached()


NOT_DONE: Mapping[tuple[str, ...], str] = {
    ("http", "proxy_url"): "migrawatch looks without a proxy",
    ("http", "proxy_from_environment"): "migrawatch looks without a proxy",
    ("http", "proxy_connect_header"): "migrawatch looks without a proxy",
    ("http", "skip_resolve_phase_with_proxy"): "migrawatch looks without a proxy",
    ("http", "no_proxy"): "migrawatch looks without a proxy",
    ("http", "oauth2"): "migrawatch fetches no OAuth 2.0 tokens; a token may stand in authorization.credentials_file",
    ("http", "enable_http3"): "migrawatch speaks HTTP/1.1 and HTTP/2",
    ("http", "fail_if_body_json_matches_cel"): "migrawatch has no CEL; the kind http has expect.json",
    ("http", "fail_if_body_json_not_matches_cel"): "migrawatch has no CEL; the kind http has expect.json",
    ("http", "source_ip_address"): "the kernel chooses the address of ours",
    ("tcp", "source_ip_address"): "the kernel chooses the address of ours",
    ("dns", "source_ip_address"): "the kernel chooses the address of ours",
    ("dns", "query_class"): "migrawatch asks for class IN",
    **{
        (section, "tls_config", key): "migrawatch presents no certificate of its own, and speaks TLS 1.2 and 1.3"
        for section in ("http", "tcp", "dns", "grpc", "unix")
        for key in ("cert_file", "key_file", "cert", "key", "min_version", "max_version", "ca", "ca_ref", "cert_ref",
                    "key_ref")
    },
}  # fmt: skip
"""Options that blackbox_exporter has and that are refused here, and why: the module that sets one is not usable."""

PROBERS_NOT_DONE = {
    "websocket": "migrawatch has no kind of probe for it",
}
"""Probers whose modules are read and not usable."""
