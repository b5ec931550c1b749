#!/usr/bin/env bash
# The table of docs/benchmarks.md on training as the stream goes: HR@20/MRR@20 in per cent of a network that is left as it
# was at half of the log, where the targets begin (and not judged), and of one that is trained on daily, every six hours, hourly; with
# the gate and without. For each data set under $HIPHOP_DATA (SET/clicks.tsv.gz); sets can be named: bench/stream.sh globo.
# An hourly network is trained a hundred times and more, so of a large log there is a sample: every SAMPLE-th visitor, all of his
# clicks, with a window and a training that are as much smaller. SAMPLE=1 bench/stream.sh globo takes all: hours of CPU.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
hiphop=build/release/bin/hiphop
data=${HIPHOP_DATA:-data}
declare -A options=([globo]="--hide-session-items")
declare -A sample=([globo]=${SAMPLE:-16} [rsc15_sample]=${SAMPLE:-1})
# Of the window's clicks, and of a training's, in a whole log; the smaller one is learned in fewer epochs.
declare -A told=([globo]="clicks=400000 learned=1000000" [rsc15_sample]="clicks=400000 learned=100000")
models=graph,network,mixture,hiphop
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Each N-th visitor in the order of their first clicks: a sample of visitors, whose days are as they were.
visitors() {
    zcat -f "$1" | awk -F'\t' -v n="$2" 'NR == 1 { print; next }
        !($1 in kept) { kept[$1] = ++seen % n == 0 }
        kept[$1]'
}

# run LABEL OPTION...: a row of the table.
run() {
    local label=$1 model hr20 mrr20 line trained="-" promoted="-"
    declare -A cell
    while read -r line; do
        if [[ $line =~ ^([0-9]+)\ trainings,\ ([0-9]+)\ promoted ]]; then
            trained=${BASH_REMATCH[1]} promoted=${BASH_REMATCH[2]}
            continue
        fi
        read -r model _ _ hr20 mrr20 _ <<<"$line"
        [[ $hr20/$mrr20 =~ ^[0-9.]+/[0-9.]+$ ]] && cell["$model"]=$(printf '%.1f / %.1f' "$hr20" "$mrr20")
    done < <("$hiphop" evaluate --clicks "$scratch/clicks.tsv" --model "$models" "${common[@]}" "${@:2}" 2>>"$scratch/log")
    [ -n "${cell[hiphop]:-}" ] || { tail -n 1 "$scratch/log" >&2; exit 1; }
    [ -n "${graph:-}" ] || printf '| %s | %s | %s | %s | %s |\n' "graph alone" "-" "${cell[graph]}" "-" "-"
    graph=shown
    printf '| %s | %s | %s | %s | %s of %s |\n' "$label" "${cell[network]}" "${cell[mixture]}" "${cell[hiphop]}" \
        "$promoted" "$trained"
}

sets=("$@")
[ ${#sets[@]} -gt 0 ] || sets=(globo rsc15_sample)
for set in "${sets[@]}"; do
    clicks=$data/$set/clicks.tsv.gz
    if [ ! -f "$clicks" ]; then
        echo "$set: skipped: no data ($clicks)"
        continue
    fi
    n=${sample[$set]:-1}
    visitors "$clicks" "$n" >"$scratch/clicks.tsv"
    read -ra common <<<"${options[$set]:-}"
    for setting in ${told[$set]:-}; do
        common+=(--set "training.${setting%=*}=$((${setting#*=} / n))")
    done
    graph=
    printf '\n%s, every visitor of %s: %s clicks; %s\n\n' "$set" "$n" "$(($(wc -l <"$scratch/clicks.tsv") - 1))" "${common[*]}"
    # shellcheck disable=SC2016 # backticks of Markdown
    printf '| | `network` | `mixture` | `hiphop` | promoted |\n| --- | --- | --- | --- | --- |\n'
    run "hiphop without a network" --set network.on=0 --train-every 24h
    run "left as it was" --train-every 24h --train-until 0.5 --gate off
    for every in 24h 6h 1h; do
        for gate in on off; do
            run "every $every, gate $gate" --train-every "$every" --gate "$gate"
        done
    done
done
