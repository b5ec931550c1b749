"""hiphopd as a service: what systemd is told, SIGHUP, health, and the exit codes of a run."""
import json
import os
import signal
import socket
import subprocess
import time

import pytest

import harness


@pytest.fixture
def systemd(monkeypatch):
    """The socket that systemd would read; daemons started by the test inherit its name."""
    name = f"\0hiphop-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        listener.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name[1:])
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        yield listener


def read_until(listener, wanted):
    """All states up to and with the wanted one."""
    states = []
    while True:
        states += listener.recv(4096).decode().split("\n")
        if any(state.startswith(wanted) for state in states):
            return states


def test_systemd_is_told(kafka, hiphopd, systemd):
    names = harness.own_names()
    kafka.topic(names["topics.clicks"], partitions=2)
    daemon = hiphopd(kafka, names)
    before = read_until(systemd, "READY=1")
    assert any(state.startswith("STATUS=") for state in before)
    assert daemon.get("/ready")[0] == 200, "READY is said when it is so"
    read_until(systemd, "WATCHDOG=1")
    read_until(systemd, "STATUS=0 clicks taken, 0 lists written")
    assert daemon.stop() == 0
    after = read_until(systemd, "STOPPING=1")
    assert "READY=1" not in after


def test_sighup(kafka, hiphopd, tmp_path):
    names = harness.own_names()
    settings = tmp_path / "hiphopd.conf"
    settings.write_text('log: { level = "info"; };\nrecommend: { max_age = "0"; };\n')

    class WithFile(harness.Hiphopd):
        def arguments(self):
            return [*super().arguments(), "--config", str(settings)]

    daemon = WithFile(tmp_path, kafka, names).start()
    try:
        daemon.ready()
        settings.write_text('log: { level = "debug"; };\nrecommend: { max_age = "1m"; k = 7; };\n')
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: daemon.metrics()['hiphop_config_reloads_total{outcome="refused"}'] == 1, 10, "SIGHUP")
        log = daemon.log_text()
        assert "recommend.max_age is now 1m; it was 0" in log and "log.level is now debug; it was info" in log
        assert "recommend.k = 7 takes a restart; it stays 20" in log

        settings.write_text('recommend: { max_age = "soon"; };\n')
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: daemon.metrics()['hiphop_config_reloads_total{outcome="refused"}'] == 2, 10, "SIGHUP")
        assert 'hiphopd.conf:1: recommend.max_age: \\"soon\\" is not a duration' in daemon.log_text()
        assert daemon.get("/health") == (200, "healthy: all threads move\n")

        # A level that falls shows its own change too, and then keeps what is below it to itself.
        settings.write_text('log: { level = "warning"; };\nrecommend: { max_age = "1m"; };\n')
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: "log.level is now warning; it was debug" in daemon.log_text(), 10, "the level's change")
        harness.wait_until(lambda: daemon.metrics()['hiphop_config_reloads_total{outcome="applied"}'] == 1, 10, "SIGHUP")
        settings.write_text('log: { level = "warning"; };\nrecommend: { max_age = "2m"; };\n')
        daemon.signal(signal.SIGHUP)
        harness.wait_until(lambda: daemon.metrics()['hiphop_config_reloads_total{outcome="applied"}'] == 2, 10, "SIGHUP")
        assert "max_age is now 2m" not in daemon.log_text()
        assert daemon.stop() == 0
    finally:
        if daemon.process.poll() is None:
            daemon.kill()


def test_the_page_of_a_running_daemon(kafka, hiphopd):
    names = harness.own_names()
    daemon = hiphopd(kafka, {**names, "recommend.max_age": "0"}).ready()
    kafka.produce_clicks(names["topics.clicks"], [("ann", item, 1_700_000_000_000 + 1000 * n)
                                                  for n, item in enumerate(["book", "lamp", "book", "chair"])])
    harness.wait_until(lambda: daemon.metrics()["hiphop_recommendations_total"] == 4, 30, "lists")
    harness.wait_until(lambda: daemon.metrics()["hiphop_live_targets_total"] == 3, 30, "judged clicks")
    status, page = daemon.get("/")
    assert status == 200 and "<b>Ready:</b>" in page and names["topics.clicks"] in page
    assert "what hiphop published" in page and "repeat" in page


@pytest.mark.skipif(not harness.LONG, reason="long tier")
def test_topics_that_somebody_deletes_are_made_again(kafka, hiphopd):
    names = {**harness.own_names(), "recommend.max_age": 0, "quality.interval": "1s"}
    clicks = kafka.topic(names["topics.clicks"])
    begin = int(time.time() * 1000) - 3_600_000
    kafka.produce_clicks(clicks, [(f"v{n % 5}", f"i{n % 7}", begin + 1000 * n) for n in range(50)])
    daemon = hiphopd(kafka, names).ready()
    kafka.wait(names["topics.recommendations"], 50)
    kafka.delete(names["topics.recommendations"], names["topics.quality"])
    kafka.produce_clicks(clicks, [(f"v{n % 5}", f"i{n % 7}", begin + 1000 * n) for n in range(50, 100)])
    lists = [json.loads(record.value) for record in kafka.wait(names["topics.recommendations"], 50, 90)]
    assert sorted({one["timestamp"] for one in lists}) == [begin + 1000 * n for n in range(50, 100)], "once each"
    assert len(lists) == 50
    assert kafka.topic_config(names["topics.quality"])["cleanup.policy"] == "compact"
    assert daemon.stop() == 0


def test_wrong_settings_are_errors_in_the_journal(tmp_path):
    journal = tmp_path / "journal"
    with open(journal, "w", encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        run = subprocess.run([os.path.join(harness.BIN, "hiphopd"), "--set", "recommend.k=0", "--set", "no.such=1"], stderr=file, check=False,
                             env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}, timeout=20)
    assert run.returncode == 2
    lines = journal.read_text().splitlines()
    assert len(lines) == 2 and all(line.startswith("<3>") for line in lines), lines


def test_exit_codes(kafka, hiphopd):
    # A topic with the wrong cleanup policy: trying again is no use.
    names = harness.own_names()
    kafka.topic(names["topics.sessions"], cleanup_policy="compact")
    daemon = hiphopd(kafka, names)
    assert daemon.process.wait(60) == 2
    assert names["topics.sessions"] in daemon.log_text()

    # A port that is taken may be free the next time.
    names = harness.own_names()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        daemon = hiphopd(kafka, {**names, "http.listen": f"127.0.0.1:{taken.getsockname()[1]}"})
        assert daemon.process.wait(60) == 1
        assert "Address already in use" in daemon.log_text()

    # Missing topics that it may not make.
    daemon = hiphopd(kafka, {**harness.own_names(), "topics.create": False})
    assert daemon.process.wait(60) == 2


def test_a_log_that_nobody_reads_stops_nothing(kafka, tmp_path):
    names = harness.own_names()
    kafka.topic(names["topics.clicks"])
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)

    class Unread(harness.Hiphopd):
        def start(self):
            self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stderr=writer,
                                            preexec_fn=harness.die_with_parent)
            return self

    daemon = Unread(tmp_path, kafka, names).start()
    try:
        daemon.log = os.devnull
        daemon.ready()
        begin = int(time.time() * 1000)
        kafka.produce(names["topics.clicks"], [(b"ann", b"no click", None)])
        kafka.produce_clicks(names["topics.clicks"], [("ann", "tea", begin)])
        assert kafka.wait(names["topics.recommendations"], 1)
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(10) == 0
    finally:
        daemon.process.kill()
        daemon.process.wait()
        os.close(reader)
        os.close(writer)


def test_stops_while_no_broker_answers(hiphopd):
    class Nowhere:
        brokers = f"127.0.0.1:{harness.refusing_port()}"

    daemon = hiphopd(Nowhere, {})
    harness.wait_until(lambda: daemon.get("/health")[0] == 200, 10, "HTTP")
    status, body = daemon.get("/ready")
    assert status == 503 and body == "not ready: looking for Kafka and its topics\n"
    assert daemon.stop(timeout=5) == 0
