#!/usr/bin/env bash
# compose.sh: docker-compose.yml on a real Docker: the image is built, the three services come up healthy, lists are
# made and can be read from outside; then hiphopd is stopped and killed, and Kafka started again. Needs Docker, running,
# with its Compose, curl, root (it kills a process of the container's), and the ports of the file free. An image that is not
# there and can't be pulled is made here, and stays: debian:12-slim with debootstrap, Kafka's by tests/bare/kafka/.
#
# BARE_DIR says where that is done (default build/bare).
# shellcheck disable=SC2016,SC2317 # conditions are handed on, to be tried until they hold
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/bare/debian.sh
. tests/bare/hold.sh
bare=${BARE_DIR:-build/bare}
mkdir -p "$bare"
bare=$(cd "$bare" && pwd)

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose+=(--project-name hiphop-test)
leave() { "${compose[@]}" down --timeout 15 >"$bare/down.log" 2>&1; }
trap leave EXIT

container() { "${compose[@]}" ps --quiet "$1"; }                                     # SERVICE
healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")")" = healthy ]; } # SERVICE
state() { docker inspect --format "{{.State.$2}}" "$(container "$1")"; }             # SERVICE FIELD

./dev build
echo "== images"
have() { docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1; } # IMAGE
have debian:12-slim || {
    debian "$bare/image"
    tar -C "$bare/image" --exclude './var/cache/apt/archives/*.deb' -c . | docker import - debian:12-slim >/dev/null
}
have apache/kafka:4.1.1 || {
    ./dev setup kafka
    rm -rf "$bare/kafka"
    cp -r tests/bare/kafka "$bare/kafka"
    cp -r build/kafka/lib "$bare/kafka/lib"
    mvn -q -B dependency:copy -Dartifact=org.apache.kafka:kafka-tools:4.1.1 -DoutputDirectory="$bare/kafka/lib" </dev/null
    docker build --quiet --network host --tag apache/kafka:4.1.1 "$bare/kafka" >/dev/null
}
hold "the Dockerfile" docker build --quiet --network host --tag hiphop .

echo "== up"
hold "up" "${compose[@]}" up --detach --no-build
hold "Kafka is healthy" within 60 healthy kafka
hold "hiphopd is healthy" within 60 healthy hiphopd
hold "lists for the shop's clicks" within 60 reached hiphop_recommendations_total 500
hold "the status page, on loopback" curl -fs -o /dev/null http://127.0.0.1:9464/
hold "watch, in a container" eval '"${compose[@]}" run --rm shop watch --brokers kafka:9092 --limit 3 | grep "click "'
hold "watch, from outside" eval 'build/release/bin/hiphop watch --brokers localhost:29092 --limit 3 | grep "click "'

echo "== stopped, killed"
hold "stop" "${compose[@]}" stop hiphopd
hold "with exit code 0" eval '[ "$(state hiphopd ExitCode)" = 0 ]'
hold "start" "${compose[@]}" start hiphopd
hold "healthy again" within 60 healthy hiphopd
end() { local pid && pid=$(state hiphopd Pid) && [ "$pid" -gt 1 ] && kill -9 "$pid"; }
hold "killed" end
hold "started again when it is killed" within 30 eval '[ "$(docker inspect --format "{{.RestartCount}}" "$(container hiphopd)")" = 1 ]'
hold "healthy again" within 60 eval 'healthy hiphopd && is_ready'

echo "== Kafka gone and back"
hold "restart" "${compose[@]}" restart kafka
hold "healthy again" within 60 healthy kafka
hold "hiphopd is ready again" within 60 is_ready
before=$(count hiphop_recommendations_total || echo 0)
hold "and goes on" within 60 reached hiphop_recommendations_total $((before + 500))
exit $failed
