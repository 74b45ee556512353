#!/bin/sh
# Run once inside mpanel-core's root, after its packages, files and node_modules are in place.
set -eu
useradd --create-home --shell /bin/bash mpanel
ln -s /opt/mpanel/node_modules/pm2/bin/pm2 /usr/bin/pm2
password=$(cat /etc/lab-password)
secret=$(head -c 24 /dev/urandom | base64 | tr -d '/+=')
sed -e "s/@PASSWORD@@/$password@/" -e "s/@PASSWORD@/$password/" -e "s/@SECRET@/$secret/" \
    /opt/mpanel/.env.template > /opt/mpanel/.env
rm /opt/mpanel/.env.template
chown -R mpanel:mpanel /opt/mpanel
chmod 640 /opt/mpanel/.env
systemctl enable pm2-mpanel.service
