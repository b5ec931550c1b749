"""./dev kafka: brokers side by side, and stop ends none but its own."""
import os
import subprocess

import harness


def dev_kafka(*arguments):
    return subprocess.run([os.path.join(harness.TOP, "dev"), "kafka", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)


def test_two_brokers_side_by_side(kafka, own_kafka):
    assert kafka.brokers != own_kafka.brokers
    topic = own_kafka.topic()
    own_kafka.produce(topic, [("k", "v", None)])
    assert topic not in kafka.topics()


def test_a_second_broker_with_the_same_data_is_refused(own_kafka):
    done = dev_kafka("start", "--data", own_kafka.directory)
    assert done.returncode == 1 and "running already" in done.stdout


def test_a_port_that_is_taken_is_refused(kafka, tmp_path):
    done = dev_kafka("start", "--data", str(tmp_path / "d"), "--port", kafka.brokers.split(":")[1])
    assert done.returncode == 1 and "is taken" in done.stdout


def test_stop_ends_nothing_of_somebody_else(tmp_path):
    # The broker has long gone, and its process id has come to somebody else: us.
    (tmp_path / "kafka.pid").write_text(str(os.getpid()))
    assert dev_kafka("stop", "--data", str(tmp_path)).returncode == 0
