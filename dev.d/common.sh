# shellcheck shell=bash
# What the commands of ./dev share: saying, failing, and having the packages that a command needs.

# Debian's own Python, which sees Debian's modules: another one may come first in PATH.
# shellcheck disable=SC2034
python=/usr/bin/python3

say() { printf '%s\n' "$*"; }
die() {
    printf './dev: %s\n' "$*" >&2
    exit 1
}

# packages GROUP...: what dev.d/packages lists for the groups.
packages() {
    local group
    for group; do
        sed -n "s/^$group: *//p" dev.d/packages
    done | tr ' ' '\n' | sort -u
}

# need GROUP...: installs the groups' packages that are missing, silent when none is.
need() {
    local wanted missing sudo=()
    wanted=$(packages "$@")
    command -v dpkg-query >/dev/null || die "this is no Debian: install by hand what dev.d/packages lists for: $*"
    # shellcheck disable=SC2086
    missing=$(comm -23 <(printf '%s\n' $wanted) \
        <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | sed -n 's/ installed$//p' | sort -u))
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "run as root, or install by hand: ${missing//$'\n'/ }"
        sudo=(sudo)
    fi
    say "installing ${missing//$'\n'/ }"
    local log
    log=$(mktemp)
    # shellcheck disable=SC2086
    # A source that can't be reached may not be the one that we need.
    if ! { "${sudo[@]}" apt-get -qq update || true
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
            -o DPkg::Lock::Timeout=600 install $missing; } >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        die "these packages could not be installed: ${missing//$'\n'/ }"
    fi
    rm -f "$log"
}

# build PRESET [TARGET...]: configures and builds, silent when it goes well.
build() {
    local preset=$1 log=build/$1.log
    shift
    mkdir -p build
    if ! { cmake --preset "$preset" && cmake --build --preset "$preset" ${1:+--target "$@"}; } \
        >"$log" 2>&1 </dev/null; then
        grep -vE '^(--|\[[0-9]+/[0-9]+\])' "$log" >&2
        die "the $preset build failed; the whole log is $log"
    fi
}
