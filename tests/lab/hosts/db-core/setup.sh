#!/bin/sh
# Run once inside db-core's root: the map's database and role, in the cluster Debian made.
set -eu
cluster=/etc/postgresql/15/main
rm -f /etc/ssl/private/ssl-cert-snakeoil.key
cp /etc/lab/pg_hba.conf $cluster/pg_hba.conf
chown postgres:postgres $cluster/pg_hba.conf
echo "ssl = off" > $cluster/conf.d/setup.conf
pg_ctlcluster 15 main start
su postgres -c 'psql --quiet -v ON_ERROR_STOP=1' <<SQL
CREATE ROLE mpanel_app LOGIN PASSWORD '$(cat /etc/lab-password)';
CREATE DATABASE mpanel OWNER mpanel_app;
\connect mpanel
SET ROLE mpanel_app;
\i /etc/lab/schema.sql
SQL
pg_ctlcluster 15 main stop
rm $cluster/conf.d/setup.conf
# After setup.conf is gone: these name a certificate that only a running lab has.
cp /etc/lab/lab.conf $cluster/conf.d/lab.conf
chown -R postgres:postgres $cluster/conf.d
