"""Whether pages and the database are well, by curl and psql."""

from typing import TYPE_CHECKING

from tests.lab.plan import PUBLIC, SITES
from tests.lab.shell import LabError

if TYPE_CHECKING:
    from tests.lab.lab import Lab

NAMES = tuple(name for site in SITES for name in (site, f"www.{site}"))
ROUTES = tuple(f"{name}:{port}:{PUBLIC}" for name in NAMES for port in (80, 443))

# (URL, extra arguments of curl, the status wanted)
WANTED: tuple[tuple[str, tuple[str, ...], int], ...] = (
    *((f"https://{name}/", (), 200) for name in NAMES),
    *((f"http://{name}/", (), 301) for name in NAMES),
    ("https://migrapanel.com/login", (), 200),
    ("https://migrapanel.com/api/health", (), 200),
    ("https://migrapanel.com/graphql", (), 200),
    ("https://migrapanel.com/api/marketing/checkout-intent", ("-X", "POST"), 400),
    ("http://10.1.10.206:2271/api/health", (), 200),
    ("http://10.1.10.206:2272/login", (), 200),
)


def curl(lab: "Lab", url: str, *more: str, limit: float = 3) -> str:
    """Ask *url* as a visitor would; give back the status, or raise LabError with curl's words."""
    routes = [word for route in ROUTES for word in ("--resolve", route)]
    told = ("-o", "/dev/null", "-w", "%{http_code}")
    return lab.run("curl", "-sS", "-m", f"{limit:g}", "--cacert", str(lab.trusted), *routes, *told, *more, url)


def pages(lab: "Lab") -> list[str]:
    """What visitors miss."""
    said = []
    for url, more, wanted in WANTED:
        try:
            status = curl(lab, url, *more)
        except LabError as error:
            said.append(f"{url}: {str(error).rpartition('curl: ')[2]}")
            continue
        if status != str(wanted):
            said.append(f"{url}: HTTP {status}, wanted {wanted}")
    return said


def database(lab: "Lab") -> list[str]:
    """What mpanel_app misses."""
    return [*_select(lab, "require"), *_select(lab, "disable")]


def _select(lab: "Lab", sslmode: str) -> list[str]:
    wanted = f"host=10.1.10.210 user=mpanel_app dbname=mpanel sslmode={sslmode} connect_timeout=3"
    query = "SELECT 1 WHERE NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
    password = f"PGPASSWORD={lab.password_file.read_text()}"
    try:
        said = lab.run("env", password, "psql", "-XAtc", query, wanted, timeout=6).strip()
    except LabError as error:
        return [f"psql sslmode={sslmode}: {str(error).partition('error: ')[2]}"]
    return [] if said == "1" else [f"psql sslmode={sslmode}: read-only or in recovery"]
