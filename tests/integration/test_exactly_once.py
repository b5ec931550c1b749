"""Nothing lost, nothing twice: 100,000 clicks, out of order, late, duplicated and malformed, over four partitions, while
daemons and brokers come, go and die; every record that is published held against the oracle."""

import os
import random
import threading
import time
import uuid
from collections import Counter

import confluent_kafka
import oracle
import pytest
import traffic
from harness import BIN, LONG, wait_until

COUNT = 100_000
START = 1_700_000_000_000
KILLS = 60 if LONG else 20
SLOW_POLL = os.path.join(BIN, "slow_poll.so")  # tests/integration/slow_poll.c


class Stage:
    """A topic set of its own on a broker, the traffic that flows into it, and what must come out of it."""

    def __init__(self, kafka, seed):
        self.kafka, self.seed = kafka, seed
        self.name = f"x{uuid.uuid4().hex[:6]}"
        self.clicks = kafka.topic(f"{self.name}.clicks", partitions=traffic.PARTITIONS)
        self.out = {what: f"{self.name}.{what}" for what in ("recommendations", "sessions", "dead")}
        self.feeder = None
        self.failure = None

    def options(self, instance, **more):
        return {
            "instance.id": f"{self.name}-{instance}",
            "kafka.brokers": self.kafka.brokers,
            "kafka.group": self.name,
            "topics.clicks": self.clicks,
            "topics.items": "",
            "topics.models": f"{self.clicks}.models",
            "topics.quality": f"{self.clicks}.quality",
            "topics.embeddings": f"{self.clicks}.embeddings",
            "topics.recommendations": self.out["recommendations"],
            "topics.sessions": self.out["sessions"],
            "topics.dead_letters": self.out["dead"],
            "session.gap": f"{traffic.GAP}ms",
            "session.lateness": f"{traffic.LATENESS}ms",
            "session.max_duration": "2m",
            "session.max_clicks": 50,
            "session.idle_timeout": "0s",
            "recommend.k": 5,
            **more,
        }

    def feed(self, seconds):
        """Starts to write the traffic, spread over about so many seconds."""

        def run():
            try:
                producer = confluent_kafka.Producer(
                    {"bootstrap.servers": self.kafka.brokers, "enable.idempotence": True, "linger.ms": 5}
                )
                begin = time.monotonic()
                for number, (partition, key, value) in enumerate(traffic.traffic(COUNT, self.seed, START)):
                    producer.produce(self.clicks, value, key, partition=partition)
                    producer.poll(0)
                    if number % 500 == 0:
                        time.sleep(max(0.0, begin + seconds * number / COUNT - time.monotonic()))
                for partition, key, value in traffic.flush(START + 90 * 86_400_000):
                    producer.produce(self.clicks, value, key, partition=partition)
                assert producer.flush(120) == 0
            except BaseException as error:  # shown by the test's own thread
                self.failure = error

        self.feeder = threading.Thread(target=run, daemon=True)
        self.feeder.start()
        return self

    def feeding(self):
        assert self.failure is None, self.failure
        return self.feeder.is_alive()

    def expected(self):
        self.feeder.join(120)
        assert not self.feeding()
        log = {number: [] for number in range(traffic.PARTITIONS)}
        for record in self.kafka.read(self.clicks):
            log[record.partition].append((record.offset, record.value))
        rules = oracle.Rules(
            gap=traffic.GAP, lateness=traffic.LATENESS, max_duration=120_000, max_clicks=50
        )
        return oracle.expect(log, rules, int(time.time() * 1000))

    def ends(self, topic):
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.kafka.brokers, "group.id": "ends"})
        try:
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            return sum(
                consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, number), timeout=30)[1]
                for number in partitions
            )
        finally:
            consumer.close()

    def published(self):
        """What a read_committed consumer sees, in the oracle's terms."""
        out = oracle.Expected()
        for record in self.kafka.read(self.out["sessions"]):
            session = oracle.json.loads(record.value)
            assert record.key == session["visitor"].encode() and record.timestamp == session["end"]
            out.sessions[
                (
                    session["session_id"],
                    session["visitor"],
                    session["close_reason"],
                    tuple((click["item"], click["timestamp"]) for click in session["clicks"]),
                )
            ] += 1
        for record in self.kafka.read(self.out["recommendations"]):
            answer = oracle.json.loads(record.value)
            assert record.key == answer["visitor"].encode() and record.timestamp == answer["timestamp"]
            assert record.headers["model_version"].decode() == str(answer["model_version"])
            assert len(answer["items"]) <= 5
            out.answers[
                (
                    answer["session_id"],
                    answer["visitor"],
                    answer["clicked_item"],
                    answer["timestamp"],
                    answer["position"],
                )
            ] += 1
        for record in self.kafka.read(self.out["dead"]):
            headers = record.headers
            assert headers["__connect.errors.topic"] == self.clicks.encode()
            out.dead[
                (
                    int(headers["__connect.errors.partition"]),
                    int(headers["__connect.errors.offset"]),
                    headers["__connect.errors.exception.class.name"].decode(),
                    record.value,
                )
            ] += 1
        return out

    def is_done(self):
        """Whether the group has committed the log to its end."""
        positions = self.kafka.committed(self.name, self.clicks)
        return sum(offset for offset, _ in positions.values()) == self.ends(self.clicks)

    def check(self, timeout=120, twice=0):
        """Waits until the output stands still at the expected size, then compares every record. twice: how many
        records may be there twice."""
        want = self.expected()
        assert want.open == traffic.PARTITIONS and sum(want.answers.values()) > 0.9 * COUNT
        for reason in ("gap", "max_clicks", "max_duration"):
            assert any(session[2] == reason for session in want.sessions), f"the traffic must try {reason}"
        for reason in ("late", "future", "malformed", "empty"):
            assert any(letter[2] == reason for letter in want.dead), f"the traffic must try {reason}"

        total = sum(sum(part.values()) for part in (want.sessions, want.answers, want.dead))
        deadline = time.monotonic() + timeout
        seen = -1
        while time.monotonic() < deadline:
            now = sum(self.ends(topic) for topic in self.out.values())
            # Transaction markers count too, and what is there twice: so where it stands still.
            if now >= total and now == seen and self.is_done():
                break
            seen = now
            time.sleep(1)
        time.sleep(1)
        got = self.published()
        twice_there = 0
        for name in ("sessions", "answers", "dead"):
            lost, extra = getattr(want, name) - getattr(got, name), getattr(got, name) - getattr(want, name)
            if twice:
                again = Counter({record: count for record, count in extra.items() if record in getattr(want, name)})
                extra -= again
                twice_there += sum(again.values())
            assert not lost and not extra, (
                f"{name}: {sum(lost.values())} lost, {sum(extra.values())} too many of "
                f"{sum(getattr(want, name).values())}; lost {some(lost)}; too many {some(extra)}"
            )
        assert twice_there <= twice, f"{twice_there} records are there twice"


def some(counter: Counter):
    return sorted(counter.items(), key=str)[:3]


DELIVERIES = pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
ANY = 10**9  # of what is there twice


@DELIVERIES
def test_one_daemon(kafka, hiphopd, delivery):
    stage = Stage(kafka, seed=1).feed(seconds=5)
    daemon = hiphopd(stage.kafka, stage.options("a", **{"pipeline.delivery": delivery, "pipeline.workers": 2})).ready()
    stage.check(twice=COUNT // 100 if delivery == "at-least-once" else 0)
    assert daemon.stop() == 0


@DELIVERIES
def test_two_daemons_joining_and_leaving(kafka, hiphopd, delivery):
    """Nobody dies, so that at least once, too, hardly anything may be there twice: going back to the last commit even
    once would be thousands."""
    stage = Stage(kafka, seed=2).feed(seconds=30)
    more = {"pipeline.delivery": delivery}
    first = hiphopd(stage.kafka, stage.options("a", **more), name="first").ready()
    time.sleep(4)
    second = hiphopd(stage.kafka, stage.options("b", **more), name="second").ready()
    time.sleep(5)
    assert first.stop() == 0
    time.sleep(4)
    first.start().ready()
    time.sleep(4)
    assert second.stop() == 0
    stage.check(twice=500 if delivery == "at-least-once" else 0)


@pytest.mark.parametrize("delivery", ["exactly-once"] + (["at-least-once"] if LONG else []))
@pytest.mark.skipif(not os.path.exists(SLOW_POLL), reason="a sanitizer's runtime must be the first that is preloaded")
def test_many_rebalances_under_a_slow_worker(kafka, hiphopd, delivery):
    """Somebody who wants another topic joins the group and leaves it: nothing changes hands, but each time the worker
    finds a rebalance and clicks in its queue together, and begins anew where it had committed."""
    stage = Stage(kafka, seed=8).feed(seconds=25)
    other = stage.kafka.topic(partitions=1)
    options = stage.options("a", **{"pipeline.delivery": delivery, "kafka.properties": ["heartbeat.interval.ms=500"]})
    daemon = hiphopd(stage.kafka, options, environment={"LD_PRELOAD": SLOW_POLL}).ready()
    while stage.feeding():
        stranger = confluent_kafka.Consumer(
            {
                "bootstrap.servers": stage.kafka.brokers,
                "group.id": stage.name,
                "partition.assignment.strategy": "cooperative-sticky",
                "heartbeat.interval.ms": 500,
            }
        )
        stranger.subscribe([other])
        for _ in range(10):
            stranger.poll(0.1)
        stranger.close()
        time.sleep(0.6)
    assert daemon.metrics()["hiphop_rebalances_total"] > 10
    stage.check(twice=ANY if delivery == "at-least-once" else 0)
    assert daemon.stop() == 0


@DELIVERIES
def test_kill_9_at_random_moments(kafka, hiphopd, delivery):
    draw = random.Random(3)
    kills = KILLS if delivery == "exactly-once" else KILLS // 2
    stage = Stage(kafka, seed=3).feed(seconds=2 * kills)
    daemon = hiphopd(stage.kafka, stage.options("a", **{"pipeline.delivery": delivery}))
    for _ in range(kills):
        time.sleep(draw.uniform(0.2, 2.5))
        daemon.kill()
        daemon.start()
    daemon.ready()
    stage.check(twice=ANY if delivery == "at-least-once" else 0)
    assert daemon.stop() == 0


@DELIVERIES
def test_a_broker_is_killed_and_comes_back(own_kafka, hiphopd, delivery):
    stage = Stage(own_kafka, seed=4).feed(seconds=20)
    daemon = hiphopd(stage.kafka, stage.options("a", **{"pipeline.delivery": delivery})).ready()
    time.sleep(4)
    own_kafka.kill()
    time.sleep(3)
    own_kafka.start()
    stage.check(timeout=180, twice=ANY if delivery == "at-least-once" else 0)
    assert daemon.stop() == 0


def test_sigterm_and_start_again(kafka, hiphopd):
    stage = Stage(kafka, seed=5).feed(seconds=12)
    daemon = hiphopd(stage.kafka, stage.options("a")).ready()
    for _ in range(4):
        time.sleep(2)
        begin = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begin < 5
        daemon.start().ready()
    stage.check()


@DELIVERIES
def test_sigterm_when_no_broker_answers(own_kafka, hiphopd, delivery):
    stage = Stage(own_kafka, seed=6).feed(seconds=1)
    daemon = hiphopd(stage.kafka, stage.options("a", **{"pipeline.delivery": delivery})).ready()
    own_kafka.kill()
    wait_until(lambda: daemon.get("/ready")[0] == 503, 30, "not ready without a broker")
    begin = time.monotonic()
    daemon.stop()
    assert time.monotonic() - begin < 5
