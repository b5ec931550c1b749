# shellcheck shell=bash
# debian DIR PACKAGE...: a bare Debian 12 in DIR, with these packages beside what every one has; from where this
# machine gets its own packages, and trusting whom it trusts. Made once. Needs root and debootstrap.
debian() {
    local dir=$1 mirror certificate
    shift
    ! grep -qxsF -- "$*" "$dir.complete" || return 0
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | sort -u |
        sed -n 's/ bookworm$//p' | head -n 1)
    [ -n "$mirror" ] || { echo "apt knows no source of bookworm" >&2 && return 1; }
    echo "== a bare Debian 12"
    rm -rf "$dir"
    mkdir -p "$dir"
    debootstrap --variant=minbase --include="$(IFS=, && echo "ca-certificates,$*")" bookworm "$dir" "$mirror" \
        >"$dir.log" || { tail "$dir.log" >&2 && return 1; }
    for certificate in /usr/local/share/ca-certificates/*.crt; do
        [ ! -f "$certificate" ] || cp "$certificate" "$dir/usr/local/share/ca-certificates/"
    done
    chroot "$dir" update-ca-certificates >/dev/null 2>&1
    echo "$*" >"$dir.complete"
}
