"""Topics that do not take every record: times that they refuse, also as of now."""
import json
import time

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
