#!/bin/sh
# Run once inside the resolver's root: an empty second server of the zones, the registries, the stranger, the policy's web server.
set -eu
rm -f /etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf
sqlite3 /var/lib/powerdns/ns2.sqlite3 < /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
for zone in migrahosting.com migrapanel.com elizefoundation.org holisticgroupllc.com; do
    pdnsutil --config-name=ns2 create-secondary-zone "$zone" 10.1.10.102
done
chown pdns:pdns /var/lib/powerdns/ns2.sqlite3
rm -f /etc/nginx/sites-enabled/default
systemctl disable pdns postfix
systemctl enable pdns@ns2 pdns@registry unbound stranger
