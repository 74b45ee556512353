"""What breaks on srv1: nginx, its configuration, what it serves, what it must not serve."""

from tests.lab.act import both, clear_filter, filter_packets, on
from tests.lab.names import (
    API,
    CHECKOUT,
    CLIENTS,
    EDGE,
    GRAPHQL,
    HTTPS,
    MARKETING,
    MARKETING_HTTPS,
    NGINX,
    PAGES,
    PANEL,
    PANEL_HTTPS,
    REDIRECTS,
)
from tests.lab.truth import Act, Cause, Fault, Severity

SITES = "/etc/nginx/sites-available"
FORGOTTEN = "/etc/nginx/sites-enabled/forgotten.example.conf"
PANEL_SITE = f"{SITES}/migrapanel.com.conf"

DROP_IN = "/etc/systemd/system/nginx.service.d"

# Heals whatever state nginx is in: running, stopped, stopped where it stands.
START = on("srv1", "systemctl kill --signal=CONT nginx || true; systemctl reset-failed nginx; systemctl start nginx")


def nginx(reason: str) -> tuple[Cause, ...]:
    return (Cause(check="nginx-unit", host="srv1", service=NGINX, reason=reason),)


def edited(file: str, edit: str, then: str = "reload_nginx") -> Act:
    """Edit a file of srv1 by a sed script."""
    # From the copy, so that a second injection changes nothing.
    kept = f"/var/lib/lab{file}"
    return on("srv1", f"keep {file}; cp -a {kept} {file}; sed -i '{edit}' {file}; ! cmp -s {file} {kept}; {then}")


def restored(*files: str) -> Act:
    """Put files of srv1 back and load them."""
    return on("srv1", "".join(f"restore {file}; " for file in files) + "reload_nginx")


def exposed(port: int, target: str) -> Fault:
    """A forward from the public address, as somebody debugging leaves it behind."""
    unit = f"lab-expose-{port}"
    listen = f"--socket-property=ListenStream=73.139.18.218:{port}"
    return Fault(
        name=f"port-{port}-exposed",
        breaks=f"srv1 forwards port {port} of the public address to {target}",
        causes=(Cause(check=f"closed/{port}", host="srv1", service=f"port {port}", reason="port_exposed"),),
        shows={f"closed/{port}": ("down", "port_exposed")},
        inject=on(
            "srv1",
            f"systemctl is-active --quiet {unit}.socket || "
            f"systemd-run --quiet --unit={unit} {listen} /lib/systemd/systemd-socket-proxyd {target}",
        ),
        heal=on(
            "srv1",
            f"systemctl stop {unit}.socket {unit}.service 2>/dev/null || true; "
            f"systemctl reset-failed {unit}.service 2>/dev/null || true",
        ),
    )


FAULTS = (
    Fault(
        name="nginx-stopped",
        breaks="systemctl stop nginx",
        causes=nginx("unit_inactive"),
        shows={"nginx-unit": ("down", "unit_inactive"), "login-page": ("down", "connect_refused")},
        symptoms=EDGE,
        inject=on("srv1", "systemctl stop nginx"),
        heal=START,
    ),
    Fault(
        name="nginx-killed",
        breaks="every process of nginx is killed, as by the kernel short of memory; the unit has failed",
        causes=nginx("unit_failed"),
        shows={"nginx-unit": ("down", "unit_failed"), "marketing-site": ("down", "connect_refused")},
        symptoms=EDGE,
        inject=on("srv1", "systemctl kill --signal=KILL nginx; wait_until systemctl is-failed --quiet nginx"),
        heal=START,
    ),
    Fault(
        name="nginx-crash-loop",
        breaks="a hook before nginx's start fails, and systemd starts it again and again",
        causes=nginx("process_crash_loop"),
        shows={"nginx-unit": ("down", "process_crash_loop"), "login-page": ("down", "connect_refused")},
        symptoms=EDGE,
        inject=on("srv1", "crash_nginx"),
        # systemd counts its restarts until they are reset; a look without a history goes by that count.
        heal=on(
            "srv1",
            f"rm -rf {DROP_IN}; systemctl daemon-reload; systemctl stop nginx; "
            "systemctl reset-failed nginx; systemctl start nginx",
        ),
    ),
    Fault(
        name="nginx-hung",
        breaks="every process of nginx stands still (SIGSTOP): the kernel accepts, nobody answers",
        # The unit is active. One silent server is one cause, whatever the number of its sites.
        causes=(Cause(check="login-page", host="srv1", service=PANEL, reason="tls_timeout"),),
        shows={
            "login-page": ("down", "tls_timeout"),
            "https-redirect/migrapanel.com": ("down", "http_timeout"),
        },
        symptoms=EDGE,
        inject=on("srv1", "systemctl kill --signal=STOP nginx"),
        heal=on("srv1", "systemctl kill --signal=CONT nginx"),
    ),
    Fault(
        name="edge-443-refused",
        breaks="srv1's firewall refuses port 443",
        causes=(Cause(check="login-page", host="srv1", service=PANEL, reason="connect_refused"),),
        shows={"login-page": ("down", "connect_refused"), "nginx-unit": ("ok", "")},
        symptoms=HTTPS,
        inject=filter_packets("srv1", "tcp dport 443 reject with tcp reset"),
        heal=clear_filter("srv1"),
    ),
    Fault(
        name="edge-443-blackholed",
        breaks="srv1's firewall drops port 443",
        causes=(Cause(check="login-page", host="srv1", service=PANEL, reason="connect_timeout"),),
        shows={"login-page": ("down", "connect_timeout"), "nginx-unit": ("ok", "")},
        symptoms=HTTPS,
        inject=filter_packets("srv1", "tcp dport 443 drop"),
        heal=clear_filter("srv1"),
    ),
    Fault(
        name="edge-443-plaintext",
        breaks="port 443 speaks plain HTTP: `ssl` was lost from every listen",
        causes=(Cause(check="login-page", host="srv1", service=PANEL, reason="tls_not_tls"),),
        shows={"login-page": ("down", "tls_not_tls"), "marketing-site": ("down", "tls_not_tls")},
        symptoms=HTTPS,
        inject=on(
            "srv1",
            f"for site in {SITES}/*.conf; do keep $site; sed -i 's/443 ssl.*;/443;/' $site; done; reload_nginx",
        ),
        heal=on("srv1", f"for site in {SITES}/*.conf; do restore $site; done; reload_nginx"),
    ),
    Fault(
        name="panel-handshake-rejected",
        breaks="nginx refuses the panel's name in the handshake",
        causes=(Cause(check="login-page", host="srv1", service=PANEL, reason="tls_alert"),),
        shows={"login-page": ("down", "tls_alert"), "marketing-site": ("ok", "")},
        symptoms=PANEL_HTTPS,
        inject=edited(PANEL_SITE, "/443 ssl/ a ssl_reject_handshake on;"),
        heal=restored(PANEL_SITE),
    ),
    Fault(
        name="upstream-api-wrong-port",
        breaks="/api/ is proxied to port 2273, where nothing listens, and loaded",
        causes=(Cause(check="nginx-proxy/api", host="srv1", service=NGINX, reason="config_mismatch"),),
        shows={"nginx-proxy/api": ("down", "config_mismatch"), "api-public": ("down", "http_gateway")},
        symptoms=API | CHECKOUT,
        inject=edited(PANEL_SITE, "/location .api/,/}/ s/:2271/:2273/"),
        heal=restored(PANEL_SITE),
    ),
    Fault(
        name="upstream-frontend-wrong-host",
        breaks="/ is proxied to 10.1.10.205, where nobody is, and loaded",
        causes=(Cause(check="nginx-proxy/frontend", host="srv1", service=NGINX, reason="config_mismatch"),),
        shows={"nginx-proxy/frontend": ("down", "config_mismatch")},
        symptoms=PAGES,
        inject=edited(PANEL_SITE, "s/10.1.10.206:2272/10.1.10.205:2272/"),
        heal=restored(PANEL_SITE),
    ),
    Fault(
        name="graphql-location-lost",
        breaks="the /graphql location is gone, so the frontend's page answers there",
        causes=(Cause(check="nginx-proxy/graphql", host="srv1", service=NGINX, reason="config_mismatch"),),
        shows={"nginx-proxy/graphql": ("down", "config_mismatch"), "nginx-proxy/api": ("ok", "")},
        symptoms=GRAPHQL,
        inject=edited(PANEL_SITE, "/location .graphql/,/}/ d"),
        heal=restored(PANEL_SITE),
    ),
    Fault(
        name="nginx-config-broken",
        breaks="a vhost on disk no longer parses; what runs is still well",
        causes=(Cause(check="nginx-config", host="srv1", service=NGINX, reason="config_invalid"),),
        shows={"nginx-config": ("down", "config_invalid"), "login-page": ("ok", "")},
        inject=edited(f"{SITES}/elizefoundation.org.conf", "1 a nonsense on;", then=""),
        heal=restored(f"{SITES}/elizefoundation.org.conf"),
    ),
    Fault(
        name="nginx-not-reloaded",
        breaks="a vhost on disk was changed and never loaded",
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
        # The age of nginx's workers is known to the second.
        inject=both(
            on("srv1", "sleep 1.1"),
            edited(f"{SITES}/elizefoundation.org.conf", "/root .srv/ a index index.html;", then=""),
        ),
        heal=restored(f"{SITES}/elizefoundation.org.conf"),
    ),
    Fault(
        name="redirect-missing",
        breaks="migrapanel.com serves a page on port 80 instead of sending visitors to HTTPS",
        causes=(Cause(check="https-redirect/migrapanel.com", host="srv1", service=PANEL, reason="http_redirect"),),
        shows={"https-redirect/migrapanel.com": ("down", "http_redirect"), "login-page": ("ok", "")},
        symptoms=frozenset({"https-redirect/www.migrapanel.com"}),
        inject=edited(PANEL_SITE, "s|return 301 https.*|return 200 welcome;|"),
        heal=restored(PANEL_SITE),
    ),
    Fault(
        name="redirect-to-itself",
        breaks="migrapanel.com on port 80 sends visitors to port 80 again",
        causes=(Cause(check="https-redirect/migrapanel.com", host="srv1", service=PANEL, reason="http_redirect"),),
        shows={"https-redirect/migrapanel.com": ("down", "http_redirect")},
        symptoms=frozenset({"https-redirect/www.migrapanel.com"}),
        inject=edited(PANEL_SITE, "s|return 301 https:|return 301 http:|"),
        heal=restored(PANEL_SITE),
    ),
    Fault(
        name="acme-path-lost",
        breaks="migrapanel.com sends a certificate authority's challenge to HTTPS like everything else",
        causes=(
            Cause(
                check="acme/migrapanel.com",
                host="srv1",
                service=PANEL,
                reason="http_status",
                severity=Severity.WARNING,
            ),
        ),
        shows={
            "acme/migrapanel.com": ("down", "http_status"),
            "acme/migrahosting.com": ("ok", ""),
            **dict.fromkeys(REDIRECTS, ("ok", "")),
        },
        symptoms=frozenset({"acme/www.migrapanel.com"}),
        inject=edited(PANEL_SITE, "/location .*acme-challenge/,/}/ d"),
        heal=restored(PANEL_SITE),
    ),
    Fault(
        name="marketing-site-empty",
        breaks="the marketing site's dist folder is gone after a failed deployment",
        causes=(Cause(check="marketing-site", host="srv1", service=MARKETING, reason="http_status"),),
        shows={"marketing-site": ("down", "http_status"), "nginx-unit": ("ok", "")},
        symptoms=MARKETING_HTTPS,
        inject=on("srv1", "cd /srv/web/migrahosting.com/public; [ ! -e dist ] || mv dist dist.failed"),
        heal=on("srv1", "cd /srv/web/migrahosting.com/public; [ ! -e dist.failed ] || mv dist.failed dist"),
    ),
    Fault(
        name="client-site-forbidden",
        breaks="a client's files cannot be read by nginx",
        causes=(
            Cause(
                check="client-site/elizefoundation.org",
                host="srv1",
                service="elizefoundation.org",
                reason="http_status",
            ),
        ),
        shows={
            "client-site/elizefoundation.org": ("down", "http_status"),
            "client-site/holisticgroupllc.com": ("ok", ""),
        },
        symptoms=CLIENTS - {"client-site/holisticgroupllc.com"},
        inject=on("srv1", "chmod 700 /srv/web/elizefoundation.org/public"),
        heal=on("srv1", "chmod 755 /srv/web/elizefoundation.org/public"),
    ),
    Fault(
        name="client-site-forgotten",
        breaks="a site was put up for a client, and nobody wrote a check for it",
        causes=(
            Cause(check="discovery/sites", host="srv1", service=NGINX, reason="unwatched", severity=Severity.WARNING),
        ),
        shows={"discovery/sites": ("warn", "unwatched"), "nginx-config": ("ok", "")},
        inject=on(
            "srv1",
            f"sed '/server_name/ s/elizefoundation.org/forgotten.example/g' {SITES}/elizefoundation.org.conf "
            f"> {FORGOTTEN}; reload_nginx",
        ),
        heal=on("srv1", f"rm -f {FORGOTTEN}; reload_nginx"),
    ),
    exposed(2271, "10.1.10.206:2271"),
    exposed(2272, "10.1.10.206:2272"),
    exposed(5432, "10.1.10.210:5432"),
)
