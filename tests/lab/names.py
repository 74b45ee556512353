"""The production checks by name, in groups that fail together."""

NGINX = "nginx"
PANEL = "migrapanel.com"
MARKETING = "migrahosting.com"
BACKEND = "mpanel-backend"
FRONTEND = "mpanel-frontend"
POSTGRES = "postgresql"

PAGES = frozenset({"login-page", "panel-www"})
API = frozenset({"api-public"})
GRAPHQL = frozenset({"graphql-public"})
CHECKOUT = frozenset({"checkout-cors", "checkout-route"})
PANEL_HTTPS = PAGES | API | GRAPHQL | CHECKOUT

MARKETING_HTTPS = frozenset({"marketing-site", "marketing-site-www"})
CLIENTS = frozenset({"client-site/elizefoundation.org", "client-site/holisticgroupllc.com"})
HTTPS = PANEL_HTTPS | MARKETING_HTTPS | CLIENTS

REDIRECTS = frozenset(
    f"https-redirect/{name}"
    for name in ("migrahosting.com", "www.migrahosting.com", "migrapanel.com", "www.migrapanel.com")
)
ACME = frozenset(
    f"acme/{name}"
    for name in (
        "migrahosting.com",
        "www.migrahosting.com",
        "migrapanel.com",
        "www.migrapanel.com",
        "elizefoundation.org",
        "holisticgroupllc.com",
    )
)
EDGE = HTTPS | REDIRECTS | ACME

BACKEND_VIEWS = frozenset({"backend@srv1", "backend@mpanel-core", "backend@here"})
FRONTEND_VIEWS = frozenset({"frontend@srv1", "frontend@mpanel-core"})
DATABASE_VIEWS = frozenset({"db-select-1@mpanel-core", "db-select-1@here"})

BEHIND_BACKEND = BACKEND_VIEWS | API | GRAPHQL | CHECKOUT
BEHIND_FRONTEND = FRONTEND_VIEWS | PAGES
# Only health asks the database.
BEHIND_DATABASE = BACKEND_VIEWS | API
