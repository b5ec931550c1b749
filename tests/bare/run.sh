#!/usr/bin/env bash
# run.sh [COMMAND...]: a bare Debian 12 with nothing but git, and in it what a newcomer would type: clone,
# ./dev build, ./dev setup; then, with no network but loopback, ./dev build, ./dev test and ./dev demo (or each
# COMMAND given instead). Needs root, debootstrap and iproute2; packages come from where this machine gets its own.
#
# BARE_DIR says where the machine is made (default build/bare; 1 GB, kept for looking around afterwards).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/bare/debian.sh
[ "$(id -u)" = 0 ] || { echo "run.sh: chroot and mount need root" >&2 && exit 1; }
bare=${BARE_DIR:-build/bare}
mkdir -p "$bare"
bare=$(cd "$bare" && pwd)
base=$bare/base root=$bare/root
[ $# -gt 0 ] || set -- "./dev build" "./dev test" "./dev demo"

leave() {
    local pid
    # What still runs in there was started by what we ran.
    for pid in /proc/[0-9]*; do
        [ "$(readlink "$pid/root" 2>/dev/null)" != "$root" ] || kill -9 "${pid##*/}" 2>/dev/null || true
    done
    for mount in dev/shm proc; do
        umount -l "$root/$mount" 2>/dev/null || true
    done
}
trap leave EXIT
leave

debian "$base" git
rm -rf "$root"
cp -a --reflink=auto "$base" "$root"
cp /etc/resolv.conf "$root/etc/"
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"
git clone -q --no-hardlinks . "$root/src/hiphop"

# inside WHAT WRAPPER...: runs WHAT in the clone, as a login would, and says how long it took.
inside() {
    local what=$1 begin=$SECONDS
    shift
    echo "== $what"
    "$@" chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/var/tmp LANG=C.UTF-8 \
        bash -c "cd /src/hiphop && $what" </dev/null
    echo "== $what: $((SECONDS - begin)) s"
}
# No network but loopback. Sockets and semaphores stay those of the machine.
# shellcheck disable=SC2317
offline() { unshare -n bash -c 'ip link set lo up && exec "$@"' offline "$@"; }

inside "./dev build"
inside "./dev setup"
failed=0
for command; do
    inside "$command" offline || { failed=1 && echo "== $command: FAILED"; }
done
[ -z "$(chroot "$root" git -C /src/hiphop status --porcelain)" ] || {
    chroot "$root" git -C /src/hiphop status --short
    echo "run.sh: the commands left files that git does not ignore"
    failed=1
}
left=$(for pid in /proc/[0-9]*; do [ "$(readlink "$pid/root" 2>/dev/null)" != "$root" ] || tr '\0' ' ' <"$pid/cmdline"; done)
[ -z "$left" ] || { echo "run.sh: left running: $left" && failed=1; }
exit $failed
