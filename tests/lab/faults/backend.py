"""What breaks in mPanel's backend: its process, its settings, its code."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.lab.act import WORDS, on
from tests.lab.names import API, BACKEND, BACKEND_VIEWS, BEHIND_BACKEND, BEHIND_DATABASE, PANEL
from tests.lab.plan import RECIPES
from tests.lab.truth import Act, Cause, Fault, Severity

if TYPE_CHECKING:
    from tests.lab.lab import Lab

BROKEN = RECIPES / "mpanel-core" / "broken"
FILES = ("/opt/mpanel/.env", "/opt/mpanel/src/middleware.js", "/opt/mpanel/src/routes/index.js")
ECOSYSTEM = "/opt/mpanel/ecosystem.config.js"
PM2 = "pm2/mpanel-backend"
HERE = "backend@mpanel-core"

GATEWAY = ("down", "http_gateway")

RESTART = "pm2 restart mpanel-backend; "
RESTORE = "".join(f"restore {file}; " for file in (*FILES, ECOSYSTEM))
HEAL = on("mpanel-core", RESTORE + "restart_app mpanel-backend backend_answers")


def pm2(reason: str) -> tuple[Cause, ...]:
    return (Cause(check=PM2, host="mpanel-core", service=BACKEND, reason=reason),)


def itself(reason: str, check: str = HERE) -> tuple[Cause, ...]:
    return (Cause(check=check, host="mpanel-core", service=BACKEND, reason=reason),)


def edited(file: str, edit: str, then: str = "wait_until backend_answers") -> Act:
    """Edit a file of the backend by a sed script and restart it."""
    return on("mpanel-core", f"keep {file}; sed -i '{edit}' {file}; {RESTART}{then}")


def deployed(build: str, then: str = "wait_until listens", restart: str = RESTART) -> Act:
    """Deploy a broken build and restart the backend."""

    def act(lab: "Lab") -> None:
        middleware = FILES[1]
        mpanel = lab.machines["mpanel-core"]
        mpanel.sh(f"{WORDS}keep {middleware}")
        (mpanel.disk / middleware.lstrip("/")).write_text((BROKEN / f"{build}.js").read_text())
        mpanel.sh(WORDS + restart + then)

    return act


def build(
    name: str, breaks: str, reason: str, shows: dict[str, tuple[str, str]], symptoms: Iterable[str] = BEHIND_BACKEND
) -> Fault:
    """A broken build that runs: PM2 is content, the answers are wrong."""
    return Fault(
        name=f"backend-{name}",
        breaks=breaks,
        causes=itself(reason),
        shows={HERE: ("down", reason), "backend@srv1": ("down", reason), PM2: ("ok", ""), **shows},
        symptoms=frozenset(symptoms),
        inject=deployed(name),
        heal=HEAL,
    )


FAULTS = (
    Fault(
        name="backend-stopped",
        breaks="pm2 stop mpanel-backend",
        causes=pm2("process_stopped"),
        shows={
            PM2: ("down", "process_stopped"),
            "backend@srv1": ("down", "connect_refused"),
            "api-public": GATEWAY,
            "checkout-cors": GATEWAY,
            "login-page": ("ok", ""),
        },
        symptoms=BEHIND_BACKEND,
        inject=on("mpanel-core", "pm2 stop mpanel-backend"),
        heal=HEAL,
    ),
    Fault(
        name="backend-deleted",
        breaks="pm2 delete mpanel-backend",
        causes=pm2("process_missing"),
        shows={PM2: ("down", "process_missing"), "api-public": ("down", "http_gateway")},
        symptoms=BEHIND_BACKEND,
        inject=on("mpanel-core", "pm2 delete mpanel-backend || true"),
        heal=HEAL,
    ),
    Fault(
        name="backend-errored",
        breaks="a build that does not come up; PM2 has given up on it",
        causes=pm2("process_errored"),
        shows={PM2: ("down", "process_errored"), "api-public": ("down", "http_gateway")},
        symptoms=BEHIND_BACKEND,
        inject=deployed("exits", "wait_until errored", "give_up_soon; "),
        heal=on("mpanel-core", RESTORE + "renew_app mpanel-backend backend_answers"),
    ),
    Fault(
        name="backend-crash-loop",
        breaks="a build that dies 1.5 s after each start; PM2 starts it again",
        causes=pm2("process_crash_loop"),
        shows={PM2: ("down", "process_crash_loop")},
        inject=deployed("crashes", "wait_until restarted_twice"),
        heal=HEAL,
    ),
    Fault(
        name="backend-hung",
        breaks="the backend stands still (SIGSTOP): PM2 calls it online, the kernel accepts",
        causes=itself("http_timeout"),
        shows={HERE: ("down", "http_timeout"), "backend@srv1": ("down", "http_timeout"), PM2: ("ok", "")},
        symptoms=BEHIND_BACKEND,
        inject=on("mpanel-core", "pkill -STOP -u mpanel -f /opt/mpanel/src/index.js"),
        heal=on("mpanel-core", "pkill -CONT -u mpanel -f /opt/mpanel/src/index.js; wait_until backend_answers"),
    ),
    Fault(
        name="backend-spins",
        breaks="one request keeps the event loop for good",
        causes=itself("http_timeout"),
        shows={HERE: ("down", "http_timeout"), PM2: ("ok", "")},
        symptoms=BEHIND_BACKEND,
        inject=deployed("spins"),
        heal=HEAL,
    ),
    Fault(
        name="backend-wrong-port",
        breaks="PORT=2371 in .env: the backend is online, and nothing listens on 2271",
        causes=itself("connect_refused"),
        shows={
            HERE: ("down", "connect_refused"),
            "backend@srv1": ("down", "connect_refused"),
            PM2: ("ok", ""),
            "api-public": GATEWAY,
        },
        symptoms=BEHIND_BACKEND,
        inject=edited(FILES[0], "s/^PORT=.*/PORT=2371/", "wait_until listens_on 2371"),
        heal=HEAL,
    ),
    Fault(
        name="backend-loopback-only",
        breaks="HOST=127.0.0.1 in .env: the backend answers only on its own machine",
        causes=itself("connect_refused", "backend@srv1"),
        shows={
            HERE: ("ok", ""),
            "backend@srv1": ("down", "connect_refused"),
            "backend@here": ("down", "connect_refused"),
            "api-public": GATEWAY,
        },
        symptoms=BEHIND_BACKEND - {HERE},
        inject=edited(FILES[0], "s/^HOST=.*/HOST=127.0.0.1/"),
        heal=HEAL,
    ),
    Fault(
        name="backend-database-password",
        breaks="a wrong DATABASE_URL in .env: db-core is well, the backend says unhealthy",
        causes=itself("http_status"),
        shows={HERE: ("down", "http_status"), "db-select-1@mpanel-core": ("ok", ""), PM2: ("ok", "")},
        symptoms=BEHIND_DATABASE,
        inject=edited(FILES[0], "s|^DATABASE_URL=.*|DATABASE_URL=postgres://mpanel_app:old@10.1.10.210:5432/mpanel|"),
        heal=HEAL,
    ),
    Fault(
        name="checkout-cors-missing",
        breaks="CORS_ORIGIN in .env forgot https://migrahosting.com",
        causes=(Cause(check="checkout-cors", host="srv1", service=PANEL, reason="http_cors"),),
        shows={"checkout-cors": ("down", "http_cors"), "checkout-route": ("ok", ""), "api-public": ("ok", "")},
        inject=edited(FILES[0], "s|https://migrahosting.com,||"),
        heal=HEAL,
    ),
    Fault(
        name="checkout-route-missing",
        breaks="the marketing routes are not mounted",
        causes=(Cause(check="checkout-route", host="srv1", service=PANEL, reason="http_status"),),
        shows={"checkout-route": ("down", "http_status"), "checkout-cors": ("ok", ""), "api-public": ("ok", "")},
        inject=edited(FILES[2], "/router.use..\\/marketing/d"),
        heal=HEAL,
    ),
    Fault(
        name="backend-dawdles",
        breaks="health is right but takes 3 s",
        causes=(
            Cause(
                check="backend@srv1",
                host="mpanel-core",
                service=BACKEND,
                reason="slow",
                severity=Severity.WARNING,
            ),
        ),
        shows={"backend@srv1": ("warn", "slow")},
        inject=deployed("dawdles"),
        heal=HEAL,
    ),
    Fault(
        name="backend-hoards",
        breaks="a build that keeps 300 MiB more than it should",
        causes=(
            Cause(check=PM2, host="mpanel-core", service=BACKEND, reason="process_memory", severity=Severity.WARNING),
        ),
        shows={PM2: ("warn", "process_memory"), HERE: ("ok", ""), "api-public": ("ok", "")},
        inject=deployed("hoards", "wait_until backend_answers"),
        heal=HEAL,
    ),
    build("closes", "the backend hangs up without an answer", "http_no_response", {"api-public": GATEWAY}),
    # sshd passes a reset on as an end: only from here is it seen as what it is.
    build(
        "resets",
        "the backend resets every connection",
        "http_no_response",
        {"backend@here": ("down", "http_reset"), "api-public": GATEWAY},
    ),
    # nginx takes it for HTTP/0.9 and passes it on.
    build(
        "babbles",
        "the backend answers with something that is not HTTP",
        "http_malformed",
        {"api-public": ("down", "http_malformed")},
    ),
    build(
        "truncates",
        "the backend hangs up in the middle of its answer",
        "http_truncated",
        {"api-public": ("down", "http_truncated")},
    ),
    build("drips", "the backend's answers never end", "http_slow_body", {}),
    build("degrades", "health answers 200 and says degraded", "http_json", {"api-public": ("ok", "")}, BACKEND_VIEWS),
    build(
        "forgets",
        "a build without the health route",
        "http_status",
        {"api-public": ("down", "http_status")},
        BACKEND_VIEWS | API,
    ),
)
