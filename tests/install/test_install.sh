#!/usr/bin/env bash
# test_install.sh BUILD COMPILER: installs BUILD beside it, and uses what is there as a stranger would.
set -euo pipefail
build=$1 compiler=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$build/installed
fail() {
    printf 'test_install: %s\n' "$*" >&2
    exit 1
}

rm -rf "$root"
DESTDIR=$root cmake --install "$build" >"$build/install.log"
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
usr=$root$prefix
libdir=$(find "$usr" -name libhiphop.a -printf '%h')
for file in sbin/hiphopd bin/hiphop include/hiphop/status.h include/hiphop/graph.h share/doc/hiphop/LICENSE \
    lib/systemd/system/hiphopd.service; do
    [ -f "$usr/$file" ] || fail "$file is not installed"
done

# The configuration is where the unit and the documentation say, and one that somebody has edited stays.
etc=$root/etc/hiphop/hiphopd.conf
grep -q -- '--config /etc/hiphop/hiphopd.conf$' "$usr/lib/systemd/system/hiphopd.service" || fail "the unit reads another file"
[ -f "$etc" ] || fail "/etc/hiphop/hiphopd.conf is not installed"
echo "# mine" >"$etc"
DESTDIR=$root cmake --install "$build" >"$build/install.log"
[ "$(cat "$etc")" = "# mine" ] || fail "an edited hiphopd.conf was overwritten"

# Every public header can be included alone, and by C++ too where the compiler knows it.
for header in "$usr"/include/hiphop/*.h; do
    echo "#include <hiphop/$(basename "$header")>" |
        "$compiler" -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$usr/include" -x c - ||
        fail "$(basename "$header") cannot be included alone"
    grep -q "<hiphop/$(basename "$header")>" "$usr/include/hiphop/hiphop.h" || [ "$(basename "$header")" = hiphop.h ] ||
        fail "hiphop.h does not include $(basename "$header")"
done

export PKG_CONFIG_PATH=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
read -ra flags <<<"$(pkg-config --cflags --libs hiphop)"
"$compiler" -std=c17 "$here/uses_hiphop.c" "${flags[@]}" -o "$root/uses_shared"
read -ra flags <<<"$(pkg-config --static --cflags --libs hiphop)"
"$compiler" -std=c17 -static "$here/uses_hiphop.c" "${flags[@]}" -o "$root/uses_static"
[ "$(LD_LIBRARY_PATH=$libdir "$root/uses_shared")" = "a documented limit is reached" ] || fail "the shared program"
[ "$("$root/uses_static")" = "a documented limit is reached" ] || fail "the static program"
readelf -d "$root/uses_shared" | grep -q 'libhiphop.so.0' || fail "the shared program does not need libhiphop.so.0"

foreign=$(nm -D --defined-only "$libdir/libhiphop.so" | awk '{print $3}' | grep -v '^hh_' || true)
[ -z "$foreign" ] || fail "the shared library exports more than hh_: $foreign"
# Nothing that a public header declares is missing from the library.
declared=$(sed 's,//.*,,' "$usr"/include/hiphop/*.h | grep -v typedef | grep -oE '\bhh_[a-z0-9_]+\(' | tr -d '(' | sort -u)
exported=$(nm -D --defined-only "$libdir/libhiphop.so" | awk '{print $3}' | sort -u)
missing=$(comm -23 <(echo "$declared") <(echo "$exported"))
[ -z "$missing" ] || fail "public headers declare what the library lacks: $missing"

# The packages that dev.d/packages gives to where the programs only run bring every library that they need.
if command -v dpkg-query >/dev/null; then
    for library in $(readelf -d "$usr/sbin/hiphopd" "$usr/bin/hiphop" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u); do
        packages=$(dpkg-query -S "*/$library" | sed 's/:.*//' | sort -u) # any of them will do
        sed -n 's/^run: / libc6 /p' "$here/../../dev.d/packages" | grep -qwF -- "$packages" ||
            fail "$library is needed where hiphopd runs: add one of ($packages) to 'run:' in dev.d/packages"
    done
fi

# The unit, as systemd reads it, with the programs where they are.
if command -v systemd-analyze >/dev/null; then
    sed "s,=$prefix,=$usr," "$usr/lib/systemd/system/hiphopd.service" >"$root/hiphopd.service"
    said=$(systemd-analyze verify --man=no "$root/hiphopd.service" 2>&1) || fail "the unit: $said"
    [ -z "$said" ] || fail "the unit: $said"
    # 0 is a service shut off from everything, 10 one that may do what root may.
    systemd-analyze security --offline=yes --threshold=20 --no-pager "$root/hiphopd.service" >/dev/null ||
        fail "the unit's exposure is above 2.0: systemd-analyze security --offline=yes says why"
fi
echo "installed and used"
