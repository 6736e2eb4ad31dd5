#!/bin/sh
# systemd takes a changed port over only after it has read its units anew. Three programs, so a script; it takes no arguments.
set -e
systemctl daemon-reload
systemctl restart cockpit.socket
systemctl try-restart cockpit.service
