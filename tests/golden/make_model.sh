#!/usr/bin/env bash
# Makes a model file and the lists that it gives, for test_model_golden: tests/golden/make_model.sh HIPHOP VERSION
# Each format version has one pair of files, made when the version was new, and left alone: a file that was written
# once must always load, and recommend what it did.
set -euo pipefail
hiphop=$1
model=$(dirname "$0")/model-v$2.hiphop
lists=$(dirname "$0")/model-v$2.jsonl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for _ in 1 2 3 4 5 6 7 8; do
    printf '%s\n' 'bread butter jam bread' 'tea milk sugar' 'bread jam' 'coffee milk sugar tea' 'butter bread jam' 'käse bread'
done >"$work/breakfasts"
"$hiphop" train --train "$work/breakfasts" --out "$work/m" --keep-sessions --quiet --seed 5 --d 8 --positions 4 --epochs 20 \
    --batch 16 --held-out 0 --warm-up 5
cp "$work/m" "$model"
for session in 'bread' 'bread butter' 'coffee milk' 'tea bread tea jam bread butter' 'käse'; do
    # shellcheck disable=SC2086
    "$hiphop" recommend --model "$model" --k 9 --json $session
done >"$lists"
