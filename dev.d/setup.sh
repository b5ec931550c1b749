# shellcheck shell=bash
#: setup [GROUP...]     installs what all commands need, so that they work offline from then on
#:
#: The packages stand by group in dev.d/packages; with GROUP only these are installed. Kafka, which comes from
#: Maven into build/kafka/lib, belongs to the group kafka; the demo's clicks to the group demo.
# Whatever has a group, but for `run`: that is for machines where nothing is built.
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(sed -n 's/^\([a-z]*\):.*/\1/p' dev.d/packages | sort -u | grep -v '^run$')
for group; do
    [ -n "$(packages "$group")" ] || die "setup: dev.d/packages has no group '$group'"
done
need "$@"
case " $* " in
*" kafka "*)
    . dev.d/kafka/fetch.sh
    fetch_kafka
    ;;
esac
case " $* " in
*" demo "*)
    if [ ! -f build/demo/movielens/clicks.tsv ]; then
        say "fetching the demo's clicks into build/demo/movielens"
        mkdir -p build/demo
        "$python" -B dev.d/demo/movielens.py build/demo/movielens 2>build/demo/fetch.log ||
            say "they can't be had now (build/demo/fetch.log); without them ./dev demo takes a synthetic shop"
    fi
    ;;
esac
