#!/bin/sh
# Run once inside srv1's root, after its packages and files are in place.
set -eu
rm -f /etc/nginx/sites-enabled/default
for site in /etc/nginx/sites-available/*.conf; do
    ln -s "$site" /etc/nginx/sites-enabled/
done
