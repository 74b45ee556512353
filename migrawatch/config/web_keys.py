"""The keys of the web configuration file, as Prometheus' exporter-toolkit names them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from migrawatch.config.values import parse_duration
from migrawatch.decide.allowance import Allowance
from migrawatch.reach.serving import Asks

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
"""The headers that may be set, and their values where these are few."""


@dataclass(frozen=True, kw_only=True)
class TlsServerConfig:
    """TLS, and who must show a certificate."""

    cert_file: str = ""
    """The certificate and its chain, in PEM."""
    key_file: str = ""
    """The key of the certificate, in PEM, not encrypted."""
    cert: str = ""
    """The certificate itself instead of its file."""
    key: str = field(default="", repr=False)
    """The key itself instead of its file."""
    client_auth_type: Literal[
        "NoClientCert",
        "RequestClientCert",
        "RequireAnyClientCert",
        "RequireClientCert",
        "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert",
    ] = "NoClientCert"
    """Whether clients show a certificate; only `RequireAndVerifyClientCert` keeps anybody out."""
    client_ca_file: str = ""
    """The authorities of the clients' certificates, in PEM."""
    client_ca: str = ""
    """The authorities themselves instead of their file."""
    client_allowed_sans: tuple[str, ...] = ()
    """Of the alternative names of a client's certificate one must be among these."""
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS12"
    """The oldest version of TLS."""
    max_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS13"
    """The newest version of TLS."""
    cipher_suites: tuple[str, ...] = ()
    """Cipher suites by the names of the RFCs, in order; without any those with forward secrecy."""
    prefer_server_cipher_suites: bool = True
    """Whether our order counts, or the client's."""
    curve_preferences: tuple[str, ...] = ()
    """`X25519`, `CurveP256`, `CurveP384`, `CurveP521`, in order; without any all of them."""

    @property
    def asks(self) -> Asks:
        """What is asked of clients."""
        kept = "RequireAnyClientCert" if self.client_auth_type == "RequireClientCert" else self.client_auth_type
        return Asks(kept)


@dataclass(frozen=True, kw_only=True)
class HttpServerConfig:
    """What is sent."""

    http2: bool = False
    """HTTP/2 is not spoken here: only `false`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of every answer; an empty one takes ours away."""

    def __post_init__(self) -> None:
        if self.http2:
            raise ValueError("http2: is not spoken here; leave it out, and HTTP/1.1 is agreed upon")


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """A token bucket for all requests together."""

    interval: str = "0"
    """The time in which one request more is allowed; 0 for no limit."""
    burst: int = 0
    """How many requests may come at once."""

    def __post_init__(self) -> None:
        seconds = 0.0 if self.interval == "0" else parse_duration(self.interval)
        if seconds and self.burst < 1:
            raise ValueError("burst: wanted at least 1, or nobody is ever answered")

    @property
    def allowance(self) -> Allowance | None:
        """The bucket; None without a limit."""
        seconds = 0.0 if self.interval == "0" else parse_duration(self.interval)
        return Allowance(most=self.burst, every=seconds) if seconds else None
