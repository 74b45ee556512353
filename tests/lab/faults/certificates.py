"""What is wrong with a certificate that srv1 presents, or has on disk and does not present."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.act import WORDS
from tests.lab.authority import Authority, Certificate
from tests.lab.names import NGINX, PANEL, PANEL_HTTPS, REDIRECTS
from tests.lab.outfit import install, withdraw
from tests.lab.truth import Act, Cause, Fault, Severity

if TYPE_CHECKING:
    from tests.lab.lab import Lab

Issue = Callable[[Authority], Certificate]
CLIENT = "elizefoundation.org"
PANEL_NAMES = (PANEL, f"www.{PANEL}")


def presented(site: str, issue: Issue, reload: bool = True) -> Act:
    """Give *site* the certificate that *issue* makes, and load it unless told not to."""

    def act(lab: "Lab") -> None:
        srv1 = lab.machines["srv1"]
        withdraw(srv1.disk, site)
        install(srv1.disk, site, issue(lab.authority))
        srv1.sh(WORDS + ("reload_nginx" if reload else "sleep 1.1"))

    return act


def withdrawn(site: str) -> Act:
    """Give *site* its first certificate back, and load it."""

    def act(lab: "Lab") -> None:
        srv1 = lab.machines["srv1"]
        withdraw(srv1.disk, site)
        srv1.sh(WORDS + "reload_nginx")

    return act


def expired(*names: str) -> Issue:
    return lambda authority: authority.issue(*names, starts_in=timedelta(days=-91), lasts=timedelta(days=90))


def from_a_stranger(*names: str) -> Issue:
    """A chain as complete as ours, to a root that nobody trusts."""

    def issue(authority: Authority) -> Certificate:
        stranger = Authority(Path(f"{authority.home}-stranger"))
        if not stranger.root.exists():
            stranger.found("Stranger")
        return stranger.issue(*names)

    return issue


def without_intermediate(*names: str) -> Issue:
    return lambda authority: replace(authority.issue(*names), chain="")


def panel(name: str, breaks: str, reason: str, issue: Issue) -> Fault:
    """A fault of the panel's certificate: every HTTPS look at it fails alike, nothing else does."""
    return Fault(
        name=f"certificate-{name}",
        breaks=breaks,
        causes=(Cause(check="login-page", host="srv1", service=PANEL, reason=reason),),
        shows={
            "login-page": ("down", reason),
            "api-public": ("down", reason),
            "marketing-site": ("ok", ""),
            "nginx-unit": ("ok", ""),
            **dict.fromkeys(REDIRECTS, ("ok", "")),
        },
        symptoms=PANEL_HTTPS,
        inject=presented(PANEL, issue),
        heal=withdrawn(PANEL),
    )


FAULTS = (
    panel("expired", "the panel's certificate expired yesterday", "tls_expired", expired(*PANEL_NAMES)),
    panel(
        "not-yet-valid",
        "the panel's certificate is valid from tomorrow",
        "tls_not_yet_valid",
        lambda authority: authority.issue(*PANEL_NAMES, starts_in=timedelta(days=1)),
    ),
    panel(
        "wrong-name",
        "the panel presents another site's certificate",
        "tls_name_mismatch",
        lambda authority: authority.issue("holisticgroupllc.com", "www.holisticgroupllc.com"),
    ),
    panel(
        "unknown-issuer",
        "the panel's certificate comes from an authority that nobody trusts",
        "tls_untrusted",
        from_a_stranger(*PANEL_NAMES),
    ),
    panel(
        "incomplete-chain",
        "the panel presents its certificate without the intermediate",
        "tls_incomplete_chain",
        without_intermediate(*PANEL_NAMES),
    ),
    Fault(
        name="certificate-without-www",
        breaks="the panel's new certificate forgot the www name",
        causes=(Cause(check="panel-www", host="srv1", service=PANEL, reason="tls_name_mismatch"),),
        shows={"panel-www": ("down", "tls_name_mismatch"), "login-page": ("ok", "")},
        inject=presented(PANEL, lambda authority: authority.issue(PANEL)),
        heal=withdrawn(PANEL),
    ),
    Fault(
        name="certificate-client-expired",
        breaks="a client's certificate expired yesterday",
        causes=(Cause(check=f"client-site/{CLIENT}", host="srv1", service=CLIENT, reason="tls_expired"),),
        shows={
            f"client-site/{CLIENT}": ("down", "tls_expired"),
            "client-site/holisticgroupllc.com": ("ok", ""),
        },
        inject=presented(CLIENT, expired(CLIENT, f"www.{CLIENT}")),
        heal=withdrawn(CLIENT),
    ),
    Fault(
        name="certificate-client-expiring",
        breaks="a client's certificate has five days left: its renewal fails",
        causes=(
            Cause(
                check=f"client-site/{CLIENT}",
                host="srv1",
                service=CLIENT,
                reason="tls_expiring",
                severity=Severity.WARNING,
            ),
        ),
        shows={f"client-site/{CLIENT}": ("warn", "tls_expiring")},
        inject=presented(
            CLIENT,
            lambda authority: authority.issue(CLIENT, starts_in=timedelta(days=-85), lasts=timedelta(days=90)),
        ),
        heal=withdrawn(CLIENT),
    ),
    Fault(
        name="certificate-not-reloaded",
        breaks="the panel's certificate was renewed on disk, and nginx still presents the old one",
        causes=(
            Cause(
                check="nginx-config",
                host="srv1",
                service=NGINX,
                reason="config_not_loaded",
                severity=Severity.WARNING,
            ),
        ),
        shows={"nginx-config": ("warn", "config_not_loaded"), "login-page": ("ok", "")},
        inject=presented(PANEL, lambda authority: authority.issue(*PANEL_NAMES), reload=False),
        heal=withdrawn(PANEL),
    ),
)
