# shellcheck shell=bash source=dev.d/common.sh
#: setup                installs everything that any command needs, so that all of them work offline
#:
#: The packages are listed by group in dev.d/packages. Kafka comes from Maven into build/kafka/lib.
need build kafka lint test fuzz
. dev.d/kafka/fetch.sh
fetch_kafka
