#!/bin/sh
# Run once inside the bare root: fetched, not installed, is what the package depends on, and what makes a clock jump.
set -eu
apt-get install -qq --yes --install-recommends --download-only python3 ca-certificates tzdata libstdc++6 zlib1g libfaketime >/dev/null
systemctl mask console-getty.service getty.target systemd-logind.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
rm -f /etc/machine-id && touch /etc/machine-id
