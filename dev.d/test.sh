# shellcheck shell=bash
#: test [PART...]       everything that must hold: builds, tests, sanitizers, fuzzing, lint, integration
#:
#: Parts, in this order; without PART all of them:
#:   release      the release build, warnings as errors, and its tests
#:   asan         all but the threaded and fuzz tests again under AddressSanitizer, LeakSanitizer and UBSan
#:   tsan         the threaded tests under ThreadSanitizer
#:   fuzz         every fuzz target for some seconds
#:   lint         ./dev lint
#:   integration  hiphopd on a real Kafka (tests/integration), which is started and stopped for it
#:   unit         (only by name) the unit tests of the release build, the quick round while writing
#: --long         the long tier: more random cases, more kills, more fuzzing, more data
#: -k EXPRESSION  of the integration tests only those that match (pytest's -k)
#:
#: Logs are under build/test/. Ends in "N passed, N failed, N skipped" over everything that ran.
parts=()
long=''
match=''
while [ $# -gt 0 ]; do
    case $1 in
    --long) long=1 ;;
    -k) match=${2:?test: -k needs an expression} && shift ;;
    release | asan | tsan | fuzz | lint | integration | unit) parts+=("$1") ;;
    *) die "test: there is no part '$1' (./dev help test)" ;;
    esac
    shift
done
[ ${#parts[@]} -gt 0 ] || parts=(release asan tsan fuzz lint integration)
export HH_TEST_LONG=$long # what tests ask for the tier
export HIPHOP_DATA=${HIPHOP_DATA:-$PWD/data}
jobs=$(nproc)
logs=build/test
mkdir -p "$logs"
exec 9>build/test.lock
flock -n 9 || die "another ./dev test is at work in this tree"
rm -rf "${logs:?}"/*

child=''
# Ctrl-C or a TERM: the running step is told, and gets the time to stop its servers.
trap '[ -z "$child" ] || { kill -TERM -- "-$child" 2>/dev/null || true; wait "$child" || true; }; exit 130' INT TERM

# step NAME SENTENCE COMMAND...: runs it in its own process group, its output in build/test/NAME.log, and shows
# the log where it fails. dev.d/count.py reads what it counted from NAME.xml or NAME.log.
step() {
    local name=$1 sentence=$2 begin=$SECONDS result=0
    shift 2
    printf '%-14s %s ... ' "$name" "$sentence"
    set -m
    (
        exec 9>&- # the lock is ours alone, whatever a child leaves running
        set -e
        "$@"
    ) </dev/null >"$logs/$name.log" 2>&1 &
    child=$!
    set +m
    wait "$child" || result=$?
    child=''
    printf '%s' $result >"$logs/$name.result"
    if [ $result = 0 ]; then
        printf 'ok (%d s)\n' $((SECONDS - begin))
    else
        printf 'FAILED (%d s)\n' $((SECONDS - begin))
        tail -n 150 "$logs/$name.log" | sed 's/^/    /'
    fi
    return $result
}

run_ctest() { # NAME PRESET ARGUMENT...
    local name=$1 preset=$2
    shift 2
    # one more than there are cores: the longest only wait
    ctest --test-dir "build/$preset" -j $((jobs + 1)) --output-on-failure --output-junit "$PWD/$logs/$name.xml" \
        --test-output-size-passed 1000000 --test-output-size-failed 1000000 --no-tests=error "$@"
}

# The tests that run in the release and in the address sanitizer build.
plain=(-LE 'fuzz|long')
[ -z "$long" ] || plain=(-LE fuzz)

part_unit() {
    step build-release "release build, warnings are errors" build release all || return
    step unit "unit tests" run_ctest unit release -L unit
}

part_release() {
    step build-release "release build, warnings are errors" build release all || return
    step release "all tests of the release build" run_ctest release release "${plain[@]}"
}

part_asan() {
    step build-asan "build with AddressSanitizer and UBSan" build asan tests || return
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1 \
        UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
        step asan "unit and property tests under AddressSanitizer, LeakSanitizer and UBSan" \
        run_ctest asan asan "${plain[@]}" -L 'unit|property'
}

part_tsan() {
    step build-tsan "build with ThreadSanitizer" build tsan tests || return
    step tsan "threaded tests under ThreadSanitizer" run_ctest tsan tsan -L thread
}

part_fuzz() {
    step build-fuzz "build the fuzz targets" build fuzz tests || return
    step fuzz "every fuzz target for some seconds" run_ctest fuzz fuzz -L fuzz || return
    [ -z "$long" ] || step fuzz-long "every fuzz target for a minute" ./dev fuzz all 60
}

part_lint() {
    step lint "the tree's own rules, and that each of them can fail" run_lint
}

run_lint() {
    local result=0
    "$python" dev.d/lint.py || result=$?
    "$python" -B -m pytest -q -p no:cacheprovider --junit-xml="$logs/lint.xml" tests/lint || result=$?
    return $result
}

part_integration() {
    step build-release "release build, warnings are errors" build release hiphopd hiphop slow_poll || return
    . dev.d/kafka/fetch.sh
    step fetch-kafka "Kafka's jars" fetch_kafka || return
    step integration "hiphopd on a real Kafka" run_pytest integration || return
    [ -n "$long" ] || return 0
    step build-asan "build with AddressSanitizer and UBSan" build asan hiphopd hiphop || return
    HIPHOP_BIN=$PWD/build/asan/bin step integration-asan "the same under AddressSanitizer and UBSan" \
        run_pytest integration-asan
}

run_pytest() { # NAME
    # two at a time, each with a broker: most of it is waiting
    exec "$python" -B -m pytest -n 2 -p no:cacheprovider --junit-xml="$logs/$1.xml" --durations=5 \
        ${match:+-k "$match"} tests/integration
}

need build test kafka lint fuzz
begin=$SECONDS
for part in "${parts[@]}"; do
    "part_$part" || true
done
say "took $((SECONDS - begin)) s; logs are in $logs/"
"$python" dev.d/count.py "$logs"
