#!/usr/bin/env bash
# Builds the image and tries all that docs/container.md promises, in containers of podman:
#
#   test/container/run.sh
#
# Needs root, and from Debian: buildah podman debootstrap crun netavark aardvark-dns iptables.
# Exit code 77: something is missing, and the last line says what. Each check is a line,
# "ok - …" or "not ok - …"; exit code 1 when one of them failed.
#
# Environment: PULL=1 takes the base images from their registry; otherwise stand-ins are made here.
# CACHE=FOLDER (about 2 GB, kept for the next run) is ~/.cache/mirror-router-containers by default.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/sbin:/sbin"
CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mirror-router-containers}

note() {
  printf '# %s\n' "$*"
}

skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}

[ "$(id -u)" -eq 0 ] || skip 'it needs root'
for tool in buildah podman debootstrap crun npm node unshare; do
  command -v "$tool" > /dev/null || skip "there is no $tool"
done

# crun takes no mixture of the two kinds of control groups: in a mount namespace of its own this script sees one kind.
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  # shellcheck disable=SC2016
  exec unshare -m bash -c 'mount --make-rprivate / && umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$0" "$@"' "$PWD/test/container/run.sh" "$@"
fi

mkdir -p "$CACHE"
export BUILDAH_ISOLATION=chroot CONTAINERS_STORAGE_CONF=$CACHE/storage.conf
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$CACHE" "$CACHE" > "$CONTAINERS_STORAGE_CONF"
WORK=$(mktemp -d)
RUN=mirror-router-test-$$
IMAGE=localhost/mirror-router:test

# shellcheck source=test/container/base-images.sh
. test/container/base-images.sh
# shellcheck source=test/container/checks.sh
. test/container/checks.sh

build() {
  local node debian pull=--pull-never
  node=$(sed -n 's/^ARG NODE_VERSION=//p' Dockerfile)
  debian=$(sed -n 's/^ARG DEBIAN=//p' Dockerfile)
  if [ "${PULL:-}" = 1 ]; then pull=--pull; else make_base_images "$CACHE/base" "$node" "$debian"; fi
  # What this machine reaches packages through, for the build and not in the image.
  printf 'registry=%s\ncafile=/run/build-ca.crt\n' "$(npm config get registry 2> /dev/null)" > "$WORK/npmrc"
  note 'building'
  buildah bud --format docker "$pull" --layers --force-rm --ignorefile .dockerignore \
    --volume /etc/ssl/certs/ca-certificates.crt:/run/build-ca.crt:ro --volume "$WORK/npmrc:/usr/local/etc/npmrc:ro" \
    -t "$IMAGE" . > "$WORK/build.log" 2>&1 || { tail -n 20 "$WORK/build.log"; return 1; }
}

# Without systemd podman has nothing to run health checks by, and says so each time; here they are run one by one.
engine() {
  podman --log-level error --cgroup-manager cgroupfs --events-backend none --runtime crun "$@" 2> >(grep -v 'systemd connection\|syslog' >&2)
}

clean_up() {
  local id
  for id in $(engine ps -aq --filter "label=run=$RUN"); do engine rm -f -v -t 0 "$id" > /dev/null || true; done
  for id in $(engine volume ls -q --filter "label=run=$RUN"); do engine volume rm -f "$id" > /dev/null || true; done
  engine network rm -f "$RUN" > /dev/null || true
  rm -rf "$WORK"
}

trap clean_up EXIT
build
engine network create "$RUN" > /dev/null
run_checks
