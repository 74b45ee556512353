"""What breaks in mPanel's frontend, and in PM2 itself, which runs both."""

from tests.lab.act import on
from tests.lab.names import BACKEND, BEHIND_BACKEND, BEHIND_FRONTEND, FRONTEND, PAGES, PANEL
from tests.lab.truth import Cause, Fault

PM2 = "pm2/mpanel-frontend"
PAGE = "/opt/mpanel/frontend/index.html"
SERVER = "/opt/mpanel/frontend/server.js"
HEAL = on("mpanel-core", f"restore {PAGE}; restore {SERVER}; restart_app mpanel-frontend frontend_answers")


def pm2(reason: str) -> tuple[Cause, ...]:
    return (Cause(check=PM2, host="mpanel-core", service=FRONTEND, reason=reason),)


FAULTS = (
    Fault(
        name="frontend-stopped",
        breaks="pm2 stop mpanel-frontend",
        causes=pm2("process_stopped"),
        shows={PM2: ("down", "process_stopped"), "login-page": ("down", "http_gateway"), "api-public": ("ok", "")},
        symptoms=BEHIND_FRONTEND,
        inject=on("mpanel-core", "pm2 stop mpanel-frontend"),
        heal=HEAL,
    ),
    Fault(
        name="frontend-deleted",
        breaks="pm2 delete mpanel-frontend",
        causes=pm2("process_missing"),
        shows={PM2: ("down", "process_missing"), "login-page": ("down", "http_gateway")},
        symptoms=BEHIND_FRONTEND,
        inject=on("mpanel-core", "pm2 delete mpanel-frontend || true"),
        heal=HEAL,
    ),
    Fault(
        name="frontend-hung",
        breaks="the frontend stands still (SIGSTOP): PM2 calls it online, the kernel accepts",
        causes=(Cause(check="frontend@mpanel-core", host="mpanel-core", service=FRONTEND, reason="http_timeout"),),
        shows={"frontend@mpanel-core": ("down", "http_timeout"), PM2: ("ok", "")},
        symptoms=BEHIND_FRONTEND,
        inject=on("mpanel-core", "pkill -STOP -u mpanel -f /opt/mpanel/frontend/server.js"),
        heal=on("mpanel-core", "pkill -CONT -u mpanel -f /opt/mpanel/frontend/server.js; wait_until frontend_answers"),
    ),
    Fault(
        name="frontend-wrong-port",
        breaks="the frontend listens on 2273 since its last deployment",
        causes=(Cause(check="frontend@mpanel-core", host="mpanel-core", service=FRONTEND, reason="connect_refused"),),
        shows={"frontend@mpanel-core": ("down", "connect_refused"), "login-page": ("down", "http_gateway")},
        symptoms=BEHIND_FRONTEND,
        inject=on(
            "mpanel-core",
            f"keep {SERVER}; sed -i 's/listen(2272/listen(2273/' {SERVER}; "
            "pm2 restart mpanel-frontend; wait_until listens_on 2273",
        ),
        heal=HEAL,
    ),
    Fault(
        name="frontend-wrong-page",
        breaks="the frontend serves another application's page",
        causes=(Cause(check="login-page", host="srv1", service=PANEL, reason="http_body"),),
        shows={"login-page": ("down", "http_body"), "frontend@srv1": ("ok", ""), PM2: ("ok", "")},
        symptoms=PAGES,
        inject=on("mpanel-core", f"keep {PAGE}; echo '<!doctype html><title>It works</title>' > {PAGE}"),
        heal=on("mpanel-core", f"restore {PAGE}"),
    ),
    Fault(
        name="pm2-gone",
        breaks="PM2 itself is stopped, and both processes with it",
        causes=(Cause(check="pm2/mpanel-backend", host="mpanel-core", service=BACKEND, reason="process_missing"),),
        shows={
            "pm2/mpanel-backend": ("down", "process_missing"),
            PM2: ("down", "process_missing"),
            "login-page": ("down", "http_gateway"),
        },
        symptoms=BEHIND_BACKEND | BEHIND_FRONTEND,
        inject=on("mpanel-core", "systemctl stop pm2-mpanel"),
        heal=on("mpanel-core", "restart_panel"),
    ),
)
