"""What goes wrong with SSH: a lost vantage is a warning of its own, and nobody's outage."""

from tests.lab.act import clear_filter, filter_packets, on
from tests.lab.truth import SSH, Act, Cause, Fault, Severity

KEY = "/etc/ssh/ssh_host_ed25519_key"
OURS = "/home/migrawatch/.ssh/authorized_keys"
SWITCH = "/etc/ssh/sshd_config.d/fault.conf"

# The listener goes, and with it every session: a kept connection would not notice.
STOP = "systemctl stop ssh; pkill -KILL -x sshd || true; "
START = STOP + "systemctl reset-failed ssh || true; systemctl start ssh"

# Checks that look through a host's SSH, and one that needs the same service and does not.
THROUGH = {
    "srv1": ("backend@srv1", "nginx-unit"),
    "mpanel-core": ("backend@mpanel-core", "pm2/mpanel-backend", "db-select-1@mpanel-core"),
    "db-core": ("db-unit",),
}
HOLDS = {"srv1": "login-page", "mpanel-core": "backend@srv1", "db-core": "db-select-1@here"}


def lost(host: str, name: str, breaks: str, reason: str, inject: Act, heal: Act) -> Fault:
    check = f"ssh/{host}"
    return Fault(
        name=f"ssh-{name}-{host}",
        breaks=breaks,
        causes=(Cause(check=check, host=host, service=SSH, reason=reason, severity=Severity.WARNING),),
        shows={
            check: ("down", reason),
            HOLDS[host]: ("ok", ""),
            **dict.fromkeys(THROUGH[host], ("unknown", "vantage_lost")),
        },
        inject=inject,
        heal=heal,
    )


def refused(host: str) -> Fault:
    return lost(host, "stopped", "sshd is stopped", "connect_refused", on(host, STOP), on(host, START))


FAULTS = (
    *(refused(host) for host in THROUGH),
    lost(
        "mpanel-core",
        "hung",
        "sshd stands still (SIGSTOP): the kernel accepts, nobody greets",
        "ssh_timeout",
        on("mpanel-core", "pkill -STOP -x sshd"),
        on("mpanel-core", START),
    ),
    lost(
        "db-core",
        "dropped",
        "db-core's firewall drops port 22",
        "connect_timeout",
        filter_packets("db-core", "tcp dport 22 drop"),
        clear_filter("db-core"),
    ),
    lost(
        "srv1",
        "host-key",
        "srv1 has another host key than the one we know",
        "ssh_host_key",
        on("srv1", f"keep {KEY}; keep {KEY}.pub; yes | ssh-keygen -q -t ed25519 -N '' -f {KEY} >/dev/null; {START}"),
        on("srv1", f"restore {KEY}; restore {KEY}.pub; {START}"),
    ),
    lost(
        "mpanel-core",
        "key-refused",
        "our key is no longer among mpanel-core's authorized keys",
        "ssh_auth",
        on("mpanel-core", f"keep {OURS}; echo '# cleaned up' > {OURS}; {START}"),
        on("mpanel-core", f"restore {OURS}; {START}"),
    ),
    lost(
        "srv1",
        "not-ssh",
        "a mail server greets on port 22, and hangs up",
        "ssh_malformed",
        on("srv1", f"{STOP} greet_on_port_22"),
        on("srv1", f"systemctl stop lab-22.socket 2>/dev/null || true; {START}"),
    ),
    Fault(
        name="ssh-forwarding-srv1",
        breaks="srv1's sshd forwards no more; commands still run",
        causes=(Cause(check="ssh/srv1", host="srv1", service=SSH, reason="ssh_forwarding", severity=Severity.WARNING),),
        shows={
            "ssh/srv1": ("down", "ssh_forwarding"),
            "backend@srv1": ("unknown", "vantage_lost"),
            "nginx-unit": ("ok", ""),
        },
        inject=on("srv1", f"echo 'AllowTcpForwarding no' > {SWITCH}; {START}"),
        heal=on("srv1", f"rm -f {SWITCH}; {START}"),
    ),
)
