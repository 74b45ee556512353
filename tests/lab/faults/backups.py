"""What is wrong with the backups on pve, and with the share that they lie on."""

from tests.lab.act import on
from tests.lab.plan import SERVERS
from tests.lab.truth import Cause, Fault, Severity

MEND = on("pve", "mend_backups")


def backup(name: str, breaks: str, reason: str, inject: str, *, warns: bool = False) -> Fault:
    """srv1's backups; srv2's are well."""
    severity = Severity.WARNING if warns else Severity.CRITICAL
    cause = Cause(check="backup/srv1", host="pve", service="backups of srv1", reason=reason, severity=severity)
    return Fault(
        name=f"backup-{name}",
        breaks=breaks,
        causes=(cause,),
        shows={
            "backup/srv1": ("warn" if warns else "down", reason),
            "backup/srv2": ("ok", ""),
            "mount/srv1": ("ok", ""),
        },
        inject=on("pve", inject),
        heal=MEND,
    )


def share(name: str, breaks: str, reason: str, inject: str) -> Fault:
    """The share under both servers' backups."""
    return Fault(
        name=f"share-{name}",
        breaks=breaks,
        causes=(Cause(check="mount/srv1", host="pve", service="backup share", reason=reason),),
        shows={"mount/srv1": ("down", reason), "mount/srv2": ("down", reason)},
        symptoms=frozenset({"backup/srv1", "backup/srv2"}),
        inject=on("pve", inject),
        heal=MEND,
    )


FAULTS = (
    backup("stale", "nothing new came for six hours", "backup_stale", "only_backups '3 4 5 6 7 8 9 10 11 12'"),
    backup(
        "missing",
        "the directory is empty",
        "backup_missing",
        "only_backups ''; mkdir -p /srv/share/srv1; rm -f /srv/share/srv1/*",
    ),
    backup("directory-missing", "the directory is gone", "backup_missing", "only_backups 0; rm -r /srv/share/srv1"),
    backup("too-few", "somebody made room: four are left", "backup_too_few", "only_backups '0 1 2 3'", warns=True),
    backup("empty", "the newest has no byte", "backup_empty", "resize_newest 0"),
    backup("shrunk", "the newest has a tenth of its size", "backup_shrunk", "resize_newest 3G"),
    backup(
        "gap",
        "three rounds in the middle did not take place",
        "backup_gap",
        "only_backups '0 1 2 3 4 8 9 10 11 12'",
        warns=True,
    ),
    backup(
        "failed", "one more, by hand, failed: its log says so, and there is no dump", "backup_failed", "fail_newest"
    ),
    backup(
        "broken-off",
        "a round was broken off in the night: what it had written is left",
        "backup_failed",
        "leave_unfinished",
        warns=True,
    ),
    backup(
        "from-the-future",
        "the clock was a day ahead for one round: its dump is dated tomorrow",
        "backup_future",
        "only_backups '-12 0 1 2 3 4 5 6 7 8 9'",
        warns=True,
    ),
    share(
        "not-mounted",
        "the share is not mounted: its place is an empty directory",
        "not_mounted",
        "systemctl stop windows-backup",
    ),
    share(
        "hung",
        "who keeps the share stands still: whoever touches it hangs",
        "mount_hung",
        "systemctl kill --signal=STOP windows-backup",
    ),
    Fault(
        name="share-without-room",
        breaks="no byte fits on the share any more: the next round will fail",
        causes=tuple(
            Cause(
                check=f"backup/{server}",
                host="pve",
                service=f"backups of {server}",
                reason="disk_filling",
                severity=Severity.WARNING,
            )
            for server in SERVERS
        ),
        shows={f"backup/{server}": ("warn", "disk_filling") for server in SERVERS},
        inject=on("pve", "fill_share"),
        heal=MEND,
    ),
)
