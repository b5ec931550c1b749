"""hiphop replay, simulate and watch against a real Kafka."""
import collections
import gzip
import json
import os
import re
import signal
import subprocess
import time

import confluent_kafka
import pytest

import harness

HIPHOP = os.path.join(harness.BIN, "hiphop")


def hiphop(*arguments, status=0, **options):
    done = subprocess.run([HIPHOP, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, check=False, **options)
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def clicks(count, start=881250949000):
    """Old event times, and visitors that only UTF-8 and JSON escapes can write."""
    return [(f"v{n * 7919 % 100}" if n % 10 else 'Zoë "Z"\\', f"item {n % 37}", start + n * 1000 - n % 3 * 500)
            for n in range(count)]


def write_clicks(path, rows):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write("visitor\titem\tunix_ms\n")
        file.writelines(f"{visitor}\t{item}\t{when}\n" for visitor, item, when in rows)
    return path


def length(kafka, topic):
    """Records in a topic that may be growing all the time (harness.read waits for its end)."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.brokers, "group.id": "length"})
    try:
        ends = [consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, number), timeout=30)
                for number in consumer.list_topics(topic, timeout=30).topics[topic].partitions]
        return sum(end - begin for begin, end in ends)
    finally:
        consumer.close()


def as_clicks(records):
    return [(value["visitor"], value["item"], value["timestamp"]) for value in map(json.loads, (r.value for r in records))]


def test_replay_sends_every_click_once_keyed_and_timed(kafka, tmp_path):
    rows, topic = clicks(30000), kafka.topic(partitions=4)
    path = write_clicks(tmp_path / "clicks.tsv.gz", rows)
    done = hiphop("replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", topic)
    assert "sent 30,000 clicks" in done.stdout and "acknowledged: 30,000 of 30,000" in done.stdout
    records = kafka.read(topic)
    assert sorted(as_clicks(records)) == sorted(rows)
    partition_of = {}
    order = collections.defaultdict(list)
    for record in records:
        visitor, _, when = as_clicks([record])[0]
        assert record.key.decode() == visitor and record.timestamp == when
        assert partition_of.setdefault(visitor, record.partition) == record.partition
        order[visitor].append(as_clicks([record])[0])
    for visitor, mine in order.items():
        assert mine == [row for row in rows if row[0] == visitor], "in the order of the file"
    assert len(set(partition_of.values())) == 4


def test_replay_partitions_as_java_clients_do(kafka, tmp_path):
    rows = clicks(2000)
    ours, theirs = kafka.topic(partitions=7), kafka.topic(partitions=7)
    hiphop("replay", "--clicks", write_clicks(tmp_path / "clicks.tsv", rows), "--brokers", kafka.brokers,
           "--topic", ours)
    kafka.produce_clicks(theirs, rows)  # the harness says murmur2
    where = [{record.key: record.partition for record in kafka.read(topic)} for topic in (ours, theirs)]
    assert where[0] == where[1]


def test_replay_makes_the_topic_and_sends_items(kafka, tmp_path):
    items = [{"id": "item 1", "title": "Amélie (2001)", "genres": ["Comedy"]}, {"item": 7, "title": "Heat"}]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    path = write_clicks(tmp_path / "clicks.tsv", clicks(10))
    hiphop("replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", "made-clicks", "--partitions", 3,
           "--items", tmp_path / "items.jsonl", "--items-topic", "made-items", "--limit", 5)
    assert len(kafka.read("made-clicks")) == 5
    assert kafka.topic_config("made-clicks")["cleanup.policy"] == "delete"
    made = kafka.topic_config("made-items")
    assert made["cleanup.policy"] == "compact" and made["delete.retention.ms"] == "315360000000", "withdrawals stay"
    assert {r.key: json.loads(r.value) for r in kafka.read("made-items")} == {b"item 1": items[0], b"7": items[1]}


def test_replay_from_standard_input_leaves_out_what_is_no_click(kafka, tmp_path):
    topic = kafka.topic()
    path = write_clicks(tmp_path / "clicks.tsv", clicks(3))
    with open(path, "ab") as file:
        file.write(b"v1\tonly two\nv\xff\titem 1\t4000\nv1\titem 1\t5000\n")
    done = subprocess.run([HIPHOP, "replay", "--clicks", "-", "--brokers", kafka.brokers, "--topic", topic],
                          stdin=open(path, "rb"), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "2 lines are no clicks" in done.stderr and "line 5" in done.stderr
    assert len(kafka.read(topic)) == 4


def test_replay_says_that_there_is_no_click(kafka, tmp_path):
    path = write_clicks(tmp_path / "clicks.tsv", [])
    done = hiphop("replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", kafka.topic(), status=1)
    assert f"{path}: there is no click in it" in done.stderr and not done.stdout
    # Items alone are something to send.
    (tmp_path / "items.jsonl").write_text('{"id": "i", "title": "Heat"}\n', encoding="utf-8")
    items = kafka.topic(cleanup_policy="compact")
    hiphop("replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", kafka.topic(), "--items", tmp_path / "items.jsonl",
           "--items-topic", items)
    assert len(kafka.read(items)) == 1


def test_replay_tells_the_span_of_times_that_are_out_of_order(kafka, tmp_path):
    path = write_clicks(tmp_path / "clicks.tsv", [("v", "i", day * 86400000 + 43200000) for day in (2, 1, 4, 3)])
    done = hiphop("replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", kafka.topic())
    assert re.search(r"event times 1970-01-02 \S+ to 1970-01-05 ", done.stdout), done.stdout


def test_replay_warns_when_the_brokers_will_delete_what_it_sends(kafka, tmp_path):
    path = write_clicks(tmp_path / "clicks.tsv", clicks(10))
    for config, warns in ({"retention_ms": 7 * 86400000}, True), ({"retention_ms": -1}, False):
        done = hiphop("replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", kafka.topic(**config))
        assert ("retention.ms" in done.stderr) == warns
        assert not warns or "for 7 days" in done.stderr


def test_replay_shifts_event_times_to_now(kafka, tmp_path):
    topic = kafka.topic()
    rows = clicks(1000)
    path = write_clicks(tmp_path / "clicks.tsv", rows)
    before = time.time() * 1000
    hiphop("replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", topic, "--shift-to-now")
    got = as_clicks(kafka.read(topic))
    shift = {mine[2] - row[2] for mine, row in zip(got, rows)}
    assert len(shift) == 1, "one shift for all: sessions stay what they were"
    assert before - 1000 <= max(row[2] for row in got) <= time.time() * 1000, "the last click is now"


def test_replay_keeps_the_tempo(kafka, tmp_path):
    topic = kafka.topic()
    path = write_clicks(tmp_path / "clicks.tsv", [("v", "i", 1000 * n) for n in range(41)])  # 40 s
    begun = time.monotonic()
    hiphop("replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", topic, "--speed", 20)
    assert time.monotonic() - begun >= 2
    assert len(kafka.read(topic)) == 41


def test_replay_in_avro(kafka, tmp_path):
    topic = kafka.topic()
    hiphop("replay", "--clicks", write_clicks(tmp_path / "clicks.tsv", [("v1", "i1", 3)]), "--brokers", kafka.brokers,
           "--topic", topic, "--format", "avro")
    assert [record.value for record in kafka.read(topic)] == [b"\x04v1\x04i1\x06"]


def test_ctrl_c_ends_replay_in_good_order(kafka, tmp_path):
    topic = kafka.topic()
    path = write_clicks(tmp_path / "clicks.tsv", [("v", "i", 100 * n) for n in range(100000)])
    process = subprocess.Popen([HIPHOP, "replay", "--clicks", path, "--brokers", kafka.brokers, "--topic", topic,
                                "--speed", "10"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    harness.wait_until(lambda: length(kafka, topic) > 10, 30, "some clicks")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    sent = int(re.search(r"interrupted; sent (\d+) clicks", out.replace(",", "")).group(1))
    assert f"acknowledged: {sent} of {sent}" in out.replace(",", "")
    assert len(kafka.read(topic)) == sent < 100000


def test_replay_fails_when_a_click_is_not_acknowledged(own_kafka, tmp_path):
    topic = own_kafka.topic()
    path = write_clicks(tmp_path / "clicks.tsv", [("v", "i", 10 * n) for n in range(100000)])
    process = subprocess.Popen([HIPHOP, "replay", "--clicks", path, "--brokers", own_kafka.brokers, "--topic", topic,
                                "--speed", "10", "--property", "message.timeout.ms=2000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    harness.wait_until(lambda: length(own_kafka, topic) > 10, 30, "some clicks")
    own_kafka.kill()
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1 and "not acknowledged" in error


def test_a_broker_that_is_not_there_is_named(tmp_path):
    path = write_clicks(tmp_path / "clicks.tsv", clicks(3))
    brokers = f"127.0.0.1:{harness.refusing_port()}"
    done = hiphop("replay", "--clicks", path, "--brokers", brokers, status=1)
    assert "does not answer" in done.stderr and "refused" in done.stderr
    assert "|FAIL|" not in done.stderr, "no chatter of the client"
    error = hiphop("watch", "--brokers", brokers, status=1).stderr
    assert f"topic 'hiphop.recommendations' can't be read: no broker answers at {brokers}" in error


@pytest.mark.parametrize("command", ["replay", "watch"])
def test_ctrl_c_ends_the_wait_for_a_broker(tmp_path, command):
    brokers = f"127.0.0.1:{harness.refusing_port()}"
    more = ["--clicks", write_clicks(tmp_path / "clicks.tsv", clicks(3))] if command == "replay" else []
    process = subprocess.Popen([HIPHOP, command, "--brokers", brokers, *map(str, more)], stderr=subprocess.PIPE)
    time.sleep(1)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT and time.monotonic() - begun < 3, "a shell calls it 130"


# ---- simulate ----

def test_simulate_sends_what_it_would_write_into_a_file(kafka, tmp_path):
    topic, items = kafka.topic(partitions=4), kafka.topic(**{"cleanup_policy": "compact"})
    shop = ["--items", 200, "--limit", 20000, "--start", "2026-01-01", "--turnover", 500, "--seed", 7, "--faults"]
    hiphop("simulate", "--brokers", kafka.brokers, "--topic", topic, "--items-topic", items, "--rate", 0, *shop)
    hiphop("simulate", "--out", tmp_path / "clicks.tsv", "--items-out", tmp_path / "items.jsonl", *shop)
    lines = (tmp_path / "clicks.tsv").read_text(encoding="latin-1").splitlines()[1:]
    rows = [tuple(line.split("\t")) for line in lines]
    good = sorted((visitor, item, int(when)) for row in rows if len(row) == 3 for visitor, item, when in [row])
    records, found, malformed = kafka.read(topic), [], 0
    for record in records:
        try:
            value = json.loads(record.value)
            assert value["visitor"] == record.key.decode() and re.fullmatch(r"i\d+", value["item"])
            assert isinstance(value["timestamp"], int) and value["timestamp"] == record.timestamp
            found.append((value["visitor"], value["item"], value["timestamp"]))
        except (ValueError, TypeError, KeyError, AssertionError):
            malformed += 1
    assert len(records) == 20000 and sorted(found) == good
    assert malformed == len(rows) - len(good) > 5
    published = kafka.read(items)
    written = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert [json.loads(r.value) for r in published if r.value] == written
    withdrawn = [r.key for r in published if r.value is None]
    assert len(written) == 200 + len(withdrawn) and len(withdrawn) > 0
    assert all(item["title"] and item["category"] for item in written)


def test_simulate_keeps_its_rate_and_ends_on_ctrl_c(kafka):
    topic = kafka.topic()
    process = subprocess.Popen([HIPHOP, "simulate", "--brokers", kafka.brokers, "--topic", topic, "--rate", "500"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 0
    count, seconds = re.search(r"simulated (\S+) records.* in (\S+) s", error).groups()
    count, seconds = int(count.replace(",", "")), float(seconds)
    assert len(kafka.read(topic)) == count
    assert count <= 700 * seconds, "never much faster than asked for"
    now = time.time() * 1000
    assert all(now - 60000 < record.timestamp <= now for record in kafka.read(topic)), "event time keeps with the clock"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_simulated_time_that_runs_faster_ends_by_now(kafka, seed):
    topic = kafka.topic()
    hiphop("simulate", "--brokers", kafka.brokers, "--topic", topic, "--rate", 2000, "--limit", 4000, "--speed", 600, "--seed", seed)
    behind = time.time() * 1000 - max(record.timestamp for record in kafka.read(topic))
    assert 0 <= behind < 600_000, "else the clicks of a next run would be late"


# ---- watch ----

def recommendations(session, clicked, position, items, when=881250949000):
    return ("v1", json.dumps({
        "visitor": "v1", "session_id": session, "clicked_item": clicked, "timestamp": when + 1000 * position,
        "position": position, "model_version": 0,
        "items": [{"item": item, "score": 0.25 / (rank + 1), "reason": "popular now"} for rank, item in enumerate(items)],
    }), when)


@pytest.fixture
def lists(kafka):
    topic = kafka.topic(partitions=2)
    kafka.produce(topic, [recommendations("0-1", "a", 1, ["b", "c"]), recommendations("0-1", "c", 2, ["a", "x"]),
                          recommendations("0-1", "y", 3, ["a", "x"])])
    return topic


def test_watch_shows_titles_verdicts_and_a_summary(kafka, lists, tmp_path):
    titles = kafka.topic(**{"cleanup_policy": "compact"})
    kafka.produce(titles, [("a", '{"id":"a","title":"Amélie (2001)"}', None), ("c", '{"title":"Heat (1995)"}', None),
                           ("b", None, None)])
    environment = dict(os.environ, TZ="UTC")
    out = hiphop("watch", "--brokers", kafka.brokers, "--topic", lists, "--items-topic", titles, "--from-beginning",
                 "--summary", env=environment).stdout
    assert "1997-12-04 15:55:51  v1  click 2: Amélie (2001) › Heat (1995)\n    ✓ rank 2 in the list before\n" in out
    assert "✗ not in the list before" in out and "     1  b" in out
    assert "3 lists in 1 session" in out and "2 of them were followed by a click: HR@20 50.0 %, MRR@20 25.0 %" in out
    assert "\033" not in out, "no colours in a pipe"
    (tmp_path / "items.jsonl").write_text('{"id":"a","title":"From a file"}\n')
    out = hiphop("watch", "--brokers", kafka.brokers, "--topic", lists, "--items", tmp_path / "items.jsonl",
                 "--from-beginning", "--limit", 1).stdout
    assert out.count("click ") == 1 and "From a file" in out


def test_watch_follows_and_passes_over_what_it_cannot_read(kafka, lists):
    process = subprocess.Popen([HIPHOP, "watch", "--brokers", kafka.brokers, "--topic", lists, "--from-beginning",
                                "--follow", "--visitor", "v1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    def until(words):
        while words not in (line := process.stdout.readline()):
            assert line, process.stderr.read()

    until("click 3")
    kafka.produce(lists, [("v1", b"junk", None), recommendations("0-1", "x", 4, ["a"])])
    until("click 4")
    assert "✓ rank 2" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 0 and "1 records could not be read" in error


def test_watch_says_when_a_topic_holds_no_lists(kafka):
    clicks = kafka.topic()
    kafka.produce_clicks(clicks, [("v1", "a", 1), ("v2", "b", 2)])
    error = hiphop("watch", "--brokers", kafka.brokers, "--topic", clicks, "--from-beginning", status=1).stderr
    assert f"no record of '{clicks}' holds a list" in error and "--format" in error


def test_watch_says_when_there_is_no_such_topic(kafka):
    assert "nosuch" in hiphop("watch", "--brokers", kafka.brokers, "--topic", "nosuch", status=1).stderr
