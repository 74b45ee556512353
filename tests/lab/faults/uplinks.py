"""The monitor's own way out: the internet lost by the site, and the local network lost by the monitor alone."""

from tests.lab.act import clear_filter, cut_off, filter_packets, reconnect
from tests.lab.plan import ELSEWHERE, POLICY_HOST, REGISTRIES, SITES, STRANGER
from tests.lab.truth import Cause, Fault

HERE = "here"
INTERNET = Cause(check="uplink/internet", host=HERE, service="site uplink", reason="uplink_internet")
LAN = Cause(check="uplink/lan", host=HERE, service="local network", reason="uplink_lan")
BEYOND_THE_EDGE = f"ip daddr {{ {', '.join((*REGISTRIES, STRANGER, ELSEWHERE, POLICY_HOST))} }}"

# What is looked at by the public's eyes and cannot be seen now, and what goes on as if nothing were.
PUBLIC = (
    *(f"{check}/{site}" for check in ("zone", "mail-records", "mail-records-core") for site in SITES),
    "mail-address",
)
ON_THE_LAN = ("uplink/lan", "imap", "submission", "dns-server", "postfix-unit", "host/mail-core", "mount/srv1")


def internet(name: str, breaks: str, verdict: str, seen: str) -> Fault:
    """The whole outside world is lost, for the resolver of the site as well."""
    return Fault(
        name=f"uplink-internet-{name}",
        breaks=f"the site has lost the internet: {breaks}",
        causes=(INTERNET,),
        shows={
            INTERNET.check: ("down", INTERNET.reason),
            "smtp-out@mail-core": ("down", seen),
            **dict.fromkeys(PUBLIC, ("unknown", "uplink_lost")),
            **dict.fromkeys(ON_THE_LAN, ("ok", "")),
        },
        symptoms=frozenset({"smtp-out@mail-core"}),
        inject=filter_packets("resolver", f"{BEYOND_THE_EDGE} {verdict}"),
        heal=clear_filter("resolver"),
    )


FAULTS = (
    internet("dropped", "what is sent out is never answered", "drop", "connect_timeout"),
    internet(
        "unreachable",
        "the router says that there is no way",
        "reject with icmp type net-unreachable",
        "connect_unreachable",
    ),
    Fault(
        name="uplink-lan-dropped",
        breaks="nothing of the local network reaches the monitor; the hosts reach each other",
        causes=(LAN,),
        shows={
            LAN.check: ("down", LAN.reason),
            INTERNET.check: ("down", INTERNET.reason),
            "host/mail-core": ("down", "host_down"),
            **dict.fromkeys(("postfix-unit", "pdns-unit", "mount/srv1"), ("unknown", "vantage_lost")),
        },
        symptoms=frozenset({INTERNET.check, "host/mail-core", "host/dns-core", "host/pve", "imap", "dns-server"}),
        inject=cut_off,
        heal=reconnect,
    ),
)
