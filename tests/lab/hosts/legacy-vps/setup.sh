#!/bin/sh
# Run once inside the legacy VPS's root: its sites are still live.
set -eu
systemctl enable legacy-site.socket
