"""The command that asks the same by hand: what a remedy tells the on-call to type."""

import shlex

from migrawatch.parse.excerpt import HIDDEN
from migrawatch.parse.place import place_of
from migrawatch.talk.http_request import Request

_HIDDEN = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})


def curl(request: Request, connect_to: str = "", family: int = 0) -> str:
    """A curl command for *request* that dials *connect_to* (`host:port`), if given, instead of the URL's host.

    Private headers are shown without their values, and so is a private body.
    """
    words = ["curl", "-sv", "-m", "10"]
    if request.method == "HEAD":
        words.append("-I")
    elif request.method != "GET":
        words += ["-X", request.method]
    if family:
        words.append(f"-{family}")
    if connect_to:
        words += ["--connect-to", f"::{connect_to}"]
    for name, value in request.headers:
        words += ["-H", f"{name}: {HIDDEN if name.lower() in _HIDDEN | request.private else value}"]
    if request.body:
        words += ["--data", HIDDEN if "body" in request.private else request.body.decode()]
    return shlex.join([*words, str(request.url)])


def s_client(name: str, address: str, port: int) -> str:
    """An openssl command that shows the certificate which *address* presents for *name*."""
    place = shlex.quote(place_of(address, port))
    asked = f"openssl s_client -connect {place} -servername {shlex.quote(name)} </dev/null"
    return f"{asked} | openssl x509 -noout -subject -issuer -dates"
