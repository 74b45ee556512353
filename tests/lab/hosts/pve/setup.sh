#!/bin/sh
# Run once inside pve's root: the share's place and who fills it, and the pools.
set -eu
mkdir -p /mnt/windows-backup /srv/share
chmod 755 /usr/local/sbin/*
systemctl enable windows-backup.service make-backups.timer zfs-fuse.service pools.service
