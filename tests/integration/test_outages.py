"""The long ones of exactly-once: an outage longer than Kafka's patience, and three daemons and a broker that die at
random, over and over. Traffic and oracle are those of test_exactly_once.py."""

import random
import time

import pytest
from harness import LONG, wait_until
from test_exactly_once import ANY, DELIVERIES, Stage

pytestmark = pytest.mark.skipif(not LONG, reason="minutes: only with ./dev test --long")


@DELIVERIES
def test_an_outage_longer_than_any_timeout(own_kafka, hiphopd, delivery):
    """Transactions time out and the group forgets its members; the daemon neither spins nor ends."""
    stage = Stage(own_kafka, seed=14).feed(seconds=70)
    daemon = hiphopd(stage.kafka, stage.options("a", **{"pipeline.delivery": delivery})).ready()
    time.sleep(5)
    own_kafka.kill()
    wait_until(lambda: daemon.get("/ready")[0] == 503, 60, "not ready without a broker")
    before = daemon.processor_time()
    time.sleep(70)  # a worker may wait in librdkafka for as long as this: it is not to be taken for stuck
    assert daemon.processor_time() - before < 10
    assert daemon.get("/health")[0] == 200 and daemon.get("/ready")[0] == 503
    own_kafka.start()
    daemon.ready()
    stage.check(timeout=180, twice=ANY if delivery == "at-least-once" else 0)
    assert daemon.stop() == 0


def test_everybody_dies_at_random(own_kafka, hiphopd):
    draw = random.Random(99)
    stage = Stage(own_kafka, seed=77).feed(seconds=75)
    daemons = [hiphopd(own_kafka, stage.options(name, **{"pipeline.workers": 2}), name=name) for name in ("a", "b", "c")]
    deaths_of_brokers = 0
    end = time.monotonic() + 75
    while time.monotonic() < end:
        time.sleep(draw.uniform(0.5, 4))
        dice, daemon = draw.random(), draw.choice(daemons)
        if dice < 0.5:
            daemon.kill()
            time.sleep(draw.choice([0, 0, 1, 5]))
            daemon.start()
        elif dice < 0.8:
            assert daemon.stop() == 0
            time.sleep(draw.choice([0, 0, 12]))  # 12 s: the others take its partitions over
            daemon.start()
        elif deaths_of_brokers < 3:
            deaths_of_brokers += 1
            own_kafka.kill()
            time.sleep(draw.choice([0.5, 12]))
            own_kafka.start()
    stage.check(timeout=240)
    for daemon in daemons:
        assert daemon.stop() == 0
