"""Texts of items become vectors on the topic of item vectors, whatever the provider of vectors does meanwhile."""

import json
import os
import time

import harness
import pytest
from embeddings import Embeddings, vector_of
from harness import wait_until
from test_records import by_schema, schema

KEY = "sk-hiphop-0123456789-secret"


@pytest.fixture
def endpoint():
    started = []

    def start(**options):
        started.append(Embeddings(**options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


class Shop:
    """Topics of a test, and what hiphopd is told about them."""

    def __init__(self, kafka, partitions=2):
        self.kafka, self.names = kafka, harness.own_names()
        for topic in ("clicks", "items", "item_vectors"):
            compact = {"cleanup_policy": "compact"} if topic != "clicks" else {}
            kafka.topic(self.names[f"topics.{topic}"], partitions=partitions, **compact)

    def options(self, url=None, **more):
        http = {"semantics.provider": "http", "semantics.url": url, "semantics.model": "stub",
                "semantics.timeout": "10s", "semantics.longest_pause": "400ms"} if url else {"semantics.provider": "hashing"}
        return {**self.names, "semantics.template": "{title} by {brand}", **http, **more}

    def announce(self, items):
        """items: {id: title, a dict, bytes, or None to withdraw}."""
        def value(item):
            return item if item is None or isinstance(item, bytes) else json.dumps(
                item if isinstance(item, dict) else {"title": item})
        self.kafka.produce(self.names["topics.items"], [(key, value(item), None) for key, item in items.items()])

    def records(self):
        return self.kafka.read(self.names["topics.item_vectors"])

    def vectors(self):
        """{item: record} of source text, the newest of each; None where it was taken away."""
        found = {}
        for record in self.records():
            source, item = record.key.decode().split("/", 1)
            if source == "text":
                found[item] = record.value and by_schema(schema("item-vector.avsc"), record.value)
        return found

    def wait(self, items, timeout=30):
        items = set(items)
        wait_until(lambda: items <= {item for item, record in self.vectors().items() if record}, timeout,
                   f"vectors of {sorted(items)[:5]}")
        return self.vectors()


def titles(count, what="kite", first=0):
    return {f"{what}{i}": f"{what} number {i}" for i in range(first, first + count)}


def test_hashing(kafka, hiphopd):
    shop = Shop(kafka)
    shop.announce({"a": {"title": "red snowboard", "brand": "Peak"}, "b": {"title": ["blue", "snowboards"]}, "c": {"x": 1},
                   "d": b"no JSON", "e": "!!!"})
    daemon = hiphopd(kafka, shop.options()).ready()
    found = shop.wait("ab")
    assert set(found) == {"a", "b"}
    assert found["a"]["width"] == len(found["a"]["vector"]) == 512 and found["a"]["model"] == "hashing-512"
    dot = sum(x * y for x, y in zip(found["a"]["vector"], found["b"]["vector"]))
    assert 0.02 < dot < 0.95  # "snowboard" is in both
    metrics = daemon.metrics()
    assert metrics['hiphop_semantics_items_total{outcome="empty"}'] == 2
    assert metrics['hiphop_semantics_items_total{outcome="malformed"}'] == 1
    # A text that changes, and an item that goes.
    shop.announce({"a": "green kayak", "b": None})
    wait_until(lambda: shop.vectors()["b"] is None and shop.vectors()["a"] != found["a"], 20, "the changes")
    assert daemon.stop() == 0


def test_http(kafka, hiphopd, endpoint, tmp_path):
    """Batches, order by index, the same text paid once, nothing paid again after a restart; and the key stays secret."""
    shop, stub = Shop(kafka), endpoint(key=KEY)
    (tmp_path / "key").write_text(KEY + "\n")
    shop.announce({**titles(300), "twin": "kite number 7"})
    daemon = hiphopd(kafka, shop.options(stub.url, **{"semantics.key_file": tmp_path / "key", "semantics.batch": 50,
                                                     "log.level": "debug"})).ready()
    found = shop.wait([*titles(300), "twin"])
    for item, title in titles(300).items():
        assert found[item]["vector"] == pytest.approx(vector_of(title, 8), abs=1e-6)
        assert found[item]["model"] == "stub"
    assert found["twin"]["vector"] == found["kite7"]["vector"] and found["twin"]["text_hash"] == found["kite7"]["text_hash"]
    assert len(stub.paid) == 300 and set(stub.paid.values()) == {1}
    assert max(texts for _, texts, _ in stub.requests) <= 50 and stub.most_under_way <= 2
    assert len(stub.requests) < 150
    assert {said for _, _, said in stub.requests} == {f"Bearer {KEY}"}
    # Their texts are known of other items.
    twins = {f"twin of {item}": title for item, title in titles(100).items()}
    shop.announce(twins)
    later = shop.wait(twins)
    assert all(later[f"twin of {item}"]["vector"] == found[item]["vector"] for item in titles(100))
    assert daemon.metrics()['hiphop_semantics_texts_total'] == 300 == sum(stub.paid.values())
    assert daemon.metrics()["hiphop_semantics_up"] == 1
    page = daemon.get("/")[1]
    assert "texts made vectors" in page and KEY not in page + daemon.get("/metrics")[1]
    assert daemon.stop() == 0
    before = len(shop.records())
    daemon.start().ready()
    shop.announce({"new": "a new one"})
    shop.wait(["new"])
    assert sum(stub.paid.values()) == 301 and len(shop.records()) == before + 1
    assert daemon.stop() == 0
    assert KEY not in daemon.log_text()


def test_answers_that_are_written_for_people(kafka, hiphopd, endpoint):
    """A line for each number, far to the right: also where the width is known, and with it how long an answer may be."""
    shop, stub = Shop(kafka), endpoint(width=1536)
    stub.behaviour = lambda _texts, answer: (200, {}, json.dumps(answer[2], indent=8).encode())
    daemon = hiphopd(kafka, shop.options(stub.url)).ready()
    for count in (1, 40):
        shop.announce(titles(count))
        shop.wait(titles(count))
    assert len(stub.requests) < 40
    assert not any(count for name, count in daemon.metrics().items() if name.startswith("hiphop_semantics_failures_total"))


def test_two_instances_pay_once(kafka, hiphopd, endpoint):
    shop, stub = Shop(kafka, partitions=4), endpoint()
    shop.announce({**titles(200), **{f"same{i}": f"the same {i % 10}" for i in range(200)}})
    daemons = [hiphopd(kafka, shop.options(stub.url)) for _ in range(2)]
    for daemon in daemons:
        daemon.ready()
    shop.wait([*titles(200), *(f"same{i}" for i in range(200))])
    assert len(stub.paid) == 210 and set(stub.paid.values()) == {1}
    # Whoever has the office goes, one way and the other; the next one pays for what is new only.
    for number, end in enumerate(("stop", "kill")):
        maker = max(daemons, key=lambda one: one.metrics().get("hiphop_semantics_queue_items", -1))
        getattr(maker, end)()
        shop.announce(titles(20, f"late{number}"))
        shop.wait(titles(20, f"late{number}"), timeout=60)
        maker.start().ready()
    assert len(stub.paid) == 250 and set(stub.paid.values()) == {1}


def down_then_up(stub, _kafka):
    return lambda texts, answer: (503, {}, b"out of order")


def slow(stub, _kafka):
    def behave(texts, answer):
        time.sleep(3)  # semantics.timeout is 2 s
        return answer
    return behave


def wrong_width(stub, _kafka):
    def behave(texts, answer):
        return (200, {}, {"data": [{"index": i, "embedding": [1.0] * 5} for i in range(len(texts))]})
    return behave


def garbage(stub, _kafka):
    return lambda texts, answer: (200, {}, b'{"data": [{"index": 0, "embedding": [NaN, 1')


def not_finite(stub, _kafka):
    return lambda texts, answer: (200, {}, {"data": [{"index": i, "embedding": [1e300] * 8} for i in range(len(texts))]})


def too_few(stub, _kafka):
    return lambda texts, answer: (200, {}, {"data": answer[2]["data"][1:]})


def one_twice(stub, _kafka):
    return lambda texts, answer: (200, {}, {"data": [answer[2]["data"][0]] * (len(texts) + (len(texts) == 1))})


@pytest.mark.parametrize("trouble, reason", [
    (down_then_up, "server_error"), (slow, "timeout"), (wrong_width, "wrong_width"), (garbage, "malformed"),
    (not_finite, "malformed"), (too_few, "wrong_count"), (one_twice, "wrong_count")])
def test_a_provider_that_fails_and_recovers(kafka, hiphopd, endpoint, trouble, reason):
    shop, stub = Shop(kafka), endpoint()
    daemon = hiphopd(kafka, shop.options(stub.url, **{"semantics.width": 8, "semantics.timeout": "2s"})).ready()
    shop.announce(titles(5))
    shop.wait(titles(5))
    stub.behaviour = trouble(stub, kafka)
    shop.announce(titles(30, "during"))
    failed = f'hiphop_semantics_failures_total{{reason="{reason}"}}'
    wait_until(lambda: daemon.metrics()[failed] >= 3, 30, "three failures")
    metrics = daemon.metrics()
    assert metrics["hiphop_semantics_up"] == 0 and metrics["hiphop_semantics_queue_items"] == 30
    assert not set(shop.vectors()) & set(titles(30, "during"))
    # All else goes on.
    begin = int(time.time() * 1000)
    kafka.produce_clicks(shop.names["topics.clicks"], [("ann", "kite1", begin), ("ann", "kite2", begin + 10)])
    assert len(kafka.wait(shop.names["topics.recommendations"], 2)) == 2
    assert daemon.get("/health")[0] == 200 and daemon.get("/ready")[0] == 200
    assert daemon.log_text().count("no vectors from the provider") <= 2  # once a minute
    stub.behaviour = None
    shop.wait(titles(30, "during"), timeout=30)
    assert daemon.metrics()["hiphop_semantics_up"] == 1 and daemon.metrics()['hiphop_semantics_items_total{outcome="given_up"}'] == 0
    assert all(record["width"] == 8 for record in shop.vectors().values())
    assert daemon.stop() == 0


def test_nobody_listens_at_first(kafka, hiphopd, endpoint):
    shop, port = Shop(kafka), harness.refusing_port()
    shop.announce(titles(10))
    daemon = hiphopd(kafka, shop.options(f"http://127.0.0.1:{port}/v1/embeddings")).ready()
    wait_until(lambda: daemon.metrics()['hiphop_semantics_failures_total{reason="unreachable"}'] >= 2, 30, "failures")
    harness.release(port)
    stub = endpoint(port=port)
    shop.wait(titles(10))
    assert set(stub.paid.values()) == {1}


def test_retry_after(kafka, hiphopd, endpoint):
    """429 with Retry-After: no request before that time, though pauses of its own would be shorter."""
    shop, stub = Shop(kafka), endpoint()
    stub.behaviour = lambda texts, answer: (429, {"Retry-After": "2"}, {"error": {"message": "slow down"}})
    shop.announce(titles(10))
    daemon = hiphopd(kafka, shop.options(stub.url)).ready()
    wait_until(lambda: stub.requests, 30, "a request")
    time.sleep(1)
    stub.behaviour = None
    shop.wait(titles(10))
    times = [when for when, _, _ in stub.requests]
    # Two requests may have been under way when it said so.
    assert not [when for when in times if times[0] + 0.3 < when < times[0] + 1.9]
    assert daemon.metrics()['hiphop_semantics_failures_total{reason="rate_limited"}'] >= 1
    assert set(stub.paid.values()) == {1}


def test_one_text_that_it_can_not_take(kafka, hiphopd, endpoint):
    """It is found by halving, given up, and the others have their vectors; also after it comes again."""
    shop, stub = Shop(kafka), endpoint()
    stub.behaviour = lambda texts, answer: (400, {}, b"too long") if any("kite number 13" in text for text in texts) else answer
    shop.announce(titles(20))
    daemon = hiphopd(kafka, shop.options(stub.url)).ready()
    good = [item for item in titles(20) if item != "kite13"]
    shop.wait(good)
    given_up = 'hiphop_semantics_items_total{outcome="given_up"}'

    def kept_busy():  # others must be taken for it to be to blame
        shop.announce(titles(1, f"more{time.monotonic_ns()}"))
        return daemon.metrics()[given_up] == 1

    wait_until(kept_busy, 30, "one given up")
    assert "kite13" not in shop.vectors() and set(stub.paid.values()) == {1}
    stub.behaviour = None
    shop.announce({"kite13": "kite number 13"})
    shop.wait(["kite13"])


def test_a_wrong_key_is_replaced(kafka, hiphopd, endpoint, tmp_path):
    """By a systemd credential whose file changes; what the endpoint says of the wrong one is not repeated."""
    shop, stub = Shop(kafka), endpoint(key=KEY)
    (tmp_path / "embeddings-key").write_text("sk-wrong-key")
    shop.announce(titles(3))
    daemon = hiphopd(kafka, shop.options(stub.url, **{"semantics.key_file": "embeddings-key", "log.level": "debug"}),
                     environment={"CREDENTIALS_DIRECTORY": str(tmp_path)}).ready()
    wait_until(lambda: daemon.metrics()['hiphop_semantics_failures_total{reason="denied"}'] >= 1, 30, "denied")
    (tmp_path / "embeddings-key").write_text(KEY)
    shop.wait(titles(3))
    assert daemon.stop() == 0
    said = daemon.log_text()
    assert "semantics.key_file" in said and "sk-" not in said


def test_key_of_the_environment(kafka, hiphopd, endpoint):
    shop, stub = Shop(kafka), endpoint(key=KEY)
    shop.announce(titles(3))
    daemon = hiphopd(kafka, shop.options(stub.url), environment={"HIPHOP_SEMANTICS_KEY": KEY}).ready()
    shop.wait(titles(3))
    assert daemon.stop() == 0 and KEY not in daemon.log_text()


def test_another_model_makes_them_anew(kafka, hiphopd, endpoint):
    shop, stub = Shop(kafka), endpoint()
    shop.announce(titles(20))
    daemon = hiphopd(kafka, shop.options(stub.url)).ready()
    shop.wait(titles(20))
    assert daemon.stop() == 0
    wider = endpoint(width=12)
    daemon.options.update({"semantics.url": wider.url, "semantics.model": "wider"})
    daemon.start().ready()
    wait_until(lambda: {record["width"] for record in shop.vectors().values()} == {12}, 30, "all anew")
    assert len(wider.paid) == 20 and set(wider.paid.values()) == {1}
    assert daemon.stop() == 0


def test_items_in_avro(kafka, hiphopd, endpoint, tmp_path):
    from test_records import in_schema
    shop, stub = Shop(kafka), endpoint()
    text = json.dumps({"type": "record", "name": "Item", "fields": [
        {"name": "about", "type": {"type": "record", "name": "About", "fields": [
            {"name": "title", "type": ["null", "string"]}, {"name": "year", "type": "int"}]}}]})
    (tmp_path / "item.avsc").write_text(text)
    shop.announce({"a": in_schema(text, {"about": {"title": "Vertigo", "year": 1958}}),
                   "b": in_schema(text, {"about": {"title": None, "year": 1960}}), "c": b"\x00"})
    daemon = hiphopd(kafka, shop.options(stub.url, **{
        "items.format": "avro", "items.schema": tmp_path / "item.avsc", "item_vectors.format": "json",
        "semantics.template": "{about.title} ({about.year})"})).ready()
    wait_until(lambda: len(shop.records()) == 2, 30, "two vectors")
    wait_until(lambda: daemon.metrics()['hiphop_semantics_items_total{outcome="malformed"}'] == 1, 30, "one malformed")
    assert set(stub.paid) == {"Vertigo (1958)", "1960"} or set(stub.paid) == {"Vertigo (1958)", "1960)"}
    for record in shop.records():
        value = json.loads(record.value)
        assert list(value) == ["source", "item", "model", "text_hash", "width", "vector"]
        assert record.key.decode() == f"text/{value['item']}"
    assert daemon.stop() == 0


def test_check_tells(kafka, tmp_path):
    """--check reads the key's file and the template, and shows nothing of the key."""
    import subprocess
    shop = Shop(kafka)
    (tmp_path / "key").write_text(KEY)

    def run(*more):
        options = shop.options("https://127.0.0.1:1/v1/embeddings", **dict(more))
        words = [word for key, value in {**options, "kafka.brokers": kafka.brokers}.items() for word in ("--set", f"{key}={value}")]
        return subprocess.run([os.path.join(harness.BIN, "hiphopd"), "--check", *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, timeout=60, check=False)

    good = run(("semantics.key_file", tmp_path / "key"))
    assert good.returncode == 0 and "{title} by {brand}" in good.stdout and KEY not in good.stdout
    assert f"topic {shop.names['topics.item_vectors']} has 2 partitions" in good.stdout
    missing = run(("semantics.key_file", tmp_path / "none"))
    assert missing.returncode != 0 and "semantics.key_file" in missing.stdout
    for option, value in (("semantics.template", "no field"), ("semantics.source", "a/b"), ("semantics.url", "ftp://x"),
                          ("semantics.url", f"https://user:{KEY}@x/"), ("items.format", "avro")):
        wrong = run((option, value))
        assert wrong.returncode != 0 and option in wrong.stdout and KEY not in wrong.stdout, wrong.stdout
