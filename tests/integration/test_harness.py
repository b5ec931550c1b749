"""The harness itself: a broker that loses nothing over kill -9, and that leaves with the test run."""
import os
import signal
import subprocess
import sys
import textwrap

import harness
import pytest


def test_records_come_back_in_order(kafka):
    topic = kafka.topic(partitions=2)
    kafka.produce(topic, [("a", f"v{n}", 1000 + n, n % 2) for n in range(10)])
    records = kafka.read(topic)
    assert [record.value for record in records] == [b"v%d" % n for n in (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)]
    assert [record.timestamp for record in records[:2]] == [1000, 1002]
    assert len(kafka.wait(topic, 10)) == 10


def test_a_killed_broker_comes_back_with_its_topics(own_kafka):
    topic = own_kafka.topic()
    own_kafka.produce(topic, [("k", "before", None)])
    brokers = own_kafka.brokers
    own_kafka.kill()
    own_kafka.start()
    assert own_kafka.brokers == brokers
    own_kafka.produce(topic, [("k", "after", None)])
    assert [record.value for record in own_kafka.read(topic)] == [b"before", b"after"]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running(tmp_path, signal_number):
    (tmp_path / "test_inner.py").write_text(textwrap.dedent("""
        import time
        def test_inner(own_kafka):
            print("PID", own_kafka.pid, flush=True)
            time.sleep(600)
    """))
    here = os.path.dirname(os.path.abspath(__file__))
    (tmp_path / "conftest.py").write_text(f"import sys\nsys.path.insert(0, {here!r})\n"
                                          f"exec(open({here + '/conftest.py'!r}).read())\n")
    inner = subprocess.Popen([sys.executable, "-B", "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider", str(tmp_path)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
                             start_new_session=True, preexec_fn=harness.die_with_parent)
    said = ""
    for line in inner.stdout:
        said += line
        if "PID" in line:
            break
    assert "PID" in said, said
    broker = int(said.split("PID")[1].split()[0])
    assert os.path.exists(f"/proc/{broker}")
    inner.send_signal(signal_number)
    inner.wait(60)
    inner.stdout.close()
    harness.wait_until(lambda: not os.path.exists(f"/proc/{broker}"), 30, "the broker's end")
