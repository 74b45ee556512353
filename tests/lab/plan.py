"""The hosts of the map that this lab has, with their real addresses."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

HERE = Path(__file__).parent
RECIPES = HERE / "hosts"
CACHE = Path("/var/cache/migrawatch-lab")
RUNTIME = Path("/run/migrawatch-lab")

# Where a host finds all of words/.
WORDS_PATH = "usr/local/lib/lab-words.sh"

LAN = ip_network("10.1.10.0/24")
# The daemon's own place: migraguard-quantum has no address in the map yet.
GATE = "10.1.10.250"
PUBLIC = "73.139.18.218"
SITES = ("migrahosting.com", "migrapanel.com", "elizefoundation.org", "holisticgroupllc.com")


# The map's mail address, still in use: what mail.migrahosting.com resolves to.
MAIL_NAME = "mail.migrahosting.com"
MAIL_PUBLIC = "154.38.180.61"
SELECTOR = "mail"
MAILBOX = "migrawatch@migrahosting.com"
SERVERS = ("srv1", "srv2")  # whose backups pve keeps

RESOLVER = "10.1.10.103"
NS2 = "10.1.10.104"
# The registries stand at the addresses of a.root-servers.net and a.gtld-servers.net, a stranger's mail server at an
# address of documentation.
REGISTRIES = ("198.41.0.4", "192.5.6.30")
STRANGER = "203.0.113.25"
LEGACY = "31.220.98.95"  # the map's VPS at Contabo: who looks at the edge from beyond it
ELSEWHERE = "203.0.113.53"  # somebody else's name server, that stands idle
# The domain that asks for TLS on the way to it (MTA-STS, TLS-RPT), and the web server that has its policy.
POLICED = "migrapanel.com"
POLICY_NAME = f"mta-sts.{POLICED}"
POLICY_HOST = "203.0.113.44"


@dataclass(frozen=True, kw_only=True)
class Host:
    """One machine of the map: its recipe is `hosts/NAME`."""

    name: str
    address: str
    public: str | None = None
    also: tuple[str, ...] = ()  # further addresses
    devices: tuple[str, ...] = ()  # devices of the machine that it may open
    ready: str  # a command that succeeds inside the host once its services answer; it knows the words of words/

    @property
    def is_outside(self) -> bool:
        """Whether it stands beyond the edge: it has an address on the internet alone."""
        return ip_address(self.address) not in LAN


# The 502 chain: enough for everything that does not ask for mail, names or backups. What answers may still be
# "activating" to systemd: a look at it would not find all well.
CHAIN = (
    Host(
        name="srv1",
        address="10.1.10.10",
        public=PUBLIC,
        ready="systemctl -q is-active nginx && curl -skf -o /dev/null https://127.0.0.1/",
    ),
    Host(
        name="mpanel-core",
        address="10.1.10.206",
        ready="systemctl -q is-active pm2-mpanel && curl -sf -o /dev/null http://127.0.0.1:2271/api/health"
        " && curl -sf -o /dev/null http://127.0.0.1:2272/login",
    ),
    Host(
        name="db-core",
        address="10.1.10.210",
        ready="systemctl -q is-active postgresql@15-main && pg_isready -q -h 10.1.10.210",
    ),
    Host(name="legacy-vps", address=LEGACY, ready="systemctl -q is-active ssh legacy-site.socket"),
)
# Mail, names and backups: none of them asks anything of the chain.
BEYOND = (
    Host(name="mail-core", address="10.1.10.101", public=MAIL_PUBLIC, ready="mail_answers"),
    Host(name="dns-core", address="10.1.10.102", ready="names_answer 10.1.10.102"),
    # Not in the map: the resolver that everybody here asks, the zones' second server, and the outside world.
    Host(
        name="resolver",
        address=RESOLVER,
        also=(NS2, *REGISTRIES, STRANGER, ELSEWHERE, POLICY_HOST),
        ready="secondary_answers && systemctl -q is-active nginx",
    ),
    # The map does not tell its address.
    Host(name="pve", address="10.1.10.254", devices=("/dev/fuse",), ready="share_answers && pools_answer"),
)
HOSTS = (*CHAIN, *BEYOND)
