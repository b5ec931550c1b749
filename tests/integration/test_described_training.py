"""The network reads what items are: vectors from their topic enter its vocabulary, its projectors go with the model to every
instance, and a source that comes, goes or changes is followed."""
import json
import random
import time

import harness
from harness import wait_until
from test_launch import THEMES, Launch, catalogue, sessions
from test_models import manifests, whole_models

NEVER = {f"{theme}-new": title for theme, (_, title) in THEMES.items()}  # announced, and clicked by nobody


class Described(Launch):
    def __init__(self, kafka, **more):
        super().__init__(kafka, 1)
        self.names = {**self.names, **{key: value for key, value in harness.training_names(**more).items()
                                       if not key.startswith("topics.") or key == "topics.partitions"}}
        self.draw = random.Random(8)
        self.now = int(time.time() * 1000) - 3_600_000  # event time

    def visit(self, count):
        """Sessions, and one click that closes them."""
        self.now += 300_000
        clicks = sessions(self.draw, count, self.now - 200_000)
        self.kafka.produce_clicks(self.names["topics.clicks"], clicks + [(f"end {self.now}", "law1", self.now)])

    def trained(self, after, what=""):
        """The next promoted model's (version, manifest) whose text says so."""
        def found():
            return [(version, manifest) for version, manifest in sorted(manifests(self.kafka, self.names).items())
                    if version > after and manifest["status"] == "promoted" and what in manifest["text"]]
        return wait_until(found, 60, f"a model after {after} {what}")[0]

    def near(self, version, item, tmp_path):
        """What the model on the topic has nearest to the item."""
        path = tmp_path / f"{version}.hiphop"
        path.write_bytes(whole_models(self.kafka, self.names)[version])
        told = json.loads(harness.hiphop("inspect", "--near", item, "--json", path).stdout)
        return [row["item"] for row in told["near"]]

    def fits(self, version, tmp_path):
        for item in NEVER:
            nearest = self.near(version, item, tmp_path)[:4]
            assert sum(other.startswith(item[:3]) for other in nearest) >= 3, (item, nearest)


def test_the_network_reads_what_items_are(kafka, hiphopd, tmp_path):
    shop = Described(kafka, training__gate=False)
    items = catalogue(shop.draw)
    shop.announce({**items, **NEVER})
    daemon = hiphopd(kafka, shop.options(**{"semantics.template": "{title}"})).ready()
    taken = 'hiphop_item_vectors_total{outcome="taken"}'
    wait_until(lambda: daemon.metrics()[taken] == len(items) + len(NEVER), 30, "vectors in the graph")
    shop.visit(1000)
    version, manifest = shop.trained(0, f"{len(items) + len(NEVER)} described")
    assert manifest["items"] == len(items) + len(NEVER), "the described are in the vocabulary, clicked or not"
    shop.fits(version, tmp_path)
    assert daemon.stop() == 0
    # Whoever comes next has the vectors from their topic, the projector from the model.
    daemon.start().ready()
    shop.visit(400)
    version, manifest = shop.trained(version)
    assert "trained further" in manifest["text"] and f"{len(items) + len(NEVER)} described" in manifest["text"]
    shop.fits(version, tmp_path)
    # An item that comes after the model is in the next one; and in the lists at once.
    shop.announce({"law-late": "book of court law"})
    wait_until(lambda: daemon.metrics()[taken] >= len(items) + len(NEVER) + 1, 20, "one more")
    shop.visit(400)
    version, manifest = shop.trained(version, f"{len(items) + len(NEVER) + 1} described")
    shop.announce({"pan-late": "frying pan of cast iron"})
    wait_until(lambda: daemon.metrics()[taken] >= len(items) + len(NEVER) + 2, 20, "one more")
    assert "pan-late" in shop.list_after("cook", "pan1", "pan2", "pan3")
    assert daemon.stop() == 0


def test_sources_come_and_go(kafka, hiphopd, tmp_path):
    """provider topic: two sources of strangers, one of which is new, then changes its width, then vanishes."""
    shop = Described(kafka, training__gate=False)
    items = {**catalogue(shop.draw), **NEVER}
    axes = {theme: i for i, theme in enumerate(THEMES)}

    def write(source, width):
        def vector(item):
            numbers = [shop.draw.gauss(0, 0.2) for _ in range(width)]
            numbers[axes[item[:3]]] += 1
            return numbers
        shop.kafka.produce(shop.names["topics.item_vectors"], [
            (f"{source}/{item}", json.dumps({"source": source, "item": item, "vector": vector(item)}) if width else None,
             None) for item in items])

    write("image", 6)
    daemon = hiphopd(kafka, shop.options(**{"semantics.provider": "topic", "semantics.sources": ["image", "sound"]})).ready()
    vectors = 'hiphop_item_vectors_total{outcome="taken"}'
    wait_until(lambda: daemon.metrics()[vectors] == len(items), 20, "vectors in the graph")
    shop.visit(1000)
    version, _ = shop.trained(0, f"{len(items)} described")
    shop.fits(version, tmp_path)
    write("sound", 4)
    wait_until(lambda: daemon.metrics()[vectors] == 2 * len(items), 20, "the second source")
    shop.visit(400)
    version, manifest = shop.trained(version)
    assert "from scratch" in manifest["text"], manifest
    shop.fits(version, tmp_path)
    write("image", None)
    wait_until(lambda: daemon.metrics()['hiphop_item_vectors_total{outcome="withdrawn"}'] == len(items), 20, "the first is gone")
    shop.visit(400)
    version, manifest = shop.trained(version)
    assert "trained further" in manifest["text"] and f"{len(items)} described" in manifest["text"], manifest
    write("sound", None)
    wait_until(lambda: daemon.metrics()['hiphop_item_vectors_total{outcome="withdrawn"}'] == 2 * len(items), 20, "all are gone")
    shop.visit(400)
    version, manifest = shop.trained(version)
    assert "trained further" in manifest["text"] and "0 described" in manifest["text"], manifest
    assert daemon.get("/health")[0] == 200
    assert daemon.stop() == 0
