# shellcheck shell=bash
#: fuzz [TARGET [SECONDS]]
#:                      fuzzes one target, or `all` in turn, for 600 s or SECONDS each
#:
#: What crashes a target is kept in build/fuzz/crashes/; put it, made small, into tests/fuzz/corpus/ with its fix.
need build fuzz
build fuzz tests
target=${1:-all}
seconds=${2:-600}
found=''
for binary in build/fuzz/bin/fuzz_*; do
    name=${binary##*/fuzz_}
    [ "$target" = all ] || [ "$target" = "$name" ] || [ "$target" = "fuzz_$name" ] || continue
    found=1
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus" build/fuzz/crashes
    seeds=()
    [ ! -d "tests/fuzz/corpus/$name" ] || seeds=("tests/fuzz/corpus/$name")
    say "fuzzing $name for $seconds s"
    "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="build/fuzz/crashes/$name-" "$corpus" "${seeds[@]}"
done
[ -n "$found" ] || die "there is no fuzz target '$target'; build/fuzz/bin/fuzz_* are: $(cd build/fuzz/bin && echo fuzz_*)"
