# shellcheck shell=bash disable=SC2034,SC2317
# Checks of systemd.sh and compose.sh, and what both ask hiphopd on its port.
failed=0
# hold WHAT COMMAND...: it must succeed, else the script's end is a failure.
hold() {
    if "${@:2}" >/dev/null; then echo "ok     $1"; else failed=1 && echo "FAILED $1"; fi
}
# within SECONDS COMMAND...: until it succeeds.
within() {
    local end=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}
is_ready() { curl -fs http://127.0.0.1:9464/ready >/dev/null; }
count() { curl -fs http://127.0.0.1:9464/metrics | sed -n "s/^$1 //p"; } # METRIC
reached() { [ "$(count "$1")" -ge "$2" ]; }                              # METRIC NUMBER
