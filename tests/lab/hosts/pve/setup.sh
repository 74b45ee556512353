#!/bin/sh
# Run once inside pve's root: the share's place, and who fills it.
set -eu
mkdir -p /mnt/windows-backup /srv/share
chmod 755 /usr/local/sbin/make-backups
systemctl enable windows-backup.service make-backups.timer
