#!/usr/bin/env bash
# hiphopd and hiphop on a real Kafka: throughput, latency, replay, start-up. `./dev bench pipeline` runs it; the
# parts can be named: bash bench/pipeline.sh [replay] [throughput] [recommend] [latency] [training]
set -euo pipefail
cd "$(dirname "$0")/.."
exec /usr/bin/python3 -B bench/pipeline.py "$@"
