"""A click goes in, a list comes out; hiphopd starts, says no, and stops as it should."""
import json
import os
import signal
import subprocess
import time

import harness


def now():
    return int(time.time() * 1000)


def test_clicks_become_lists_and_a_session(kafka, hiphopd):
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"], partitions=2)
    daemon = hiphopd(kafka, {**names, "session.gap": "2s", "session.lateness": "0", "session.idle_timeout": "1s"}).ready()
    with open(f"/proc/{daemon.process.pid}/comm", encoding="ascii") as name:
        assert name.read() == "hiphopd\n", "pgrep and top must find it, also where it ran itself again"
    begin = now() - 1000
    kafka.produce_clicks(clicks, [("ann", "tea", begin), ("bob", "tea", begin + 1), ("bob", "cup", begin + 2),
                                  ("ann", "milk", begin + 3)])
    lists = [json.loads(record.value) for record in kafka.wait(names["topics.recommendations"], 4)]
    assert sorted((one["visitor"], one["clicked_item"], one["position"]) for one in lists) == [
        ("ann", "milk", 2), ("ann", "tea", 1), ("bob", "cup", 2), ("bob", "tea", 1)]
    assert all(one["model_version"] == 0 for one in lists)
    sessions = [json.loads(record.value) for record in kafka.wait(names["topics.sessions"], 2)]
    assert sorted((one["visitor"], one["close_reason"], [click["item"] for click in one["clicks"]])
                  for one in sessions) == [("ann", "gap", ["tea", "milk"]), ("bob", "gap", ["tea", "cup"])]
    # Each list belongs to its session.
    assert {(one["visitor"], one["session_id"]) for one in lists} == {(one["visitor"], one["session_id"])
                                                                      for one in sessions}
    assert daemon.stop(5) == 0
    assert len(kafka.read(names["topics.dead_letters"])) == 0
    assert not [name for name in kafka.topics() if name.startswith("hiphop.")], "only topics that it was told to use"


def test_a_burst_into_an_empty_graph_gets_full_lists(kafka, hiphopd):
    """From the click on before which there were enough items, though all come at once."""
    names = harness.own_names()
    clicks = kafka.topic(names["topics.clicks"])
    hiphopd(kafka, names).ready()
    begin = now() - 100_000
    kafka.produce_clicks(clicks, [(f"v{n % 50}", f"i{n * 7 % 60}", begin + n) for n in range(600)])
    lists = sorted((json.loads(record.value) for record in kafka.wait(names["topics.recommendations"], 600)),
                   key=lambda one: one["timestamp"])
    assert [one["timestamp"] - begin for one in lists] == list(range(600))
    assert {len(one["items"]) for one in lists[60:]} == {20}


def test_it_stops_within_5_s_when_no_broker_answers(kafka, hiphopd):
    daemon = hiphopd(kafka, {"kafka.brokers": f"127.0.0.1:{harness.refusing_port()}"})
    harness.wait_until(lambda: daemon.get("/health")[0], 10, "an answer of /health")
    assert daemon.get("/ready")[0] == 503
    daemon.stop(5)


def test_a_broker_that_hangs(own_kafka, hiphopd):
    """It takes connections and answers nothing, as behind a wall: not ready, and it goes on where it was."""
    names = harness.own_names()
    clicks = own_kafka.topic(names["topics.clicks"])
    daemon = hiphopd(own_kafka, {**names, "session.idle_timeout": "1s"}).ready()
    begin = now() - 60_000
    own_kafka.produce_clicks(clicks, [("ann", "tea", begin)])
    own_kafka.wait(names["topics.recommendations"], 1)
    os.kill(own_kafka.pid, signal.SIGSTOP)
    try:
        harness.wait_until(lambda: daemon.get("/ready")[0] == 503, 40, "not ready while the broker hangs")
        assert daemon.get("/health")[0] == 200
    finally:
        os.kill(own_kafka.pid, signal.SIGCONT)
    daemon.ready()
    own_kafka.produce_clicks(clicks, [("ann", "cup", begin + 1)])
    own_kafka.wait(names["topics.recommendations"], 2)
    assert daemon.stop() == 0


def refused(*arguments):
    done = subprocess.run([os.path.join(harness.BIN, "hiphopd"), *arguments], stdin=subprocess.DEVNULL, timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
    assert done.returncode == 2, (done.returncode, done.stdout)
    return done.stdout


def test_what_is_wrong_is_said(tmp_path):
    assert "session.gap" in refused("--set", "session.gap=soon")
    assert "session.gap" in refused("--set", "session.gaap=30m")
    (tmp_path / "a.conf").write_text("session = {\n  gap = \"30m\";\n  lateness = \"often\";\n};\n")
    assert "a.conf:3" in refused("--config", str(tmp_path / "a.conf"))
    assert "enable.idempotence" in refused("--set", "kafka.properties=enable.idempotence=false")
    # What librdkafka says only as it makes a client.
    assert "retries" in refused("--set", "kafka.properties=retries=0")
