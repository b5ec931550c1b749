"""What stands in the records: both formats, other people's fields, dead letters byte for byte, withdrawals, order."""

import io
import json
import os
import signal
import time

import avro.io
import avro.schema
import harness

SCHEMAS = os.path.join(harness.TOP, "schemas")


def now():
    return int(time.time() * 1000)


def by_schema(text, value):
    """Decodes bare Avro by a schema, and insists that every byte belongs to it."""
    stream = io.BytesIO(value)
    record = avro.io.DatumReader(avro.schema.parse(text)).read(avro.io.BinaryDecoder(stream))
    assert stream.read() == b""
    return record


def in_schema(text, record):
    stream = io.BytesIO()
    avro.io.DatumWriter(avro.schema.parse(text)).write(record, avro.io.BinaryEncoder(stream))
    return stream.getvalue()


def schema(name):
    with open(os.path.join(SCHEMAS, name), encoding="utf-8") as file:
        return file.read()


FOREIGN = json.dumps({
    "type": "record", "name": "PageView", "namespace": "shop", "fields": [
        {"name": "trace", "type": {"type": "array", "items": "string"}},
        {"name": "user", "type": ["null", {"type": "record", "name": "User", "fields": [
            {"name": "age", "type": ["null", "int"]}, {"name": "id", "type": "long"}]}]},
        {"name": "sku", "type": "string"},
        {"name": "at", "type": "long"},
        {"name": "extra", "type": {"type": "map", "values": "double"}}]})


def test_foreign_avro_in_our_avro_out(kafka, hiphopd, tmp_path):
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"], partitions=1)
    (tmp_path / "click.avsc").write_text(FOREIGN)
    daemon = hiphopd(kafka, {
        **names, "clicks.format": "avro", "clicks.schema": str(tmp_path / "click.avsc"),
        "clicks.fields.visitor": "user.id", "clicks.fields.item": "sku", "clicks.fields.timestamp": "at",
        "clicks.timestamp_unit": "us", "recommendations.format": "avro", "sessions.format": "avro",
        "session.lateness": "0", "session.gap": "1s"}).ready()
    begin = now() - 60_000

    def view(user, sku, time_ms):
        return in_schema(FOREIGN, {"trace": ["a", "b"], "user": {"age": None, "id": user}, "sku": sku,
                                   "at": time_ms * 1000 + 7, "extra": {"x": 0.5}})

    nobody = in_schema(FOREIGN, {"trace": [], "user": None, "sku": "tea", "at": begin * 1000, "extra": {}})
    kafka.produce(clicks, [
        ("7", view(7, "tea", begin), None), ("7", view(7, "cup", begin + 10), None), ("x", nobody, None)])
    # What follows is to rest on these: the graph learns on a thread of its own, and a list does not wait for it.
    harness.wait_until(lambda: daemon.metrics()["hiphop_graph_clicks"] == 2, 60, "two clicks in the graph")
    kafka.produce(clicks, [
        ("9", view(9, "tea", begin + 20), None), ("z", view(9, "tea", begin + 30)[:-1], None),
        ("8", view(8, "end", begin + 5000), None)])
    lists = [by_schema(schema("recommendations.avsc"), record.value)
             for record in kafka.wait(names["topics.recommendations"], 4)]
    assert [(one["visitor"], one["clicked_item"], one["position"]) for one in lists] == [
        ("7", "tea", 1), ("7", "cup", 2), ("9", "tea", 1), ("8", "end", 1)]
    after_tea = lists[2]["items"]
    assert after_tea[0]["item"] == "cup" and 0 < after_tea[0]["score"] <= 1 and after_tea[0]["reason"]
    sessions = [by_schema(schema("session.avsc"), record.value)
                for record in kafka.wait(names["topics.sessions"], 2)]
    assert {one["visitor"]: [click["item"] for click in one["clicks"]] for one in sessions} == {
        "7": ["tea", "cup"], "9": ["tea"]}
    dead = kafka.wait(names["topics.dead_letters"], 2)
    assert sorted(record.key for record in dead) == [b"x", b"z"]


def test_dead_letters_are_what_came(kafka, hiphopd):
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"], partitions=1)
    begin = now() - 100_000
    good = json.dumps({"visitor": "v", "item": "i", "timestamp": begin}).encode()
    late = json.dumps({"visitor": "v", "item": "i", "timestamp": begin - 10_001}).encode()
    future = json.dumps({"visitor": "v", "item": "i", "timestamp": now() + 86_400_000}).encode()
    headers = [("trace", b"\x00\xff"), ("trace", b"second")]
    sent = [(b"k1", good, begin), (b"\x00\xffkey", b"\xfe\xfd{", 1234567890123, 0, headers), (None, late, begin),
            (b"", future, begin + 5), (b"gone", None, begin + 6), (b"empty", b"", begin + 7)]
    kafka.produce(clicks, sent)
    hiphopd(kafka, names).ready()
    letters = kafka.wait(names["topics.dead_letters"], 5)
    time.sleep(1)
    letters = sorted(kafka.read(names["topics.dead_letters"]),
                     key=lambda record: int(record.headers["__connect.errors.offset"]))
    assert [(record.key, record.value, record.timestamp) for record in letters] == [tuple(one[:3]) for one in sent[1:]]
    assert [record.headers["__connect.errors.exception.class.name"] for record in letters] == [
        b"malformed", b"late", b"future", b"empty", b"empty"]
    assert letters[0].headers["trace"] in (b"\x00\xff", b"second")
    for record in letters:
        assert record.headers["__connect.errors.topic"] == clicks.encode()
        assert record.headers["__connect.errors.partition"] == b"0"
        assert record.headers["__connect.errors.exception.message"]


def test_a_withdrawn_item_is_never_recommended(kafka, hiphopd):
    names = harness.own_names()
    clicks, items = kafka.topic(names["topics.clicks"], 1), kafka.topic(names["topics.items"], 1, cleanup_policy="compact")
    kafka.produce(items, [("cup", b'{"title":"Cup"}', None), ("milk", b'{"title":"Milk"}', None)])
    begin = now() - 1_000_000
    history = [(f"v{number}", item, begin + 100 * number + place)
               for number in range(50) for place, item in enumerate(("tea", "cup", "milk"))]
    kafka.produce_clicks(clicks, history)
    hiphopd(kafka, names).ready()

    asked = 0

    def offered():
        """What a new visitor of tea is offered."""
        nonlocal asked
        asked += 1
        kafka.produce_clicks(clicks, [(f"asks{asked}", "tea", begin + 100_000 + asked)])
        answers = harness.wait_until(
            lambda: [one for one in kafka.read_json(names["topics.recommendations"]) if one["visitor"] == f"asks{asked}"],
            30, "a list")
        return [one["item"] for one in answers[0]["items"]]

    assert {"cup", "milk"} <= set(offered())
    kafka.produce(items, [("cup", None, None)])
    harness.wait_until(lambda: "cup" not in offered(), 20, "the withdrawal")
    assert all("cup" not in offered() for _ in range(5)) and "milk" in offered()
    kafka.produce(items, [("cup", b'{"title":"Cup"}', None)])
    harness.wait_until(lambda: "cup" in offered(), 20, "its return")


def test_a_click_of_the_future_changes_no_list(kafka, hiphopd):
    """The graph may have read a later click already: the list for an earlier one must not show it."""
    begin = now() - 3_600_000
    history = [(f"v{number % 40}", f"i{number * 7 % 23}", begin + 100 * number) for number in range(800)]
    asks = [("asks", f"i{number}", begin + 60_000 + 500 * number) for number in range(20)]
    planted = [(f"p{number}", item, begin + 200_000 + number + place)
               for number in range(200) for place, item in enumerate(("i0", "i5", "planted"))]
    lists = []
    for later in ([], planted):
        names = harness.own_names()
        clicks = kafka.topic(names["topics.clicks"], 2)
        # Later clicks stand in the log of the other partition before hiphopd starts: its graph reads them at once.
        kafka.produce_clicks(clicks, [(*click, 0) for click in sorted(history + asks, key=lambda click: click[2])])
        kafka.produce_clicks(clicks, [(*click, 1) for click in later])
        daemon = hiphopd(kafka, names).ready()
        count = len(history) + len(asks) + len(later)
        answers = [json.loads(record.value) for record in kafka.wait(names["topics.recommendations"], count)]
        lists.append({one["timestamp"]: [item["item"] for item in one["items"]] for one in answers if one["visitor"] == "asks"})
        daemon.stop()
    assert len(lists[0]) == len(asks) and all(lists[0].values())
    assert not any("planted" in items for items in lists[1].values())


def test_full_queues_lose_nothing(kafka, hiphopd):
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"], 2)
    begin = now() - 1_000_000
    kafka.produce_clicks(clicks, [(f"v{number % 500}", f"i{number % 97}", begin + number) for number in range(20_000)])
    hiphopd(kafka, {**names, "pipeline.workers": 2, "kafka.properties": "queue.buffering.max.messages=50"}).ready()
    lists = kafka.wait(names["topics.recommendations"], 20_000, timeout=120)
    assert len({(record.key, record.timestamp) for record in lists}) == len(lists) == 20_000


def test_sighup_changes_what_may_change(kafka, hiphopd, tmp_path):
    names = harness.own_names()
    kafka.topic(names["topics.clicks"], 1)
    config = tmp_path / "hiphopd.conf"
    config.write_text('log: { level = "warning"; };\n')
    daemon = harness.Hiphopd(tmp_path, kafka, names)
    words = daemon.arguments() + ["--config", str(config)]
    daemon.arguments = lambda: words
    daemon.start().ready()
    try:
        config.write_text('log: { level = "debug"; };\nsession: { gap = "7m"; };\n')
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: "session.gap" in daemon.log_text(), 10, "a word on the refused change")
        assert "log.level" in daemon.log_text() and daemon.get("/health")[0] == 200
        config.write_text("log: { level = ")
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: "hiphopd.conf:1" in daemon.log_text(), 10, "a word on the broken file")
        assert daemon.get("/health")[0] == 200
        assert daemon.stop() == 0
    finally:
        if daemon.process.poll() is None:
            daemon.kill()
