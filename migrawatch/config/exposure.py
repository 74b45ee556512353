"""Who may reach us over the network: nobody beyond this machine without TLS and a login, or an explicit word."""

from ipaddress import ip_address

from migrawatch.config.problem import ConfigError, Problem
from migrawatch.config.settings import Settings


def refuse_exposure(settings: Settings, is_protected: bool, listen: str = "") -> None:
    """Raise ConfigError if *settings* (on *listen*, unless it is theirs) let anybody in from beyond this machine.

    *is_protected* says that there are TLS and a login.
    """
    daemon = settings.daemon
    where = listen or daemon.listen
    if daemon.unprotected or is_protected or is_local(where):
        return
    what = (
        f"{where} can be reached from beyond this machine, without TLS and a login: give a web_config_file with "
        "tls_server_config and basic_auth_users (or RequireAndVerifyClientCert), or say `unprotected: true`"
    )
    raise ConfigError((Problem(place=settings.listen_place, path="daemon.listen", what=what),))


def is_local(listen: str) -> bool:
    """Whether only this machine can reach `address:port`."""
    address = listen.rpartition(":")[0].strip("[]")
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
