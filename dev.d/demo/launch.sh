# shellcheck shell=bash source=dev.d/common.sh
# An item is launched: only its record comes, no click. Whoever clicks what is like it must be offered it, and whoever
# has quite another taste must not; else the demo fails. Uses what demo.sh has: $data, $run, $brokers, $shown, metric, scrape, alive.

launch_of_film() {
    launched='{"id": "made-up", "title": "Star Trek: The Last Tribble (1998)", "genres": ["Action", "Adventure", "Sci-Fi"]}'
    launch "a film that we made up" trekkie "449 450" romantic "275 283"
}

launch_in_shop() {
    launched='{"id": "made-up", "title": "Trail bamboo tent Hihopo", "category": "Camping"}'
    launch "a tent that we made up" camper "i1903 i203" parent "i804 i204"
}

# announce FILE: items to the topic of items, and no click.
announce() {
    printf 'visitor\titem\tunix_ms\n' >"$run/none"
    hiphop replay --quiet --clicks "$run/none" --items "$1" --brokers "$brokers"
}

# await NAME LABEL N WHAT: until the metric is N or more.
await() {
    local tries=0
    until scrape && [ "$(metric "$1" "$2")" -ge "$3" ]; do
        alive
        [ $((tries += 1)) -lt 300 ] || die "demo: $4 did not come within half a minute"
        sleep 0.1
    done
}

# launch WHAT FAN ITEMS OTHER ITEMS: the fan clicks items that are like $launched, the other visitor none.
launch() {
    local what=$1 fan=$2 other=$4 title taken answered rank where
    title=${launched#*\"title\": \"}
    title=${title%%\"*}
    taken=$(wc -l <"$data/items.jsonl")
    await hiphop_item_vectors_total '"taken"' "$taken" "what the items are"
    say "A launch: \"$title\", $what. No click on it, only this record on the topic of items:"
    say "  $launched"
    say
    printf '%s\n' "$launched" >"$run/launched"
    announce "$run/launched"
    await hiphop_item_vectors_total '"taken"' $((taken + 1)) "what the launched item is"

    answered=$(metric hiphop_recommendations_total)
    # shellcheck disable=SC2086
    { printf "$fan\t%s\n" $3 && printf "$other\t%s\n" $5; } |
        awk -v last="$(tail -n 1 "$data/clicks.tsv" | cut -f 3)" 'BEGIN { print "visitor\titem\tunix_ms" }
            { printf "%s\t%.0f\n", $0, last + 60000 + 5000 * NR }' >"$run/clicks"
    hiphop replay --quiet --clicks "$run/clicks" --brokers "$brokers"
    await hiphop_recommendations_total '' $((answered + $(wc -l <"$run/clicks") - 1)) "an answer"

    show_last_list "$fan" "$title" 5
    rank=$(rank_in_list "$title")
    [ -n "$rank" ] || fail "\"$title\" is not in the list of $fan"
    grep -F "$title" "$run/list" | grep -qF 'its description is like that of ' ||
        fail "\"$title\" is in the list of $fan, but not for its description"
    show_last_list "$other" "$title" 3
    rank=$(rank_in_list "$title")
    [ "${rank:-21}" -gt 10 ] || fail "\"$title\" is offered to $other as well, at rank $rank"
    where=${rank:+at rank $rank in}
    say "It is ${where:-not in} the list of $other, who has another taste."
}

# show_last_list VISITOR TITLE N: the head of the visitor's last list, its first N items, and that of the title
# wherever it is. All of the list is in $run/list then.
show_last_list() {
    hiphop watch --brokers "$brokers" --items-topic items --from-beginning --visitor "$1" --top 20 |
        awk -v RS= '{ last = $0 } END { print last }' | grep -v '^    [✓✗] ' >"$run/list"
    awk -v title="$2" -v most="$3" -v lit="${shown:+\033[32m}" -v plain="${shown:+\033[0m}" '
        NR > 1 && index($0, title) { if (NR > most + 2) print "     …"; print lit $0 plain; next }
        NR <= most + 1 { print }
        END { print "" }' "$run/list"
}

rank_in_list() { awk -v title="$1" 'NR > 1 && index($0, title) { print $1 }' "$run/list"; }

fail() {
    [ ! -t 2 ] || printf '\033[31m' >&2
    printf 'the launch has failed: %s\n' "$1" >&2
    [ ! -t 2 ] || printf '\033[0m' >&2
    exit 1
}
