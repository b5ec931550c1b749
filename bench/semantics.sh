#!/usr/bin/env bash
# The table of docs/semantics.md: what descriptions earn, HR@20/MRR@20 in per cent. Needs SET/clicks.tsv.gz and
# SET/items.jsonl under $HIPHOP_DATA. Vectors of a language model as --vectors takes them are used where
# $HIPHOP_VECTORS has SET.jsonl. NETWORK=1 has a network (d 64) beside the graph: minutes a row, of Wikispeedia half an hour.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
hiphop=build/release/bin/hiphop
data=${HIPHOP_DATA:-data}
network=network.on=0
[ -z "${NETWORK:-}" ] || network=network.d=64
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
declare -A sessions=([online_retail]="4500 30" [wikispeedia]="0 1000000") every=([online_retail]=1 [wikispeedia]=4)

# row SET NAME OPTION...: a line of the table.
row() {
    local set=$1 name=$2 all new launched
    shift 2
    measure() {
        "$hiphop" evaluate "$@" --test "$scratch/test" --set "$network" --model hiphop,mixture 2>"$scratch/said" |
            awk '/^(mixture|hiphop) / { printf "%s%.1f/%.1f", n++ ? " | " : "", $4, $5 }' || { cat "$scratch/said" >&2; return 1; }
    }
    all=$(measure --train "$scratch/train" --every "${every[$set]}" "$@")
    launched=$(measure --train "$scratch/cut" --target-clicks 1 --launch "$@")
    new=$(measure --train "$scratch/cut" --target-clicks 1 "$@")
    echo "| $set | $name | $all | $launched | $new |"
}

echo "| set | descriptions | all, mixture | all, hiphop | launched, mixture | launched, hiphop | known in vain, mixture | known in vain, hiphop |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
for set in online_retail wikispeedia; do
    if [ ! -f "$data/$set/clicks.tsv.gz" ] || [ ! -f "$data/$set/items.jsonl" ]; then
        echo "$set: skipped: no data ($data/$set/clicks.tsv.gz, items.jsonl)"
        continue
    fi
    # shellcheck disable=SC2086 # two numbers
    bench/semantics_sessions.py "$data/$set/clicks.tsv.gz" "$scratch" ${sessions[$set]}
    row "$set" none
    row "$set" random --items "$data/$set/items.jsonl" --semantic random
    row "$set" hashing --items "$data/$set/items.jsonl" --semantic hashing
    if [ -f "${HIPHOP_VECTORS:-}/$set.jsonl" ]; then
        row "$set" "\$HIPHOP_VECTORS" --vectors "$HIPHOP_VECTORS/$set.jsonl"
    else
        echo "$set, vectors of a language model: skipped: no data (\$HIPHOP_VECTORS/$set.jsonl)"
    fi
done
