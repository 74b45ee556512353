"""Two faults at once, each with its own cause: two incidents, and neither explains the other away."""

from collections.abc import Mapping

from tests.lab.act import both
from tests.lab.truth import Fault

# (first, second, what the checks show that both faults touch)
PAIRS: tuple[tuple[str, str, dict[str, tuple[str, str]]], ...] = (
    ("backend-stopped", "certificate-client-expired", {}),
    (
        "database-stopped",
        "frontend-stopped",
        {"login-page": ("down", "http_gateway"), "api-public": ("down", "http_status")},
    ),
    ("frontend-stopped", "port-5432-exposed", {}),
    ("database-stopped", "backend-stopped", {"pm2/mpanel-backend": ("down", "process_stopped")}),
    ("ssh-stopped-db-core", "backend-errored", {}),
    ("nginx-config-broken", "database-password", {}),
    ("redirect-missing", "checkout-cors-missing", {}),
    # A dead backend never explains an expired certificate, and a visitor meets the certificate first.
    (
        "certificate-expired",
        "backend-stopped",
        {
            "api-public": ("down", "tls_expired"),
            "checkout-cors": ("down", "tls_expired"),
            "login-page": ("down", "tls_expired"),
        },
    ),
    ("path-mpanel-database-dropped", "frontend-hung", {}),
    # Mail that cannot be read, and names: neither explains the other.
    ("mail-dovecot-stopped", "names-spf-missing", {}),
    ("mail-exchanger-dropped", "backup-stale", {}),
    ("names-zone-missing", "mail-certificate-expiring", {}),
    ("names-dkim-revoked", "share-not-mounted", {}),
    ("mail-unsigned", "names-server-stopped", {}),
    # The local network is judged as ever while the internet is lost.
    ("uplink-internet-dropped", "share-not-mounted", {}),
)


def of(faults: Mapping[str, Fault]) -> tuple[Fault, ...]:
    """The pairs of which both are among the single *faults*."""
    whole = (pair for pair in PAIRS if pair[0] in faults and pair[1] in faults)
    return tuple(_pair(faults[first], faults[second], shows) for first, second, shows in whole)


def _pair(first: Fault, second: Fault, shows: dict[str, tuple[str, str]]) -> Fault:
    return Fault(
        name=f"{first.name}+{second.name}",
        breaks=f"{first.breaks}; and {second.breaks}",
        causes=first.causes + second.causes,
        shows={**first.shows, **second.shows, **shows},
        symptoms=first.symptoms | second.symptoms,
        inject=both(first.inject, second.inject),
        heal=both(first.heal, second.heal),
    )
