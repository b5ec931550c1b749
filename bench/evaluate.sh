#!/usr/bin/env bash
# The prequential table of docs/evaluation.md: HR@20/MRR@20 in per cent of the graph and of the baselines, for
# each data set under $HIPHOP_DATA (SET/clicks.tsv.gz). Two columns a set: memory of every click, of closed
# sessions. Sets and their options can be named: bench/evaluate.sh globo. TUNE=60s adds what `hiphop tune`
# finds in that time.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
hiphop=build/release/bin/hiphop
data=${HIPHOP_DATA:-data}
models=pop,transitions,sr,vsknn,stan,vmis,mixture,hiphop

# What is asked of a set: a gap that fits its sessions; repeats of session items are no answer in news.
options_of() {
    case $1 in
    globo) echo "--hide-session-items" ;;
    wikispeedia) echo "--gap 24h" ;;
    eshop2008) echo "--gap 4h" ;;
    *) echo "" ;;
    esac
}

sets=("$@")
[ ${#sets[@]} -gt 0 ] || sets=(globo rsc15_sample wikispeedia eshop2008)
declare -A cell
columns=()

# note COLUMN: the rows of hiphop's table on standard input become cells, under an optional prefix.
note() {
    local model hr20 mrr20
    while read -r model _ _ hr20 mrr20 _; do
        [[ $hr20/$mrr20 =~ ^[0-9.]+/[0-9.]+$ ]] && cell["$model${2:-} $1"]=$(printf '%.1f/%.1f' "$hr20" "$mrr20")
    done
}

for set in "${sets[@]}"; do
    clicks=$data/$set/clicks.tsv.gz
    if [ ! -f "$clicks" ]; then
        echo "$set: skipped: no data ($clicks)"
        continue
    fi
    read -ra options <<<"$(options_of "$set")"
    for memory in click closed; do
        columns+=("$set,$memory")
        common=(evaluate --clicks "$clicks" --memory "$memory" "${options[@]}")
        note "$set,$memory" < <("$hiphop" "${common[@]}" --model "$models")
        note "$set,$memory" ,after-click < <("$hiphop" "${common[@]}" --model mixture --ask after-click)
    done
    if [ -n "${TUNE:-}" ]; then
        settings=()
        while read -r name equals value; do # the lines `name = value;` of the fragment, a text in quotes
            [ "$equals" != = ] || [ "$value" = "{" ] || settings+=(--set "graph.$name=$(tr -d '";' <<<"$value")")
        done < <("$hiphop" tune --clicks "$clicks" --budget "$TUNE" "${options[@]}" 2>/dev/null)
        for memory in click closed; do
            note "$set,$memory" ,tuned < <("$hiphop" evaluate --clicks "$clicks" --memory "$memory" --model mixture \
                "${options[@]}" "${settings[@]}")
        done
    fi
done
[ ${#columns[@]} -gt 0 ] || exit 0

echo
printf '| %-20s |' model
printf ' %s |' "${columns[@]}"
printf '\n| --- |'
printf ' --- |%.0s' "${columns[@]}"
echo
for model in ${models//,/ } mixture,tuned mixture,after-click; do
    [ "$model" != mixture,tuned ] || [ -n "${TUNE:-}" ] || continue
    printf '| %-20s |' "$model"
    for column in "${columns[@]}"; do
        printf ' %s |' "${cell["$model $column"]:-}"
    done
    echo
done
