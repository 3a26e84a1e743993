#!/bin/sh
# Installs what the tests use of the system, where apt may: Chromium, PostgreSQL, and tools that read images.
set -eu
missing=""
command -v chromium >/dev/null || missing="$missing chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v skopeo >/dev/null || missing="$missing skopeo"
command -v podman >/dev/null || missing="$missing podman"
command -v runc >/dev/null || missing="$missing runc"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing for the tests:$missing"
    log=$(mktemp)
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 ||
        { tail -n 5 "$log"; echo "Could not install$missing; the tests that need them are skipped."; }
else
    echo "Not installed:$missing. The tests that need them are skipped; on Debian: apt install$missing"
fi
