# shellcheck shell=bash
#: bench [NAME...]      measures what docs/benchmarks.md claims; without NAME all benches
#:
#: A bench is bench/NAME.sh, or an executable bench_NAME of the release build. Data is read where HIPHOP_DATA
#: points (default data/); a bench without its data says so.
need build test kafka
build release all
. dev.d/kafka/fetch.sh
fetch_kafka
export HIPHOP_DATA=${HIPHOP_DATA:-$PWD/data}
names=("$@")
if [ ${#names[@]} = 0 ]; then
    for file in build/release/bin/bench_* bench/*.sh; do
        [ ! -f "$file" ] || names+=("$(basename "${file%.sh}" | sed 's/^bench_//')")
    done
fi
for name in "${names[@]}"; do
    say "== $name"
    if [ -f "bench/$name.sh" ]; then
        bash "bench/$name.sh"
    elif [ -x "build/release/bin/bench_$name" ]; then
        "build/release/bin/bench_$name"
    else
        die "there is no bench '$name': neither bench/$name.sh nor build/release/bin/bench_$name"
    fi
done
