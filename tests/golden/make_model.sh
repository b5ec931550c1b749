#!/usr/bin/env bash
# Makes model files and the lists that they give, for test_model_golden: tests/golden/make_model.sh HIPHOP VERSION
# Each format version has a pair of files, and a pair with fitted mixture and ranker, made when these were new, and left
# alone: a file that was written once must always load, and recommend what it did. (model-v1 was made before there was a
# fitted mixture: its lists are those of the network alone. Those of fitted-v1 were made anew, from the file as it was,
# when lists began to count for more what graph and network agree on, then with their scores scaled to shares, when the
# network began to count for half as much again, libhiphop/src/recommend/mix.h, and when pair began to go on,
# libhiphop/src/graph/onward.c.)
set -euo pipefail
hiphop=$(realpath "$1")
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for _ in 1 2 3 4 5 6 7 8; do
    printf '%s\n' 'bread butter jam bread' 'tea milk sugar' 'bread jam' 'coffee milk sugar tea' 'butter bread jam' 'käse bread'
done >"$work/breakfasts"
# NAME LIST train's options
make() {
    local model=tests/golden/$1.hiphop lists=tests/golden/$1.jsonl list=$2
    shift 2
    "$hiphop" train --train "$work/breakfasts" --out "$work/m" --quiet --seed 5 --d 8 --positions 4 --epochs 20 \
        --batch 16 --warm-up 5 "$@" >/dev/null
    cp "$work/m" "$model"
    for session in 'bread' 'bread butter' 'coffee milk' 'tea bread tea jam bread butter' 'käse'; do
        # shellcheck disable=SC2086
        "$hiphop" recommend --model "$model" --list "$list" --k 9 --json $session
    done >"$lists"
}
[ -e "tests/golden/model-v$2.hiphop" ] || make "model-v$2" network --held-out 0
[ -e "tests/golden/fitted-v$2.hiphop" ] || make "fitted-v$2" hiphop --held-out 0.5
