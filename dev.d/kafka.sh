# shellcheck shell=bash source=dev.d/common.sh
#: kafka start|stop     an Apache Kafka of one node on loopback, for tests, benches and trying things
#:
#: kafka start [--port N] [--data DIR] [--heap SIZE] [--set KEY=VALUE]... [--owner PID]
#:   Returns when the broker takes clients, and ends in the line "brokers=127.0.0.1:N data=DIR pid=N".
#:   --port N         default: the port that DIR had before, else a free one
#:   --data DIR       where topics and log (DIR/broker.log) live; kept by stop, and starting again with it
#:                    finds the topics. Default: a directory of its own that stop removes
#:   --heap SIZE      memory of the broker (256m; 1g for benches)
#:   --set KEY=VALUE  a line for server.properties, repeatable
#:   --owner PID      the broker ends when this process does
#: kafka stop [--port N | --data DIR]
#:   Stops that broker; without either, every broker that was started from this tree. Never anything else.
#:
#: KAFKA_JAVA_OPTIONS is added to the broker's Java options.
#: Topics are kept for ever (no retention by time), so that clicks of years ago can be replayed.
. dev.d/kafka/fetch.sh
registry=build/kafka/running # one file per running broker, named by port, holding its data directory

# The process of the broker in directory $1, or nothing. It names its own configuration on its command line, so
# a recycled process id is not mistaken for it.
pid_of() {
    local pid
    pid=$(cat "$1/kafka.pid" 2>/dev/null) || return 0
    if tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$1/server.properties"; then
        printf '%s' "$pid"
    fi
}

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which the system takes ports for outgoing connections.
free_port() { # [BUT]: not this one
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if [ "$port" != "${1:-}" ] && is_free $port && ! [ -e "$registry/$port" ]; then
            printf '%s' $port
            return
        fi
    done
}

# The Java of the broker, in the array `java`.
java_of() { # HEAP
    # shellcheck disable=SC2206
    java=(java -Xms64m "-Xmx$1" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ${KAFKA_JAVA_OPTIONS:-}
        -Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS
        -Dorg.slf4j.simpleLogger.showThreadName=false -cp 'build/kafka/lib/*')
}

write_properties() { # DIR PORT CONTROLLER_PORT
    local dir=$1 port=$2 controller=$3
    cat <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/topics
log.retention.ms=-1
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
EOF
}

# Waits until the broker with process $1 in directory $2 takes clients; fails when it has ended instead.
await() {
    local tries=0
    until grep -q 'Kafka Server started' "$2/broker.log"; do
        kill -0 "$1" 2>/dev/null || return 1
        [ $((tries += 1)) -lt 1200 ] || return 1
        sleep 0.1
    done
}

start() {
    local port='' dir='' heap=256m owner='' chosen='' settings=() pid java
    while [ $# -gt 0 ]; do
        [ $# -gt 1 ] || die "kafka start: $1 needs a value"
        case $1 in
        --port) port=$2 ;;
        --data) dir=$2 ;;
        --heap) heap=$2 ;;
        --set) settings+=("$2") ;;
        --owner) owner=$2 ;;
        *) die "kafka start: there is no option $1 (./dev help kafka)" ;;
        esac
        shift 2
    done
    need kafka
    fetch_kafka
    mkdir -p $registry
    if [ -z "$dir" ]; then
        dir=$(mktemp -d build/kafka/data.XXXXXX)
        : >"$dir/ephemeral"
    fi
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    [ -z "$(pid_of "$dir")" ] || die "a broker with this directory is running already: $(cat "$dir/broker")"
    [ -n "$port" ] || port=$(sed -n 's/.*:\([0-9]*\) data.*/\1/p' "$dir/broker" 2>/dev/null || true)
    [ -n "$port" ] || chosen=1

    for _ in 1 2 3 4 5; do
        [ -z "$chosen" ] || port=$(free_port)
        is_free "$port" || die "kafka start: port $port is taken"
        write_properties "$dir" "$port" "$(free_port "$port")" >"$dir/server.properties"
        [ ${#settings[@]} = 0 ] || printf '%s\n' "${settings[@]}" >>"$dir/server.properties"
        java_of "$heap"
        if [ ! -f "$dir/topics/meta.properties" ]; then
            "${java[@]}" kafka.tools.StorageTool format -c "$dir/server.properties" \
                --cluster-id="$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d =)" >"$dir/broker.log" 2>&1 ||
                { cat "$dir/broker.log" >&2 && die "Kafka's directory could not be made"; }
        fi
        # In a session of its own: Ctrl-C is for the tests, which stop their broker themselves.
        setsid "${java[@]}" kafka.Kafka "$dir/server.properties" </dev/null >"$dir/broker.log" 2>&1 &
        pid=$!
        printf '%s' $pid >"$dir/kafka.pid"
        printf 'brokers=127.0.0.1:%s data=%s pid=%s\n' "$port" "$dir" $pid >"$dir/broker"
        printf '%s' "$dir" >"$registry/$port"
        trap 'kill $pid; stop_one "$dir"; exit 130' INT TERM
        if await $pid "$dir"; then
            trap - INT TERM
            [ -z "$owner" ] || watch_owner "$owner" $pid "$dir"
            cat "$dir/broker"
            return
        fi
        trap - INT TERM
        stop_one "$dir"
        # Somebody else was quicker to take the port that we chose: choose another.
        { [ -n "$chosen" ] && grep -q 'Address already in use' "$dir/broker.log"; } || break
    done
    tail -n 30 "$dir/broker.log" >&2
    die "Kafka did not start; its log is $dir/broker.log"
}

watch_owner() { # OWNER PID DIR
    (
        while kill -0 "$1" 2>/dev/null; do
            [ "$(pid_of "$3")" = "$2" ] || exit 0 # stopped, or started again under another owner
            sleep 1
        done
        stop_one "$3"
    ) </dev/null >/dev/null 2>&1 &
}

stop_one() { # DIR
    local dir=$1 pid tries=0 file
    pid=$(pid_of "$dir")
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        while kill -0 "$pid" 2>/dev/null; do
            [ $((tries += 1)) -ne 200 ] || kill -9 "$pid" 2>/dev/null || true
            sleep 0.1
        done
    fi
    rm -f "$dir/kafka.pid"
    for file in "$registry"/*; do
        [ "$(cat "$file" 2>/dev/null)" != "$dir" ] || rm -f "$file"
    done
    [ ! -f "$dir/ephemeral" ] || rm -rf "$dir"
}

stop() {
    local dir file
    case ${1:-} in
    --port)
        dir=$(cat "$registry/${2:?kafka stop: --port needs a value}" 2>/dev/null) ||
            die "no broker on port $2 was started from this tree"
        stop_one "$dir"
        ;;
    --data)
        dir=$(cd "${2:?kafka stop: --data needs a value}" 2>/dev/null && pwd) || die "there is no directory $2"
        stop_one "$dir"
        ;;
    '')
        for file in "$registry"/*; do
            [ ! -f "$file" ] || stop_one "$(cat "$file")"
        done
        ;;
    *) die "kafka stop: there is no option $1 (./dev help kafka)" ;;
    esac
}

case ${1:-} in
start | stop) "$@" ;;
*) die "kafka start or kafka stop? (./dev help kafka)" ;;
esac
