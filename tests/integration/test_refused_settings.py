"""Settings that only the brokers can refuse: the log and /ready say which, hiphopd waits, and goes on where it can."""
import time

import confluent_kafka
import harness
import pytest
from harness import wait_until


def says(daemon, sentence):
    wait_until(lambda: daemon.get("/ready") == (503, f"not ready: {sentence}\n"), 20, f"/ready with '{sentence}'")
    wait_until(lambda: sentence in daemon.log_text(), 10, f"'{sentence}' in the log")


@pytest.mark.parametrize("line,sentence", [
    ("session.timeout.ms=5000", "the brokers refuse session.timeout.ms in kafka.properties: theirs are "
                                "group.min.session.timeout.ms to group.max.session.timeout.ms"),
    ("transaction.timeout.ms=1000000", "the brokers refuse transaction.timeout.ms in kafka.properties: it is more than their "
                                       "transaction.max.timeout.ms")])
def test_a_time_that_the_brokers_do_not_take(kafka, hiphopd, line, sentence):
    daemon = hiphopd(kafka, {**harness.own_names(), "pipeline.workers": 1, "kafka.properties": [line]})
    says(daemon, sentence)
    before = daemon.processor_time()
    time.sleep(3)
    assert daemon.processor_time() - before < 1, "it asks again and again without a rest"
    assert daemon.stop() == 0


def test_a_group_of_somebody_else(kafka, hiphopd):
    names = harness.own_names()
    kafka.topic(names["topics.clicks"])
    other = confluent_kafka.Consumer({"bootstrap.servers": kafka.brokers, "group.id": names["kafka.group"],
                                      "partition.assignment.strategy": "range"})
    other.subscribe([names["topics.clicks"]])
    wait_until(lambda: other.poll(0.1) or other.assignment(), 20, "the other's assignment")
    daemon = hiphopd(kafka, names)
    says(daemon, f"the group {names['kafka.group']} has members that share partitions out in another way: if they are no "
                 "hiphopd, choose another kafka.group")
    other.close()
    daemon.ready(60)
    assert daemon.stop() == 0
