#!/bin/sh
# Run once inside the base root: what every host of the lab has beyond its packages.
set -eu
useradd --create-home --shell /bin/bash --groups adm,systemd-journal migrawatch
install -d -m 700 -o migrawatch -g migrawatch /home/migrawatch/.ssh
systemctl mask console-getty.service getty.target systemd-logind.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
# The host key is each lab's own; one in the image would be the same on every host.
rm -f /etc/ssh/ssh_host_*
rm -f /etc/machine-id && touch /etc/machine-id
