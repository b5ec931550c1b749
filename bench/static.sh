#!/usr/bin/env bash
# The static table of docs/evaluation.md: HR@20/MRR@20 in per cent, for each data set under $HIPHOP_DATA that has
# sessions (SET/train.txt, SET/test.txt, plain or .gz). The network is trained in the run: on diginetica that takes half
# an hour of CPU. Beside the usual rows: hiphop without a network; where the order of clicks inside sessions is
# drawn by lot, which tells how much of a figure is the order of the file; with the scored test sessions in its
# memory; and the look-up under the leaking protocol. Sets can be named: bench/static.sh prime_pantry.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
hiphop=build/release/bin/hiphop
data=${HIPHOP_DATA:-data}
models=pop,transitions,sr,vsknn,stan,vmis,lookup,graph,network,mixture,hiphop
# What training is told: nothing, but of the largest set, which has sessions enough for a wider network.
declare -A network=([diginetica]="d=128 negatives=4096 batch=768 scale=14 item-dropout=0.3 state-dropout=0.2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sets=("$@")
[ ${#sets[@]} -gt 0 ] || sets=(diginetica prime_pantry luxury_beauty)
declare -A cell
columns=()

# note COLUMN [ROW]: hiphop's table on standard input becomes cells, its last row under the name of ROW.
note() {
    local model hr20 mrr20
    while read -r model _ _ hr20 mrr20 _; do
        [[ $hr20/$mrr20 =~ ^[0-9.]+/[0-9.]+$ ]] && cell["${2:-$model} $1"]=$(printf '%.1f/%.1f' "$hr20" "$mrr20")
    done
}

shuffled() {
    zcat -f "$1" | awk -v seed=1 'BEGIN { srand(seed) } {
        for (i = NF; i > 1; i--) { j = 1 + int(rand() * i); kept = $i; $i = $j; $j = kept }
        print }'
}

for set in "${sets[@]}"; do
    train=$(ls "$data/$set/train.txt"* 2>/dev/null || true)
    test=$(ls "$data/$set/test.txt"* 2>/dev/null || true)
    if [ ! -f "$train" ] || [ ! -f "$test" ]; then
        echo "$set: skipped: no data ($data/$set/train.txt, test.txt)"
        continue
    fi
    columns+=("$set")
    files=(--train "$train" --test "$test")
    told=()
    for option in ${network[$set]:-}; do
        told+=(--set "network.$option")
    done
    note "$set" < <("$hiphop" evaluate "${files[@]}" --model "$models" "${told[@]}")
    note "$set" alone < <("$hiphop" evaluate "${files[@]}" --model hiphop --set network.on=0)
    note "$set" prequential < <("$hiphop" evaluate "${files[@]}" --model hiphop --set network.on=0 --memory prequential)
    note "$set" leaking < <("$hiphop" evaluate "${files[@]}" --model lookup --protocol paper --baselines default)
    note "$set" fallen < <("$hiphop" evaluate "${files[@]}" --model network --protocol paper "${told[@]}" \
        --set=network.{global,local,votes,similar,gate}=1)
    shuffled "$train" >"$scratch/train.txt"
    shuffled "$test" >"$scratch/test.txt"
    note "$set" shuffled < <("$hiphop" evaluate --train "$scratch/train.txt" --test "$scratch/test.txt" --model hiphop \
        --set network.on=0)
done
[ ${#columns[@]} -gt 0 ] || exit 0

# row LABEL ROW
row() {
    printf '| %s |' "$1"
    for column in "${columns[@]}"; do
        printf ' %s |' "${cell["$2 $column"]:-}"
    done
    echo
}

echo
printf '| |'
printf ' %s |' "${columns[@]}"
printf '\n| --- |'
printf ' --- |%.0s' "${columns[@]}"
echo
for model in ${models//,/ }; do
    row "\`$model\`" "$model"
done
row "\`hiphop\` without network" alone
row "\`hiphop\` without network, scored test sessions in memory" prequential
row "\`hiphop\` without network, clicks shuffled inside sessions" shuffled
row "\`lookup\`, \`--protocol paper\`: **leaks, not comparable**" leaking
row "\`network\` with neighbours, \`--protocol paper\`: **leaks, not comparable**" fallen
