"""Where something listens, as people write it."""


def is_socket(address: str) -> bool:
    """Whether *address* is a unix socket: a path from the root, or `@name` for one that has no file (unix(7))."""
    return address.startswith(("/", "@"))


def place_of(address: str, port: int, name: str = "") -> str:
    """`address:port`, an IPv6 address in brackets; with a *name* that is another, `name at address:port`."""
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return f"{name} at {place}" if name and name != address else place
