"""What items are, end to end: an item that nobody has clicked is recommended for its text, within a second; vectors that
others write count as well; and what is no vector does no harm."""

import json
import random
import struct
import time

import confluent_kafka
from harness import wait_until
from test_providers import Shop
from test_records import in_schema, schema

# Words that its items share, and those of an item that is launched.
THEMES = {"ski": ("skis snow piste carving powder", "carving skis for powder snow"),
          "pan": ("pan kitchen iron frying cast", "cast iron frying pan"),
          "law": ("law book tax court judge", "book of tax law")}


def catalogue(draw):
    """{item: title} of 12 items a theme, each with three of its words and one of its own."""
    return {f"{theme}{i}": " ".join(draw.sample(words.split(), 3) + [f"model{theme}{i}"])
            for theme, (words, _) in THEMES.items() for i in range(12)}


def sessions(draw, count, end):
    """Clicks of `count` visitors, each within one theme: (visitor, item, time), the last one at `end`."""
    clicks = []
    for visitor in range(count):
        theme = draw.choice(list(THEMES))
        for _ in range(4):
            clicks.append((f"v{draw.random()}" if not clicks or len(clicks) % 4 == 0 else clicks[-1][0],
                           f"{theme}{draw.randrange(12)}"))
    return [(visitor, item, end - 10 * (len(clicks) - i)) for i, (visitor, item) in enumerate(clicks)]


class Launch(Shop):
    def lists(self):
        return {record["visitor"]: [entry["item"] for entry in record["items"]]
                for record in self.kafka.read_json(self.names["topics.recommendations"])}

    def click(self, visitor, *items):
        now = int(time.time() * 1000)
        self.kafka.produce_clicks(self.names["topics.clicks"], [(visitor, item, now + i) for i, item in enumerate(items)])

    def list_after(self, visitor, *items):
        """The list that answers the last of the visitor's clicks."""
        self.click(visitor, *items)
        topic = self.names["topics.recommendations"]

        def found():
            return [record for record in self.kafka.read_json(topic)
                    if record["visitor"] == visitor and record["position"] == len(items)]

        return [entry["item"] for entry in wait_until(found, 20, f"the list of {visitor}")[0]["items"]]

    def warm(self, daemon, draw, described):
        """A stream that shows what texts are worth, when all items have theirs."""
        taken = 'hiphop_item_vectors_total{outcome="taken"}'
        wait_until(lambda: daemon.metrics()[taken] >= described, 30, "vectors in the graph")
        clicks = sessions(draw, 300, int(time.time() * 1000))
        self.kafka.produce_clicks(self.names["topics.clicks"], clicks)
        self.kafka.wait(self.names["topics.recommendations"], len(clicks))


def test_an_item_without_a_click_is_in_a_list_within_a_second(kafka, hiphopd):
    draw, shop = random.Random(5), Launch(kafka)
    items = catalogue(draw)
    shop.announce(items)
    daemon = hiphopd(kafka, shop.options(**{"semantics.template": "{title}"})).ready()
    shop.warm(daemon, draw, len(items))
    producer = confluent_kafka.Producer({"bootstrap.servers": kafka.brokers, "partitioner": "murmur2_random"})

    def write(topic, key, value):
        producer.produce(shop.names[topic], json.dumps(value), key)
        assert producer.flush(10) == 0
        return time.monotonic()

    # So that the producer knows its ways.
    write("topics.items", "ski0", {"title": items["ski0"]})
    write("topics.clicks", "first", {"visitor": "first", "item": "law1", "timestamp": int(time.time() * 1000)})
    for theme, (_, title) in THEMES.items():
        others = [other for other in THEMES if other != theme]
        assert f"{theme}-new" not in shop.list_after(f"before {theme}", f"{theme}1", f"{theme}2")
        announced = write("topics.items", f"{theme}-new", {"title": title})
        time.sleep(0.5)
        visitor = f"fits {theme}"
        clicked = write("topics.clicks", visitor,
                        {"visitor": visitor, "item": f"{theme}1", "timestamp": int(time.time() * 1000)})
        fitting = wait_until(lambda: shop.lists().get(visitor), 20, "the list")
        assert clicked - announced < 1 and f"{theme}-new" in fitting, (clicked - announced, fitting)
        # It fits this theme, not any.
        assert not {f"{other}-new" for other in others} & set(fitting[:5])
    # Withdrawn: in no list any more.
    shop.announce({"ski-new": None})
    wait_until(lambda: daemon.metrics()['hiphop_item_vectors_total{outcome="withdrawn"}'] == 1, 20, "the withdrawal")
    assert "ski-new" not in shop.list_after("after", "ski5", "ski6")
    assert daemon.stop() == 0


def test_vectors_that_others_write(kafka, hiphopd):
    """provider topic: two sources of strangers, Avro and JSON, among records that are no vectors."""
    draw, shop = random.Random(6), Launch(kafka)
    items, topic = catalogue(draw), shop.names["topics.item_vectors"]
    axes = {theme: i for i, theme in enumerate(THEMES)}

    def image(item):
        vector = [draw.gauss(0, 0.2) for _ in range(6)]
        vector[axes[item[:3]]] += 1
        return vector

    def avro(source, item, vector, **more):
        return in_schema(schema("item-vector.avsc"), {"source": source, "item": item, "model": "eye", "text_hash": "",
                                                      "width": len(vector), "vector": vector, **more})

    records = []
    for item in items:
        records.append((f"image/{item}", avro("image", item, image(item)), None))
        records.append((f"sound.v2/{item}", json.dumps({"source": "sound.v2", "item": item, "vector": image(item)[:4]}), None))
    good = avro("image", "x", image("ski"))
    hostile = [("image/h1", good, None), ("image/x", good[:-5], None), ("image/x", good + b"x", None),
               ("image/x", avro("image", "x", [1.0, 2.0]), None), ("image/x", avro("image", "x", [0.0] * 6), None),
               ("image/x", avro("image", "x", [float("nan")] * 6), None),
               ("image/x", avro("image", "x", image("ski"), width=7), None), ("nobody", good, None), (None, good, None),
               ("image/x", b"\x0aimage\x02x\x00\x00\x0c" + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", None),
               ("image/x", b"{" * 100000, None), ("image/" + "y" * 2000, good, None), ("image/\xff".encode("latin1"), good, None),
               ("image/x", struct.pack("<I", 0xffffffff) * 10, None), ("other/x", b"whatever", None)]
    # A compacted topic takes no record without a key.
    hostile = [record for record in hostile if record[0] is not None]
    kafka.produce(topic, hostile[:5] + records + hostile[5:])
    daemon = hiphopd(kafka, shop.options(**{
        "semantics.provider": "topic", "semantics.sources": ["image=6", "sound.v2"]})).ready()
    shop.warm(daemon, draw, 2 * len(items))
    metrics = daemon.metrics()
    outcomes = {outcome: metrics[f'hiphop_item_vectors_total{{outcome="{outcome}"}}']
                for outcome in ("taken", "malformed", "wrong_width", "other_source")}
    assert outcomes == {"taken": 2 * len(items), "malformed": len(hostile) - 2, "wrong_width": 1, "other_source": 1}
    assert daemon.get("/health")[0] == 200
    assert daemon.log_text().count("the vector of an item can't be used") == 1  # the rest within the minute
    kafka.produce(topic, [("image/pan-new", avro("image", "pan-new", image("pan")), None)])
    wait_until(lambda: daemon.metrics()['hiphop_item_vectors_total{outcome="taken"}'] == 2 * len(items) + 1, 20, "one more")
    assert "pan-new" in shop.list_after("cook", "pan1", "pan2", "pan3")
    kafka.produce(topic, [("image/pan-new", None, None)])
    wait_until(lambda: daemon.metrics()['hiphop_item_vectors_total{outcome="withdrawn"}'] == 1, 20, "taken away")
    assert "pan-new" not in shop.list_after("another cook", "pan1", "pan2", "pan3")
    assert daemon.stop() == 0


def test_a_catalogue_that_is_made_anew_keeps_no_click_waiting(kafka, hiphopd):
    """The graph compares every vector with all others, which takes longer and longer: clicks go first."""
    draw, shop = random.Random(7), Launch(kafka)
    words = [f"word{i}" for i in range(3000)]
    shop.announce({f"item{i}": " ".join(draw.choices(words, k=8)) for i in range(20000)})
    daemon = hiphopd(kafka, shop.options(**{"semantics.template": "{title}"})).ready(timeout=30)
    taken = 'hiphop_item_vectors_total{outcome="taken"}'
    slowest = 0
    for number in range(1, 11):
        begin = time.monotonic()
        kafka.produce_clicks(shop.names["topics.clicks"], [("ann", f"item{number}", int(time.time() * 1000))])
        wait_until(lambda: daemon.metrics()["hiphop_graph_clicks"] >= number, 20, "a click in the graph")
        slowest = max(slowest, time.monotonic() - begin)
    assert slowest < 5, (slowest, daemon.metrics()[taken])
    wait_until(lambda: daemon.metrics()[taken] == 20000, 90, "all vectors")
    assert daemon.stop() == 0
