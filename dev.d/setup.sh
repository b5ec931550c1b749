# shellcheck shell=bash
#: setup [GROUP...]     installs what all commands need, so that they work offline from then on
#:
#: The packages stand by group in dev.d/packages; with GROUP only these are installed. Kafka, which comes from
#: Maven into build/kafka/lib, belongs to the group kafka.
[ $# -gt 0 ] || set -- build kafka lint test fuzz
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
