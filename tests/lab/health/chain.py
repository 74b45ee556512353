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
    return lab.run("curl", "-sS", *_asking(lab, limit), "-w", "%{http_code}", *more, url)


def pages(lab: "Lab") -> list[str]:
    """What visitors miss. One curl asks for all of it: it costs as much to start as twenty answers."""
    told = ("-w", "%{http_code} %{errormsg}\n")
    argv = [word for url, more, _ in WANTED for word in ("--next", *_asking(lab, 3), *told, *more, url)]
    # It ends with the code of the last one.
    lines = lab.run("sh", "-c", 'curl -s "$@" || true', "curl", *argv[1:]).splitlines()
    answers = [line.partition(" ") for line in lines]
    return [
        f"{url}: HTTP {status}, wanted {wanted}" if status != "000" else f"{url}: {trouble}"
        for (url, _, wanted), (status, _, trouble) in zip(WANTED, answers, strict=True)
        if status != str(wanted) or trouble
    ]


def _asking(lab: "Lab", limit: float) -> tuple[str, ...]:
    routes = [word for route in ROUTES for word in ("--resolve", route)]
    return ("-m", f"{limit:g}", "--cacert", str(lab.trusted), *routes, "-o", "/dev/null")


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
