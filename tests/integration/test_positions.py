"""What becomes of the position when the world around it changes: retention overtakes it, somebody resets it with
Kafka's tools, the topic grows, items are withdrawn, an old backlog waits."""
import ctypes
import json
import time

import confluent_kafka
import harness
from confluent_kafka import TopicPartition


def now():
    return int(time.time() * 1000)


def commit(kafka, group, topic, offset, partition=0):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.brokers, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, partition, offset)], asynchronous=False)
    consumer.close()


def stage(kafka, partitions=1, **more):
    """Names of its own, a topic of clicks, and options under which nothing closes by itself."""
    names = {**harness.own_names(), "session.idle_timeout": "0", "topics.partitions": 1, **more}
    return names, kafka.topic(names["topics.clicks"], partitions=partitions)


def answered(records):
    return [(one["visitor"], one["clicked_item"], one["position"]) for one in
            (json.loads(record.value) for record in records)]


def test_the_true_position_is_committed_and_the_session_goes_on(kafka, hiphopd):
    names, clicks = stage(kafka)
    daemon = hiphopd(kafka, names).ready()
    begin = now() - 60_000
    kafka.produce_clicks(clicks, [("ann", f"i{n}", begin + n) for n in range(10)])
    kafka.wait(names["topics.recommendations"], 10)
    assert daemon.stop() == 0
    assert {number: offset for number, (offset, _) in kafka.committed(names["kafka.group"], clicks).items()} == {0: 10}
    daemon.start().ready()
    kafka.produce_clicks(clicks, [("ann", "i10", begin + 10)])
    lists = answered(kafka.wait(names["topics.recommendations"], 11))
    assert lists[-1] == ("ann", "i10", 11), "the open session was rebuilt"


def test_a_reset_group_begins_with_an_empty_past(kafka, hiphopd):
    names, clicks = stage(kafka)
    daemon = hiphopd(kafka, names).ready()
    begin = now() - 60_000
    kafka.produce_clicks(clicks, [("ann", f"i{n}", begin + n) for n in range(6)])
    kafka.wait(names["topics.recommendations"], 6)
    assert daemon.stop() == 0
    # What kafka-consumer-groups --reset-offsets does; the group must have no live members for it.
    harness.wait_until(lambda: try_commit(kafka, names["kafka.group"], clicks, 3), 40, "the member is gone")
    daemon.start().ready()
    kafka.wait(names["topics.recommendations"], 9)
    lists = answered(kafka.read(names["topics.recommendations"]))
    assert lists[6:] == [("ann", "i3", 1), ("ann", "i4", 2), ("ann", "i5", 3)]


def try_commit(kafka, group, topic, offset):
    try:
        commit(kafka, group, topic, offset)
        return True
    except confluent_kafka.KafkaException:
        return False


def test_retention_overtakes_the_position(kafka, hiphopd):
    names, clicks = stage(kafka)
    begin = now() - 60_000
    kafka.produce_clicks(clicks, [("ann", f"i{n}", begin + n) for n in range(10)])
    commit(kafka, names["kafka.group"], clicks, 2)
    delete_before(kafka, clicks, 5)
    daemon = hiphopd(kafka, names).ready()
    kafka.wait(names["topics.recommendations"], 5)
    kafka.produce_clicks(clicks, [("ann", "i10", begin + 10)])
    lists = answered(kafka.wait(names["topics.recommendations"], 6))
    assert lists == [("ann", f"i{n}", n - 4) for n in range(5, 11)]
    assert "deleted before they were read" in daemon.log_text()


def test_retention_overtakes_the_open_sessions(kafka, hiphopd):
    """The committed position is still there, but not all that must be replayed before it."""
    names, clicks = stage(kafka)
    daemon = hiphopd(kafka, names).ready()
    begin = now() - 60_000
    kafka.produce_clicks(clicks, [("ann", f"i{n}", begin + n) for n in range(10)])
    kafka.wait(names["topics.recommendations"], 10)
    assert daemon.stop() == 0
    delete_before(kafka, clicks, 7)
    daemon.start().ready()
    kafka.produce_clicks(clicks, [("ann", "i10", begin + 10)])
    lists = answered(kafka.wait(names["topics.recommendations"], 11))
    assert lists[10:] == [("ann", "i10", 4)], "the three clicks that are left, and this one"


def delete_before(kafka, topic, offset):
    """Deletes the records before the offset, as retention does; Debian's confluent_kafka has no call for it."""
    rd = ctypes.CDLL("librdkafka.so.1")
    for name in ("conf_new", "new", "topic_partition_list_new", "topic_partition_list_add", "DeleteRecords_new",
                 "queue_new", "queue_poll", "event_DeleteRecords_result", "DeleteRecords_result_offsets"):
        getattr(rd, f"rd_kafka_{name}").restype = ctypes.c_void_p
    pointer, text = ctypes.c_void_p, ctypes.create_string_buffer(256)
    conf = pointer(rd.rd_kafka_conf_new())
    rd.rd_kafka_conf_set(conf, b"bootstrap.servers", kafka.brokers.encode(), text, 256)
    client = pointer(rd.rd_kafka_new(0, conf, text, 256))
    partitions = pointer(rd.rd_kafka_topic_partition_list_new(1))
    rd.rd_kafka_topic_partition_list_add(partitions, topic.encode(), 0)
    rd.rd_kafka_topic_partition_list_set_offset(partitions, topic.encode(), 0, ctypes.c_int64(offset))
    request = pointer(rd.rd_kafka_DeleteRecords_new(partitions))
    queue = pointer(rd.rd_kafka_queue_new(client))
    rd.rd_kafka_DeleteRecords(client, ctypes.byref(request), ctypes.c_size_t(1), None, queue)
    event = pointer(rd.rd_kafka_queue_poll(queue, 30_000))
    assert event and rd.rd_kafka_event_error(event) == 0
    for destroy, what in (("event", event), ("queue", queue), ("DeleteRecords", request), ("topic_partition_list", partitions)):
        getattr(rd, f"rd_kafka_{destroy}_destroy")(what)
    rd.rd_kafka_destroy(client)
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.brokers, "group.id": "ends"})
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)[0] == offset
    consumer.close()


def test_a_topic_that_is_made_anew(kafka, hiphopd):
    names, clicks = stage(kafka)
    commit(kafka, names["kafka.group"], clicks, 1000)
    daemon = hiphopd(kafka, names).ready()
    kafka.produce_clicks(clicks, [("ann", "tea", now())])
    assert answered(kafka.wait(names["topics.recommendations"], 1)) == [("ann", "tea", 1)]
    assert "beyond the end" in daemon.log_text()


def test_a_topic_that_grows(kafka, hiphopd):
    names, clicks = stage(kafka)
    hiphopd(kafka, names).ready()
    new = confluent_kafka.admin.NewPartitions(clicks, 3)
    for future in kafka.admin.create_partitions([new]).values():
        future.result(30)
    kafka.produce_clicks(clicks, [("ann", "tea", now(), number) for number in range(3)])
    kafka.wait(names["topics.recommendations"], 3)


def test_withdrawn_items_are_never_in_a_list(kafka, hiphopd):
    names, clicks = stage(kafka)
    items = kafka.topic(names["topics.items"] or "x", cleanup_policy="compact")
    begin = now() - 600_000
    kafka.produce(items, [("tea", None, None), ("cup", b'{"title":"A cup"}', None)])
    kafka.produce_clicks(clicks, [(f"v{v}", item, begin + 10 * v + n) for v in range(20)
                                  for n, item in enumerate(("milk", "tea", "cup"))])
    hiphopd(kafka, {**names, "topics.items": items}).ready()

    def shown(visitor, expected):
        kafka.produce_clicks(clicks, [(visitor, "milk", now())])
        last = json.loads(kafka.wait(names["topics.recommendations"], expected)[-1].value)
        assert last["visitor"] == visitor
        return {item["item"] for item in last["items"]}

    before = len(kafka.wait(names["topics.recommendations"], 60))
    assert shown("new1", before + 1) == {"cup", "milk"}
    kafka.produce(items, [("tea", b'{"title":"Tea"}', None), ("cup", None, None)])
    time.sleep(1)
    assert shown("new2", before + 2) == {"tea", "milk"}


def test_a_backlog_from_before_a_long_stop_is_stale(kafka, hiphopd):
    names, clicks = stage(kafka, **{"recommend.max_age": "3s"})
    daemon = hiphopd(kafka, names).ready()
    kafka.produce_clicks(clicks, [("ann", "tea", now())])
    kafka.wait(names["topics.recommendations"], 1)
    assert daemon.stop() == 0
    kafka.produce_clicks(clicks, [("ann", "milk", now()), ("ann", "cup", 1_000_000_000_000 + now() % 1000)])
    time.sleep(3.5)
    daemon.start().ready()
    kafka.produce_clicks(clicks, [("ann", "sugar", now())])
    assert answered(kafka.wait(names["topics.recommendations"], 2)) == [("ann", "tea", 1), ("ann", "sugar", 3)]
    assert daemon.metrics()["hiphop_stale_clicks_total"] == 1


def test_a_history_replayed_today_gets_its_lists(kafka, hiphopd):
    """Records with timestamps of long ago, which come while the daemon runs, have not waited."""
    names, clicks = stage(kafka, **{"recommend.max_age": "3s"})
    daemon = hiphopd(kafka, names).ready()
    time.sleep(4)
    kafka.produce_clicks(clicks, [("ann", f"i{n}", 1_500_000_000_000 + n) for n in range(100)])
    assert len(kafka.wait(names["topics.recommendations"], 100)) == 100
    assert daemon.metrics()["hiphop_stale_clicks_total"] == 0


def test_a_consumer_that_is_fenced_is_replaced(kafka, hiphopd):
    names, clicks = stage(kafka, partitions=2)
    daemon = hiphopd(kafka, names).ready()
    kafka.produce_clicks(clicks, [("ann", "tea", now())])
    kafka.wait(names["topics.recommendations"], 1)
    usurper = confluent_kafka.Consumer({
        "bootstrap.servers": kafka.brokers, "group.id": names["kafka.group"], "session.timeout.ms": 6000,
        "group.instance.id": daemon.options["instance.id"] + "-w0", "enable.auto.commit": False,
        "partition.assignment.strategy": "cooperative-sticky"})
    usurper.subscribe([clicks])
    harness.wait_until(lambda: usurper.poll(0.1) is None and "the consumer is replaced" in daemon.log_text(), 30,
                       "the daemon's consumer is fenced")
    usurper.close()
    kafka.produce_clicks(clicks, [("ann", "milk", now()), ("bob", "tea", now())])
    lists = answered(kafka.wait(names["topics.recommendations"], 3))
    assert sorted(lists) == [("ann", "milk", 2), ("ann", "tea", 1), ("bob", "tea", 1)]
    assert daemon.stop() == 0
