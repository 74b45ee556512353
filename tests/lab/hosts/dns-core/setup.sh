#!/bin/sh
# Run once inside dns-core's root: an empty database for the zones, which are each lab's own.
set -eu
rm -f /etc/powerdns/pdns.d/bind.conf /etc/powerdns/named.conf
sqlite3 /var/lib/powerdns/pdns.sqlite3 < /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
chown pdns:pdns /var/lib/powerdns/pdns.sqlite3
systemctl enable lab-zones pdns
