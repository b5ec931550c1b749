"""Item vectors for others: after every promotion their topic holds those of the model in service, whole, and `hiphop
export` makes files of it; also when items are withdrawn, daemons start anew, and die in the middle of writing."""
import io
import json
import os
import time

import avro.io
import avro.schema
import confluent_kafka
import harness
import numpy
import pytest
import xxhash
from traffic import paths

BEGIN, END = b"\0begin", b"\0end"
RUBBISH = b"\0rubbish"  # a value that nobody can read
SCHEMA = avro.schema.parse(open(os.path.join(harness.TOP, "schemas", "embedding.avsc"), encoding="utf-8").read())


def names_of(**more):
    return harness.training_names(**{"training__gate": "false", **more})


def decoded(value):
    if value[:1] == b"{":
        record = json.loads(value)
        if record["vector"] is not None:
            record["vector"] = numpy.array(record["vector"], dtype="<f4")
        return record
    record = avro.io.DatumReader(SCHEMA).read(avro.io.BinaryDecoder(io.BytesIO(value)))
    if record["vector"] is not None:
        record["vector"] = numpy.frombuffer(record["vector"], dtype="<f4")
    return record


class Snapshot:
    """What a consumer knows after all records: vectors {item: (vector, version)}, and the latest marks."""

    def __init__(self, records):
        self.vectors, self.begin, self.end, self.log = {}, None, None, []
        for record in records:
            if record.value == RUBBISH:
                self.end = None
                continue
            value = decoded(record.value) if record.value else None
            self.log.append((record.key, value))
            if record.key == BEGIN:
                self.begin, self.end = value, None
            elif record.key == END:
                self.end = value
            elif value is None:
                self.vectors.pop(record.key.decode(), None)
            else:
                assert value["item"] == record.key.decode() and value["kind"] == "vector"
                self.vectors[value["item"]] = (value["vector"], value["version"])

    def whole(self):
        """The snapshot's particulars if it has ended, and then it must be as they say."""
        if self.end is None:
            return None
        assert self.begin["kind"] == "begin" and self.end["kind"] == "end"
        says = self.end["snapshot"]
        assert self.begin["snapshot"] == says and self.begin["version"] == self.end["version"]
        assert len(self.vectors) == says["count"]
        assert all(vector.shape == (says["dimension"],) for vector, _version in self.vectors.values())
        checksum = sum(xxhash.xxh3_64_intdigest(vector.tobytes(), xxhash.xxh3_64_intdigest(item.encode()))
                       for item, (vector, _version) in self.vectors.items())
        assert says["checksum"] == f"{checksum % 2**64:016x}"
        return {**says, "version": self.end["version"]}


def snapshot(kafka, names, accept=lambda says, vectors: True, after=0):
    """The first whole snapshot that is accepted and ends behind so many records: (particulars, Snapshot). Training goes on,
    and may have published more by the time the topic is read."""
    def look():
        records = kafka.read(names["topics.embeddings"]) if names["topics.embeddings"] in kafka.topics() else []
        for end in range(after, len(records)):
            if records[end].key == END and records[end].value != RUBBISH:
                read = Snapshot(records[:end + 1])
                says = read.whole()
                if says and accept(says, read.vectors):
                    return says, read
        return None
    return harness.wait_until(look, 60, "a whole snapshot")


def model_file(kafka, names, version, path):
    """The model of that version, put together from its chunks."""
    chunks = {}
    for record in kafka.read(names["topics.models"]):
        number, part = record.key.decode().split("/")
        if int(number) == version and part != "manifest":
            chunks[int(part)] = record.value
    path.write_bytes(b"".join(chunks[i] for i in range(len(chunks))))
    return path


def loaded(prefix):
    """{item: vector} of the files that `hiphop export` has written."""
    with open(f"{prefix}.ids.jsonl", encoding="utf-8") as lines:
        ids = [json.loads(line) for line in lines]
    vectors = numpy.load(f"{prefix}.npy")
    assert vectors.dtype == numpy.dtype("<f4") and vectors.flags.c_contiguous and len(vectors) == len(ids)
    assert ids == sorted(ids, key=str.encode)
    return dict(zip(ids, vectors))


def of_model(kafka, names, version, tmp_path):
    model = model_file(kafka, names, version, tmp_path / f"model-{version}")
    harness.hiphop("export", "--model", model, "--embeddings", tmp_path / f"model-{version}")
    return model, loaded(tmp_path / f"model-{version}")


def export(kafka, names, prefix, **options):
    return harness.hiphop("export", "--brokers", kafka.brokers, "--topic", names["topics.embeddings"], "--embeddings", prefix,
                          **options)


def begin_now():
    return int(time.time() * 1000) - 60 * 60_000


@pytest.mark.parametrize("form", ["json", "avro"])
def test_a_promotion_leads_to_a_whole_snapshot_of_the_models_vectors(kafka, hiphopd, tmp_path, form):
    names = names_of(embeddings__format=form, embeddings__tolerance=0)
    kafka.produce_clicks(kafka.topic(names["topics.clicks"]), paths(begin_now(), 1500))
    daemon = hiphopd(kafka, names).ready()
    says, read = snapshot(kafka, names)
    assert says["since_full"] == 0 and says["written"] == says["count"] == 160 and says["removed"] == 0
    assert says["dimension"] == 16 and says["scale"] == 12
    assert kafka.topic_config(names["topics.embeddings"])["cleanup.policy"] == "compact"
    seen = harness.wait_until(lambda: daemon.metrics().get("hiphop_embeddings_version") == says["version"] and
                              daemon.metrics(), 10, "the version in the metrics")
    assert seen['hiphop_embeddings_snapshots_total{outcome="full"}'] >= 1
    assert seen['hiphop_embeddings_records_total{record="vector"}'] >= 160

    model, wanted = of_model(kafka, names, says["version"], tmp_path)
    assert wanted.keys() == read.vectors.keys()
    for item, (vector, version) in read.vectors.items():
        assert vector.tobytes() == wanted[item].tobytes() and version == says["version"]
        assert abs(numpy.linalg.norm(vector) - 1) < 1e-5

    said = export(kafka, names, tmp_path / "items").stdout
    assert f"160 items, 16 numbers each, of version {says['version']}" in said
    assert (tmp_path / "items.npy").read_bytes() == (tmp_path / f"model-{says['version']}.npy").read_bytes()
    items = loaded(tmp_path / "items")
    ids, vectors = list(items), numpy.array(list(items.values()))
    for item in ("a0", "c17", "d39"):
        near = json.loads(harness.hiphop("inspect", "--near", item, "--k", 10, "--json", model).stdout)["near"]
        by_hand = vectors @ items[item]
        best = [ids[i] for i in numpy.argsort(-by_hand, kind="stable") if ids[i] != item][:10]
        assert best == [one["item"] for one in near]
        assert numpy.allclose([one["cosine"] for one in near], numpy.sort(by_hand)[::-1][1:11], atol=1e-5)
    assert daemon.stop() == 0


def test_a_second_promotion_writes_what_has_changed_also_after_a_kill(kafka, hiphopd, tmp_path):
    names = names_of(embeddings__tolerance=0.3)
    clicks, begin = kafka.topic(names["topics.clicks"]), begin_now()
    kafka.produce_clicks(clicks, paths(begin, 1500))
    daemon = hiphopd(kafka, names).ready()
    first, old = snapshot(kafka, names)
    daemon.kill()  # what it has published, it must read back
    kafka.produce_clicks(clicks, paths(begin + 1500 * 500, 900, seed=2, groups=range(30, 50)))
    daemon.start().ready()
    second, new = snapshot(kafka, names, lambda says, _vectors: says["version"] > first["version"])
    assert second["since_full"] == first["since_full"] + 1, "one snapshot, and not a full one"
    _model, wanted = of_model(kafka, names, second["version"], tmp_path)
    assert wanted.keys() == new.vectors.keys() and len(wanted) == 200
    written = {item for item, (_vector, version) in new.vectors.items() if version == second["version"]}
    moved = {item for item in wanted if item not in old.vectors or
             numpy.linalg.norm(wanted[item].astype("f8") - old.vectors[item][0].astype("f8")) > 0.3}
    assert written == moved and len(written) == second["written"]
    assert {f"{kind}{group}" for kind in "abcd" for group in range(40, 50)} <= written
    assert len(written) < len(wanted), "something must have stayed, or this test tests nothing"
    for item, (vector, _version) in new.vectors.items():
        expected = wanted[item] if item in written else old.vectors[item][0]
        assert vector.tobytes() == expected.tobytes()
    assert daemon.metrics()['hiphop_embeddings_snapshots_total{outcome="delta"}'] >= 1


def test_an_item_that_is_withdrawn_loses_its_vector_and_gets_it_back(kafka, hiphopd):
    names = names_of()
    clicks, items = kafka.topic(names["topics.clicks"]), kafka.topic(names["topics.items"], cleanup_policy="compact")
    kafka.produce(items, [("b7", None, None), ("unheard of", None, None)])
    kafka.produce_clicks(clicks, paths(begin_now(), 1500))
    daemon = hiphopd(kafka, names).ready()
    says, read = snapshot(kafka, names)
    assert "b7" not in read.vectors and says["count"] == 159
    kafka.produce(items, [("a1", None, None), ("b7", json.dumps({"title": "back"}), None)])
    says, read = snapshot(kafka, names, lambda _says, vectors: "a1" not in vectors and "b7" in vectors)
    assert says["count"] == 159 and says["since_full"] >= 1, "it wrote what has changed, not all"
    assert read.log[-1][0] == END and (b"a1", None) in read.log
    since = len(read.log) - 1 - [key for key, _value in reversed(read.log)].index(BEGIN)
    assert len(read.log) - since - 2 == says["written"] + says["removed"] <= 2
    # Who starts anew, and does not train at once, finds nothing to do.
    assert daemon.stop() == 0
    daemon = hiphopd(kafka, {**names, "training.interval": "1h"}, name="anew").ready()
    harness.wait_until(lambda: daemon.metrics().get("hiphop_embeddings_version") == says["version"], 60, "read back")
    assert len(kafka.read(names["topics.embeddings"])) == len(read.log)
    assert daemon.metrics()['hiphop_embeddings_snapshots_total{outcome="full"}'] == 0


def test_what_a_stranger_writes_is_gone_with_the_next_snapshot(kafka, hiphopd, tmp_path):
    names = names_of(training__interval="1h", embeddings__format="json")
    topic, items = names["topics.embeddings"], kafka.topic(names["topics.items"], cleanup_policy="compact")
    kafka.produce_clicks(kafka.topic(names["topics.clicks"]), paths(begin_now(), 1500))
    hiphopd(kafka, names).ready()
    says, read = snapshot(kafka, names)
    stolen = json.dumps({"kind": "vector", "version": says["version"], "item": "theirs", "vector": [1.0] * 16, "snapshot": None})
    kafka.produce(topic, [("theirs", stolen, None), ("b1", RUBBISH, None)])
    assert "hiphopd makes it good with its next snapshot" in export(kafka, names, tmp_path / "items", check=False).stderr
    kafka.produce(items, [("a1", None, None)])
    says, read = snapshot(kafka, names, lambda _says, vectors: "a1" not in vectors and "theirs" not in vectors)
    assert says["count"] == 159 and says["since_full"] == 0, "what was there was not whole"
    assert "159 items, 16 numbers each" in export(kafka, names, tmp_path / "items").stdout


def test_what_is_no_snapshot_is_said(kafka, hiphopd, tmp_path):
    names = names_of()
    topic = names["topics.embeddings"]
    done = export(kafka, names, tmp_path / "items", check=False)
    assert done.returncode == 1 and f'topic "{topic}" can\'t be read: there is no such topic' in done.stderr, done.stderr
    kafka.topic(topic, cleanup_policy="compact")
    done = export(kafka, names, tmp_path / "items", check=False)
    assert done.returncode == 1 and "no snapshot has been published there yet" in done.stderr, done.stderr

    kafka.produce_clicks(kafka.topic(names["topics.clicks"]), paths(begin_now(), 1500))
    daemon = hiphopd(kafka, names).ready()
    says, read = snapshot(kafka, names)
    assert daemon.stop() == 0
    # As one leaves it who dies between two transactions: a beginning, some vectors, no end.
    begun = json.dumps({**read.begin, "version": says["version"] + 1})
    kafka.produce(topic, [(BEGIN, begun, None), ("a0", json.dumps({
        "kind": "vector", "version": says["version"] + 1, "item": "a0", "vector": [1.0] + [0.0] * 15, "snapshot": None}), None)])
    done = export(kafka, names, tmp_path / "items", check=False)
    assert done.returncode == 1 and f"version {says['version'] + 1} has begun and not ended" in done.stderr, done.stderr
    # A vector that somebody else has written in: everything has ended, and it does not fit together.
    kafka.produce(topic, [(BEGIN, json.dumps(read.begin), None), (END, json.dumps(read.end), None)])
    done = export(kafka, names, tmp_path / "items", check=False)
    assert done.returncode == 1 and "the checksum" in done.stderr, done.stderr
    kafka.produce(topic, [("a0", RUBBISH, None), (END, RUBBISH, None)])
    assert not list(tmp_path.glob("items*")), "nothing is written of it"
    before = len(kafka.read(topic))

    # Whoever trains next makes it good, wholly.
    daemon.start().ready()
    harness.wait_until(lambda: daemon.metrics().get("hiphop_embeddings_version", 0) >= says["version"], 60, "the repair")
    says, repaired = snapshot(kafka, names, after=before)
    assert says["since_full"] == 0 and says["written"] == 160
    export(kafka, names, tmp_path / "items")
    assert loaded(tmp_path / "items").keys() == repaired.vectors.keys()


def large(kafka, hiphopd):
    """A snapshot of several megabytes, which takes several transactions: calls back when it begins."""
    names = names_of()
    kafka.produce_clicks(kafka.topic(names["topics.clicks"]),
                         paths(begin_now(), 2000, groups=range(400), tail="-" + "x" * 1000))
    kafka.topic(names["topics.embeddings"], cleanup_policy="compact")
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.brokers, "group.id": "watch", "fetch.wait.max.ms": 1,
                                         "isolation.level": "read_uncommitted", "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(names["topics.embeddings"], 0, confluent_kafka.OFFSET_BEGINNING)])
    daemon = hiphopd(kafka, names).ready()
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message and not message.error():
            break
    return names, daemon, consumer


def test_one_that_is_killed_in_the_middle_is_repaired(kafka, hiphopd, tmp_path):
    names, daemon, consumer = large(kafka, hiphopd)
    daemon.kill()
    consumer.close()
    left = Snapshot(kafka.read(names["topics.embeddings"], committed=False))
    assert left.begin and not left.end, "the snapshot was too fast for this test"
    done = export(kafka, names, tmp_path / "items", check=False)
    assert done.returncode == 1, "half a snapshot is none"
    daemon.start().ready()
    says, read = snapshot(kafka, names)
    assert says["since_full"] == 0 and says["written"] == says["count"] > 1000
    _model, wanted = of_model(kafka, names, says["version"], tmp_path)
    assert {item: vector.tobytes() for item, (vector, _version) in read.vectors.items()} == {
        item: vector.tobytes() for item, vector in wanted.items()}
    export(kafka, names, tmp_path / "items")


def test_it_stops_soon_while_it_publishes(kafka, hiphopd):
    names, daemon, consumer = large(kafka, hiphopd)
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < 3
    consumer.close()
    daemon.start().ready()
    says, _read = snapshot(kafka, names)
    assert says["count"] > 1000
