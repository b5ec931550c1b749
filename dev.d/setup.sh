# shellcheck shell=bash
#: setup [GROUP...]     installs what all commands need, so that they work offline from then on
#:
#: The packages stand by group in dev.d/packages; with GROUP only these are installed. Kafka, which comes from
#: Maven into build/kafka/lib, belongs to the group kafka.
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
