"""Topics that do not take every record: times that they refuse, also as of now; and records too large for them."""
import json
import time
import uuid

import harness
import pytest

DAY, MINUTE = 86_400_000, 60_000


def now():
    return int(time.time() * 1000)


@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
def test_times_that_the_topic_refuses(kafka, hiphopd, delivery):
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"])
    kafka.topic(names["topics.recommendations"], message_timestamp_before_max_ms=DAY,
                message_timestamp_after_max_ms=MINUTE)
    # The broker's time: limits are of no consequence.
    kafka.topic(names["topics.sessions"], message_timestamp_type="LogAppendTime", message_timestamp_before_max_ms=1)
    daemon = hiphopd(kafka, {**names, "pipeline.delivery": delivery}).ready()
    begin = now()
    times = {"old": begin - 2 * DAY, "new": begin - MINUTE, "ahead": begin + 4 * MINUTE}
    kafka.produce_clicks(clicks, [(visitor, "tea", when) for visitor, when in times.items()])
    records = kafka.wait(names["topics.recommendations"], 3)
    end = now()
    lists = {json.loads(record.value)["visitor"]: json.loads(record.value) for record in records}
    assert {visitor: one["timestamp"] for visitor, one in lists.items()} == times, "the list's own time is the click's"
    stamps = {record.key.decode(): record.timestamp for record in records}
    assert begin - DAY < stamps["old"] < end - DAY + 60 * MINUTE
    assert stamps["new"] == times["new"]
    assert begin < stamps["ahead"] <= end + MINUTE
    sessions = kafka.wait(names["topics.sessions"], 1)
    assert json.loads(sessions[0].value)["visitor"] == "old" and sessions[0].timestamp >= begin
    if delivery == "exactly-once":
        assert daemon.metrics()['hiphop_transactions_total{outcome="aborted"}'] == 0, "nothing was tried in vain"
    assert daemon.stop() == 0


@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
def test_times_that_the_topic_refuses_as_of_now(kafka, hiphopd, delivery):
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"])
    lists = kafka.topic(names["topics.recommendations"])
    daemon = hiphopd(kafka, {**names, "pipeline.delivery": delivery}).ready()
    begin = now()
    kafka.produce_clicks(clicks, [("older", "tea", begin - 3 * DAY)])
    assert kafka.wait(lists, 1)[0].timestamp == begin - 3 * DAY
    kafka.set_topic(lists, message_timestamp_before_max_ms=DAY)
    kafka.produce_clicks(clicks, [("old", "cup", begin - 2 * DAY)])
    records = kafka.wait(lists, 2)
    assert begin - DAY < records[-1].timestamp < now() - DAY + 60 * MINUTE
    assert json.loads(records[-1].value)["timestamp"] == begin - 2 * DAY
    assert "a topic refuses the time of a record" in daemon.log_text() and lists in daemon.log_text()
    assert daemon.stop() == 0


@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
def test_a_session_that_is_too_large_is_left_out_and_counted(kafka, hiphopd, delivery):
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"])
    kafka.topic(names["topics.sessions"], max_message_bytes=1000)
    daemon = hiphopd(kafka, {**names, "pipeline.delivery": delivery}).ready()
    begin = now() - 120 * MINUTE
    lost = 'hiphop_records_lost_total{topic="sessions"}'
    assert daemon.metrics()[lost] == 0
    large = [("large", uuid.uuid4().hex, begin + number) for number in range(100)]
    kafka.produce_clicks(clicks, [*large, ("small", "tea", begin + 100), ("last", "tea", begin + 110 * MINUTE)])
    harness.wait_until(lambda: daemon.metrics()[lost] == 1, 60, "the large session is counted")
    sessions = kafka.wait(names["topics.sessions"], 1)
    assert {json.loads(record.value)["visitor"] for record in sessions} == {"small"}
    assert "is lost" in daemon.log_text()
    # It goes on, and what is lost is lost once.
    kafka.produce_clicks(clicks, [("next", "tea", begin + 111 * MINUTE)])
    # At least once, lists before it may be there twice.
    harness.wait_until(lambda: {one["visitor"] for one in kafka.read_json(names["topics.recommendations"])} == {
        "large", "small", "last", "next"}, 60, "lists of all visitors")
    assert daemon.metrics()[lost] == 1
    assert sum(value for name, value in daemon.metrics().items() if name.startswith("hiphop_records_lost_total")) == 1
    assert daemon.stop() == 0


@pytest.mark.skipif(not harness.LONG, reason="long tier")
@pytest.mark.parametrize("delivery", ["exactly-once", "at-least-once"])
def test_a_limit_that_is_raised_is_found_out(kafka, hiphopd, delivery):
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"])
    lists = kafka.topic(names["topics.recommendations"], max_message_bytes=200)
    daemon = hiphopd(kafka, {**names, "pipeline.delivery": delivery}).ready()
    lost = 'hiphop_records_lost_total{topic="recommendations"}'
    kafka.produce_clicks(clicks, [("a", f"item-{number}", now()) for number in range(20)])
    harness.wait_until(lambda: daemon.metrics()[lost] >= 15, 60, "lists of many items are too large")
    kafka.set_topic(lists, max_message_bytes=1_000_000)
    end, number = time.monotonic() + 180, 0
    while number < 5 or "v0" not in {one["visitor"] for one in kafka.read_json(lists)}:
        kafka.produce_clicks(clicks, [(f"v{number % 5}", f"item-{number % 20}", now())])
        number += 1
        assert time.monotonic() < end, "lists come again by themselves"
        time.sleep(1)
    before = daemon.metrics()[lost]
    kafka.produce_clicks(clicks, [("last", "item-1", now())])
    harness.wait_until(lambda: "last" in {one["visitor"] for one in kafka.read_json(lists)}, 30, "and go on")
    assert daemon.metrics()[lost] == before
    assert daemon.stop() == 0
