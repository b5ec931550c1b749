"""Fixtures: `kafka`, one broker for the whole run (use topics of your own names); `own_kafka`, a broker that
the test may stop, kill and start again; `hiphopd`, which starts daemons and ends them with the test."""
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402


def pytest_configure():
    def interrupted(_number, _frame):
        raise KeyboardInterrupt  # so that fixtures stop what they have started
    for number in (signal.SIGTERM, signal.SIGINT):  # SIGINT too: who runs in the background inherits it ignored
        signal.signal(number, interrupted)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    broker = harness.Kafka(tmp_path_factory.mktemp("kafka"))
    try:
        yield broker.start()
    finally:
        broker.stop()


@pytest.fixture
def own_kafka(tmp_path):
    broker = harness.Kafka(tmp_path / "kafka")
    try:
        yield broker.start()
    finally:
        broker.stop()


@pytest.fixture
def hiphopd(tmp_path):
    daemons = []

    def start(broker, options, name=None, environment=None):
        daemon = harness.Hiphopd(tmp_path, broker, options, name or f"hiphopd-{len(daemons) + 1}", environment)
        daemons.append(daemon)
        return daemon.start()

    yield start
    for daemon in daemons:
        if daemon.process and daemon.process.poll() is None:
            daemon.kill()
    for daemon in daemons:
        assert not daemon.sanitizer_report(), daemon.sanitizer_report()


@pytest.fixture(autouse=True)
def fresh_logs():
    harness.logs.clear()
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for log in dict.fromkeys(harness.logs):
            if os.path.exists(log):
                report.sections.append((f"the end of {log}", harness.tail(log)))
