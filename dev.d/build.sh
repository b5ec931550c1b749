# shellcheck shell=bash source=dev.d/common.sh
#: build [TARGET...]    makes build/release/bin/hiphopd and build/release/bin/hiphop, and what is installed with them
#:
#: With TARGET: only these, `all` for everything. Other presets (debug, asan, tsan, coverage, fuzz):
#: cmake --preset NAME && cmake --build --preset NAME
need build
[ $# -gt 0 ] || set -- hiphopd hiphop hiphop_shared
build release "$@"
