#!/bin/sh
# What the container was started with: a program, which is run as it is (self-hosted's scripts
# fill /var/www so, as root), or else a command of mirror-router, such as `check`.
set -eu

if [ $# -gt 0 ] && command -v "$1" > /dev/null; then
  exec "$@"
fi
exec mirror-router "$@"
