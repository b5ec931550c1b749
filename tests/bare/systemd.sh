#!/usr/bin/env bash
# systemd.sh: a Debian 12 that boots with systemd, in a container; in it what `cmake --install` puts down, with the unit
# as it is, beside a Kafka of this machine. Started, killed, hung, told nonsense, reloaded and stopped, as its operator
# would. Needs root, debootstrap, systemd-container, curl and what `./dev setup test` installs, and the port of the status
# page (9464) free.
#
# BARE_DIR says where the machine is made (default build/bare).
# shellcheck disable=SC2016,SC2317 # conditions are handed on, to be tried until they hold
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/bare/debian.sh
. tests/bare/hold.sh
[ "$(id -u)" = 0 ] || { echo "systemd.sh: containers need root" >&2 && exit 1; }
! (exec 3<>/dev/tcp/127.0.0.1/9464) 2>/dev/null || { echo "systemd.sh: port 9464 is taken" >&2 && exit 1; }
bare=${BARE_DIR:-build/bare}
mkdir -p "$bare"
bare=$(cd "$bare" && pwd)
base=$bare/systemd-base root=$bare/systemd
nspawn='' leader=''

on() { nsenter -t "$leader" -m -p -u -i -C -r -w -- "$@"; }

leave() {
    if [ -n "$leader" ]; then
        on systemctl poweroff || true
    elif [ -n "$nspawn" ]; then
        kill "$nspawn" || true
    fi
    [ -z "$nspawn" ] || wait "$nspawn" || true
    umount -l "$root/proc" 2>/dev/null || true
}
trap leave EXIT
leave # what an interrupted run has left

state() { on systemctl show hiphopd --property "$1" --value; } # PROPERTY
is() { [ "$(state "$1")" = "$2" ]; }                           # PROPERTY VALUE
said() { on journalctl --unit hiphopd --output cat "${@:2}" | grep -qE -- "$1"; } # PATTERN [OPTION OF journalctl...]
sandboxed() { # PID: neither root nor any capability
    [ "$(awk '/^Uid/ { print ($2 > 60000) }' "/proc/$1/status")" = 1 ] && grep -q '^CapEff:[[:space:]]0*$' "/proc/$1/status"
}
lists() { # how many lists there are for those who read what is committed
    /usr/bin/python3 - "$brokers" <<'END'
import sys
import confluent_kafka as k
consumer = k.Consumer({"bootstrap.servers": sys.argv[1], "group.id": "count", "isolation.level": "read_committed",
                       "enable.partition.eof": True})
topic = "hiphop.recommendations"
partitions = list(consumer.list_topics(topic, 10).topics[topic].partitions)
consumer.assign([k.TopicPartition(topic, p, k.OFFSET_BEGINNING) for p in partitions])
count, ends = 0, 0
while ends < len(partitions):
    message = consumer.poll(10)
    if message is None or message.error():
        assert message is not None and message.error().code() == k.KafkaError._PARTITION_EOF, message
        ends += 1
    else:
        count += 1
print(count)
END
}
settings() { # LINE...
    printf '%s\n' "kafka = { brokers = \"$brokers\"; };" "$@" >"$root/etc/hiphop/hiphopd.conf"
}

./dev build
debian "$base" systemd systemd-sysv dbus procps
rm -rf "$root"
cp -a --reflink=auto "$base" "$root"
cp /etc/resolv.conf "$root/etc/"
mount -t proc proc "$root/proc"
# shellcheck disable=SC2046
chroot "$root" apt-get install -y --no-install-recommends $(sed -n 's/^run: *//p' dev.d/packages) >"$bare/systemd.log" 2>&1 ||
    { tail "$bare/systemd.log" >&2 && exit 1; }
umount "$root/proc"
DESTDIR=$root cmake --install build/release --strip >>"$bare/systemd.log"
brokers=$(./dev kafka start --owner $$ | sed -n 's/^brokers=\([^ ]*\) .*/\1/p')

# Where systemd runs outside, too, the container gets a scope of it; else it stays in the group of this process.
alone=()
[ -d /run/systemd/system ] || alone=(--register=no --keep-unit)
systemd-nspawn "${alone[@]}" --quiet --directory "$root" --boot </dev/null >"$bare/boot.log" 2>&1 &
nspawn=$!
within 30 pgrep --parent $nspawn --exact systemd || { tail "$bare/boot.log" >&2 && exit 1; }
leader=$(pgrep --parent $nspawn --exact systemd)
booted() { [[ $(on systemctl is-system-running) == @(running|degraded) ]]; }
within 60 booted || { echo "systemd.sh: it does not come up: $(on systemctl is-system-running)" >&2 && exit 1; }

echo "== a setting that can't be"
settings 'recommend = { k = 0; };'
hold "start fails" eval '! on systemctl start hiphopd 2>/dev/null'
hold "with exit code 2" is ExecMainStatus 2
sleep 3
hold "and is not tried again" eval 'is ActiveState failed && is NRestarts 0'
hold "the journal says which" said 'recommend\.k' --priority err

echo "== started"
printf 'sk-test\n' >"$root/etc/hiphop/embeddings.key"
chmod 600 "$root/etc/hiphop/embeddings.key"
mkdir -p "$root/etc/systemd/system/hiphopd.service.d"
printf '%s\n' '[Service]' 'WatchdogSec=6' 'LoadCredential=embeddings:/etc/hiphop/embeddings.key' \
    >"$root/etc/systemd/system/hiphopd.service.d/test.conf"
on systemctl daemon-reload
# A learning one, whose endpoint of vectors nobody answers.
learning=('recommend = { max_age = "0"; };' 'training = { interval = "5s"; min_sessions = 200; };'
    'semantics = { provider = "http"; url = "http://127.0.0.1:9/v1/embeddings"; model = "none"; key_file = "embeddings"; };')
settings "${learning[@]}"
hold "start" on systemctl start hiphopd
hold "returns when lists can be made" is_ready
hold "active" is ActiveState active
hold "neither root nor capable of anything" sandboxed "$(pgrep --parent "$leader" --exact hiphopd)"
hold "its state for systemctl status" eval '[[ $(state StatusText) == *"lists written"* ]]'

echo "== at work"
hiphop=build/release/bin/hiphop
$hiphop simulate --brokers "$brokers" --items-topic items --rate 1000 --limit 6000 --speed 600 --quiet
hold "every click is answered" within 30 reached hiphop_recommendations_total 6000
hold "a network is trained and served" within 120 reached hiphop_model_version 1
hold "the endpoint's absence is a warning" within 60 said 'semantics|vectors' --priority warning..warning

echo "== reloaded"
settings "${learning[@]}" 'log = { level = "debug"; };'
hold "reload" on systemctl reload hiphopd
hold "is in the journal" within 10 said 'log.level is now debug'

echo "== killed"
on systemctl kill --signal KILL hiphopd
hold "started again" within 30 is NRestarts 1
hold "and ready" within 60 is_ready

echo "== hung"
$hiphop simulate --brokers "$brokers" --rate 1000 --limit 2000 --seed 2 --quiet &
sleep 1
on systemctl kill --signal STOP hiphopd
hold "the watchdog has it started again" within 30 is NRestarts 2
wait $!
hold "and ready" within 60 is_ready
hold "each of 8,000 clicks has one list" within 60 eval '[ "$(lists)" = 8000 ]'

echo "== stopped"
hold "stop" on systemctl stop hiphopd
hold "in good order" eval 'is Result success && is ExecMainStatus 0 && is ActiveState inactive'
exit $failed
