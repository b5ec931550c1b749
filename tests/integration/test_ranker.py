"""The ranker in hiphopd: learned from the clicks, used for the lists, learned anew after a restart, and never ahead of the
click that it answers."""
import json
import random
import time

import confluent_kafka
import harness
import pytest
from confluent_kafka import TopicPartition

MINUTE = 60_000
SESSIONS = 1500
# Whoever clicks a<n> clicks it again or goes on to b<n>, then to c<n>, now and then to d<n>.
GROUPS = 40


def clicks_of(begin, sessions=SESSIONS, seed=1):
    """Sessions of three clicks on one of 40 groups of items, a second between clicks, half a second between sessions."""
    draw = random.Random(seed)
    clicks = []
    for number in range(sessions):
        group, start = draw.randrange(GROUPS), begin + number * 500
        for step, kind in enumerate(("a", draw.choice("ab"), draw.choice("ccccd"))):
            clicks.append((f"v{seed}-{number}", f"{kind}{group}", start + step * 1000))
    return sorted(clicks, key=lambda click: click[2])


def stage(kafka):
    """One partition, so that the keeper learns in the same order each time."""
    names = {**harness.own_names(), "session.idle_timeout": "0", "topics.partitions": 1, "recommend.max_age": 0}
    return names, kafka.topic(names["topics.clicks"], partitions=1)


def begin_at_end(kafka, group, topic):
    """The group's workers begin where the topic ends now; the graph reads all of it."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.brokers, "group.id": group})
    end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)[1]
    consumer.commit(offsets=[TopicPartition(topic, 0, end)], asynchronous=False)
    consumer.close()


def lists_of(kafka, names, count):
    """{(visitor, position): [(item, score)]}, each click answered exactly once."""
    found = {}
    for record in kafka.wait(names["topics.recommendations"], count):
        one = json.loads(record.value)
        assert found.setdefault((one["visitor"], one["position"]), one) is one, "a click is answered once"
    assert len(found) == count
    return {key: [(item["item"], item["score"]) for item in one["items"]] for key, one in found.items()}


def position(kafka, names):
    return kafka.committed(names["kafka.group"], names["topics.clicks"])[0][0]


def learned(daemon):
    return harness.wait_until(lambda: daemon.metrics()["hiphop_ranker_lessons_total"] > 2000 and daemon.metrics(), 30,
                              "the ranker's lessons")


def test_it_is_learned_used_and_learned_again_after_a_restart(kafka, hiphopd):
    names, clicks = stage(kafka)
    begin = int(time.time() * 1000) - 60 * MINUTE
    kafka.produce_clicks(clicks, clicks_of(begin))
    begin_at_end(kafka, names["kafka.group"], clicks)
    daemon = hiphopd(kafka, names).ready()
    seen = learned(daemon)
    assert seen["hiphop_ranker_active"] == 1, seen
    better = [seen[f'hiphop_ranker_{figure}20{{order="{order}"}}'] for order in ("ranker", "mixture")
              for figure in ("hr", "mrr")]
    assert better[0] + better[1] > better[2] + better[3], better
    assert daemon.log_text().count("the ranker is better than the mixture: it makes the lists") == 1
    later = clicks_of(begin + 30 * MINUTE, sessions=60, seed=2)
    kafka.produce_clicks(clicks, later[:90])
    lists_of(kafka, names, 90)
    assert daemon.stop() == 0
    assert position(kafka, names) == 3 * SESSIONS + 90
    daemon.start().ready()
    assert learned(daemon)["hiphop_ranker_active"] == 1
    kafka.produce_clicks(clicks, later[90:])
    assert all(len(answer) == 20 for answer in lists_of(kafka, names, 180).values())
    assert daemon.stop() == 0
    assert position(kafka, names) == 3 * SESSIONS + 180


def test_switched_off_there_is_none(kafka, hiphopd):
    names, clicks = stage(kafka)
    kafka.produce_clicks(clicks, clicks_of(1_700_000_000_000))
    begin_at_end(kafka, names["kafka.group"], clicks)
    daemon = hiphopd(kafka, {**names, "recommend.ranker": False}).ready()
    time.sleep(1)  # metrics are set twice a second
    seen = daemon.metrics()
    assert seen["hiphop_ranker_lessons_total"] == 0 and "hiphop_ranker_active" not in seen
    assert seen['hiphop_mixture_weight{expert="pop_long"}'] < 0.02, "the mixture is taught all the same"
    assert daemon.stop() == 0


def answers_before(kafka, hiphopd, planted):
    """The lists of 100 sessions, made when the keeper already knows them and `planted`."""
    names, clicks = stage(kafka)
    begin = 1_700_000_000_000
    kafka.produce_clicks(clicks, clicks_of(begin))
    begin_at_end(kafka, names["kafka.group"], clicks)
    asked = clicks_of(begin + 15 * MINUTE, sessions=100, seed=2)
    kafka.produce_clicks(clicks, asked + planted)
    daemon = hiphopd(kafka, names).ready()
    assert learned(daemon)["hiphop_ranker_active"] == 1
    lists = lists_of(kafka, names, len(asked) + len(planted))
    assert daemon.stop() == 0
    return {key: answer for key, answer in lists.items() if key[0].startswith("v2-")}


def same(one, other):
    """But for the last bits of popularity (docs/decisions/0006-graph-as-of.md), and who is first where they decide."""
    return [item for item, _ in one[:3]] == [item for item, _ in other[:3]] and \
        [score for _, score in one] == pytest.approx([score for _, score in other], rel=1e-4)


def test_what_is_clicked_later_changes_no_list(kafka, hiphopd):
    """The keeper has read to the end before a worker answers the first click, so it has learned all of the future."""
    now = answers_before(kafka, hiphopd, [])
    future = [(f"w{n}", f"{kind}{n % GROUPS}", 1_700_000_000_000 + 30 * MINUTE + n * 500 + step * 200)
              for n in range(1500) for step, kind in enumerate("adb")]
    then = answers_before(kafka, hiphopd, future)
    assert then.keys() == now.keys()
    changed = [(key, now[key], then[key]) for key in now if not same(now[key], then[key])]
    assert not changed, f"{len(changed)} of {len(now)} lists, as {changed[0]}"
