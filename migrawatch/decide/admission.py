"""Who may be asked on somebody else's word: names and networks that are admitted, and nothing beside them."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from migrawatch.parse.place import is_socket

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What a target may be.

    An address is admitted if it lies in one of *networks*. A name of *names* (`*.example.org` is every name below it)
    is admitted at every address on the internet: what it points to inside, where a stranger's DNS could lead us,
    must lie in *networks* too. Of unix sockets exactly *sockets* are admitted.
    """

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    sockets: frozenset[str] = frozenset()

    def admits(self, name: str, address: str) -> bool:
        """Whether *address*, which *name* (lower case, no final dot; or the address itself) led to, may be dialled."""
        if is_socket(address):
            return address in self.sockets
        found = ip_address(address.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)
        found = mapped or found
        if any(found in network for network in self.networks):
            return True
        return self._knows(name) and found.is_global and not found.is_multicast

    def _knows(self, name: str) -> bool:
        above = name.partition(".")[2]
        while above:
            if f"*.{above}" in self.names:
                return True
            above = above.partition(".")[2]
        return name in self.names
