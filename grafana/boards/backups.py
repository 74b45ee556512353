"""Backups, and the storage below them: how old, how many, how large, how full."""

from grafana.dashboard import SITE, Dashboard, Section
from grafana.panel import Query, bars, lines, reasons, stat, table, timeline

KINDS = f'probe=~"backup|mount|zfs|disk|s3|heartbeat",{SITE}'
HOUR = 3600.0
AGE = (("green", None), ("orange", 2.5 * HOUR), ("red", 4 * HOUR))
"""A backup is made every two hours and takes up to one."""
FULL = (("green", None), ("orange", 0.8), ("red", 0.9))
DISK = f"1 - min by (check) (probe_disk_free_bytes{{{SITE}}} / probe_disk_size_bytes{{{SITE}}})"
POOL = f"1 - min by (service) (probe_zfs_free_bytes{{{SITE}}} / probe_zfs_size_bytes{{{SITE}}})"

BACKUPS = Dashboard(
    name="backups",
    title="migrawatch: backups and storage",
    about="How old the backups are, how many are kept, how large they grow, and how full what they lie on is.",
    since="now-7d",
    refresh="1m",
    sections=(
        Section(
            title="Now",
            panels=(
                stat(
                    "The oldest newest backup",
                    "Of every series the newest backup; the oldest of those. Made every 2 h.",
                    Query(ask=f"time() - min(probe_backup_newest_timestamp_seconds{{{SITE}}})"),
                    unit="s",
                    empty="NO BACKUP SEEN",
                    steps=AGE,
                ),
                stat(
                    "Fewest kept",
                    "Backups that are there and whole, of the series that has the fewest. Ten are kept.",
                    Query(ask=f"min(probe_backup_kept{{{SITE}}})"),
                    unit="none",
                    empty="NO BACKUP SEEN",
                    steps=(("red", None), ("orange", 8.0), ("green", 10.0)),
                ),
                stat(
                    "Shares not mounted",
                    "What is written below their path meanwhile lies on the host's own disk.",
                    Query(ask=f"sum(1 - min by (check) (probe_mounted{{{SITE}}}))"),
                    unit="none",
                    empty="not watched",
                    steps=(("green", None), ("red", 1.0)),
                ),
                stat(
                    "The fullest pool",
                    "Of ZFS, which gets slow long before it is full.",
                    Query(ask=f"max({POOL})"),
                    unit="percentunit",
                    empty="not watched",
                    steps=FULL,
                ),
                stat(
                    "The fullest disk",
                    "Of every host.",
                    Query(ask=f"max({DISK})"),
                    unit="percentunit",
                    empty="not watched",
                    steps=FULL,
                ),
                stat(
                    "The first disk is full in",
                    "At the present rate.",
                    Query(ask=f"min(probe_disk_full_timestamp_seconds{{{SITE}}}) - time()"),
                    unit="s",
                    empty="none fills",
                    steps=(("red", None), ("orange", 24 * HOUR), ("green", 168 * HOUR)),
                ),
                reasons(KINDS, "Backups and storage"),
            ),
        ),
        Section(
            title="Backups",
            panels=(
                table(
                    "Every series",
                    "Its newest backup. A series is a machine, or a job.",
                    Query(ask=f"time() - max by (check, series) (probe_backup_newest_timestamp_seconds{{{SITE}}})"),
                    Query(ask=f"min by (check, series) (probe_backup_kept{{{SITE}}})"),
                    Query(ask=f"max by (check, series) (probe_backup_newest_size_bytes{{{SITE}}})"),
                    unit="none",
                    empty="no backup seen",
                    height=8,
                    width=12,
                    columns={
                        "check": "check",
                        "series": "series",
                        "Value #A": "made before",
                        "Value #B": "kept",
                        "Value #C": "size",
                    },
                    overrides=(
                        {
                            "matcher": {"id": "byName", "options": "made before"},
                            "properties": [{"id": "unit", "value": "s"}],
                        },
                        {
                            "matcher": {"id": "byName", "options": "size"},
                            "properties": [{"id": "unit", "value": "bytes"}],
                        },
                    ),
                ),
                lines(
                    "Size of the newest backup",
                    "A drop is a backup that has lost something; a climb is a pool that fills.",
                    Query(
                        ask=f"max by (check, series) (probe_backup_newest_size_bytes{{{SITE}}})",
                        name="{{check}} {{series}}",
                    ),
                    unit="bytes",
                    empty="no backup seen",
                ),
                lines(
                    "Age of the newest backup",
                    "A saw: each tooth is a backup.",
                    Query(
                        ask=f"time() - max by (check, series) (probe_backup_newest_timestamp_seconds{{{SITE}}})",
                        name="{{check}} {{series}}",
                    ),
                    unit="s",
                    empty="no backup seen",
                    steps=AGE,
                ),
                timeline("Checks over time", "A bar for each check of backups and storage.", KINDS, "check"),
            ),
        ),
        Section(
            title="Storage",
            panels=(
                lines(
                    "Pools: how full",
                    "The lines are where the checks warn and page.",
                    Query(ask=POOL, name="{{service}}"),
                    unit="percentunit",
                    empty="not watched",
                    width=8,
                    steps=FULL,
                    defaults={"max": 1},
                ),
                bars(
                    "Disks: how full",
                    "What ordinary users may still use counts as free.",
                    Query(ask=f"sort_desc({DISK})", name="{{check}}"),
                    unit="percentunit",
                    empty="not watched",
                    width=8,
                    steps=FULL,
                    defaults={"max": 1},
                ),
                bars(
                    "Last scrub of each pool",
                    "How long ago ZFS read everything and compared its checksums.",
                    Query(
                        ask=f"time() - max by (service) (probe_zfs_scrub_timestamp_seconds{{{SITE}}})",
                        name="{{service}}",
                    ),
                    unit="s",
                    empty="never scrubbed",
                    width=8,
                    steps=(("green", None), ("orange", 35 * 24 * HOUR), ("red", 70 * 24 * HOUR)),
                ),
            ),
        ),
        Section(
            title="Jobs and object storage",
            panels=(
                table(
                    "Jobs that report in",
                    "When each job must have reported again; less than nothing is too late.",
                    Query(ask=f"min by (check, service) (probe_heartbeat_due_timestamp_seconds{{{SITE}}}) - time()"),
                    Query(ask=f"max by (check, service) (probe_heartbeat_last_run_seconds{{{SITE}}})"),
                    unit="s",
                    empty="no job reports",
                    width=12,
                    height=8,
                    columns={"Value #A": "due in", "check": "check", "service": "service", "Value #B": "last run took"},
                ),
                lines(
                    "Object storage: phases",
                    "Each step of the last object that was put, read back and deleted.",
                    Query(ask=f"max by (phase) (probe_s3_duration_seconds{{{SITE}}})", name="{{phase}}"),
                    unit="s",
                    empty="not watched",
                    stacked=True,
                ),
            ),
        ),
    ),
)
