"""A real Kafka and real hiphopd processes for tests, and reading back what they wrote.

Everything listens on loopback on free ports, keeps its files in a directory of the test, and ends with the
test process, however that ends: brokers watch their owner (./dev kafka start --owner), daemons are killed by
the system when their parent is gone.

    def test_it(kafka, hiphopd):
        names = harness.own_names()                    # a group and topics that no other test uses
        kafka.topic(names["topics.clicks"], partitions=4)
        daemon = hiphopd(kafka, {**names, "session.gap": "30m"}).ready()
        kafka.produce_clicks(names["topics.clicks"], [("ann", "book", 1700000000000), ...])
        records = kafka.wait(names["topics.sessions"], count=10)
        daemon.kill()
        daemon.start().ready()
        assert daemon.stop() == 0
"""
import collections
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import confluent_kafka
import confluent_kafka.admin

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("HIPHOP_BIN", os.path.join(TOP, "build", "release", "bin"))
LONG = bool(os.environ.get("HH_TEST_LONG"))  # ./dev test --long

# Log files of what the running test has started; shown when it fails.
logs = []

Record = collections.namedtuple("Record", "topic partition offset key value headers timestamp")


def free_port():
    """A port that nobody listens on, and that the system won't give to an outgoing connection soon."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


held = {}  # sockets by port


def refusing_port():
    """A port that refuses connections, and that nobody else gets, until release() or the end of the process."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    held[port] = holder
    return port


def release(port):
    held.pop(port).close()


def wait_until(condition, timeout, what):
    """Polls until condition() is true, and returns what it gave; fails with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(0.05)


def tail(path, lines=60):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(collections.deque(file, lines))


def own_names():
    """Options of hiphopd: a consumer group and topics under names of their own, for a broker that tests share."""
    prefix = f"t{uuid.uuid4().hex[:8]}"
    topics = ("clicks", "items", "recommendations", "sessions", "dead_letters", "item_vectors", "models", "quality",
              "embeddings")
    return {"kafka.group": prefix, **{f"topics.{topic}": f"{prefix}.{topic}" for topic in topics}}


def training_names(**more):
    """own_names() of a daemon that trains a small network every second; more: options with __ for their dots."""
    return {**own_names(), "topics.partitions": 1, "recommend.max_age": 0, "session.idle_timeout": "0",
            "session.gap": "1m", "training.interval": "1s", "training.min_sessions": 300, "training.dimension": 16,
            **{key.replace("__", "."): value for key, value in more.items()}}


class Kafka:
    """A broker of its own. start() after stop() or kill() finds its topics again, on the same port. settings: lines for
    server.properties, with _ or . in their names; client: properties that every client of it needs."""

    def __init__(self, directory, client=None, **settings):
        self.directory = str(directory)
        self.settings = settings
        self._client = client or {}
        self.brokers = None
        self.pid = None
        self._admin = None

    def _dev(self, *arguments):
        done = subprocess.run([os.path.join(TOP, "dev"), "kafka", *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self):
        options = [word for key, value in self.settings.items()
                   for word in ("--set", f"{key.replace('_', '.')}={value}")]
        said = self._dev("start", "--data", self.directory, "--owner", str(os.getpid()), *options)
        self.brokers, self.pid = re.search(r"^brokers=(\S+) data=\S+ pid=(\d+)$", said, re.M).groups()
        self.pid = int(self.pid)
        logs.append(os.path.join(self.directory, "broker.log"))
        return self

    def stop(self):
        self._dev("stop", "--data", self.directory)

    def kill(self):
        """kill -9, as a machine that loses power."""
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not os.path.exists(f"/proc/{self.pid}"), 10, "the broker's end")

    @property
    def client(self):
        """The properties of a client of this broker."""
        return {"bootstrap.servers": self.brokers, **self._client}

    # ---- topics ----

    @property
    def admin(self):
        # Kept: its futures fail when it is collected.
        if self._admin is None:
            self._admin = confluent_kafka.admin.AdminClient(self.client)
        return self._admin

    def topic(self, name=None, partitions=1, **config):
        """Creates a topic (under a new name where none is given) and returns its name."""
        name = name or f"t-{uuid.uuid4().hex[:8]}"
        new = confluent_kafka.admin.NewTopic(name, partitions, 1, config={k.replace("_", "."): str(v)
                                                                          for k, v in config.items()})
        for future in self.admin.create_topics([new]).values():
            future.result(30)

        def is_known():  # what the controller has made, the broker learns a moment later
            found = self.admin.list_topics(name, timeout=30).topics[name]
            return not found.error and len(found.partitions) == partitions and all(
                part.leader >= 0 for part in found.partitions.values())

        wait_until(is_known, 30, f"topic {name}")
        return name

    def topics(self):
        return set(self.admin.list_topics(timeout=30).topics)

    def delete(self, *names):
        """Deletes topics, and returns when they are gone."""
        for future in self.admin.delete_topics(list(names)).values():
            future.result(30)
        wait_until(lambda: not set(names) & set(self.topics()), 30, f"{names} gone")

    def topic_config(self, name):
        """The configuration of a topic as {key: value}."""
        resource = confluent_kafka.admin.ConfigResource("topic", name)
        future = self.admin.describe_configs([resource])[resource]
        return {key: entry.value for key, entry in future.result(30).items()}

    def committed(self, group, topic):
        """{partition: (offset, metadata text)} of what the group has committed for the topic."""
        consumer = confluent_kafka.Consumer({**self.client, "group.id": group})
        try:
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            wanted = [confluent_kafka.TopicPartition(topic, number) for number in partitions]
            return {p.partition: (p.offset, getattr(p, "metadata", None)) for p in consumer.committed(wanted, timeout=30)
                    if p.offset >= 0}
        finally:
            consumer.close()

    def set_topic(self, name, **config):
        """Changes the configuration of a topic: all of it, what is not named goes back to the default."""
        resource = confluent_kafka.admin.ConfigResource("topic", name, set_config={
            k.replace("_", "."): str(v) for k, v in config.items()})
        self.admin.alter_configs([resource])[resource].result(30)

    # ---- records ----

    def produce(self, topic, records, **config):
        """Writes (key, value, timestamp in ms or None[, partition[, headers]]) in this order; waits for them all."""
        producer = confluent_kafka.Producer({**self.client, "acks": "all", "linger.ms": 5, "enable.idempotence": True,
                                             "partitioner": "murmur2_random", **config})
        failures = []

        def delivered(error, _message):
            if error:
                failures.append(error)

        for key, value, timestamp, *rest in records:
            options = {"timestamp": timestamp} if timestamp is not None else {}
            if rest and rest[0] is not None:
                options["partition"] = rest[0]
            if len(rest) > 1:
                options["headers"] = rest[1]
            while True:
                try:
                    producer.produce(topic, value, key, on_delivery=delivered, **options)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        assert producer.flush(60) == 0 and not failures, failures[:3]

    def produce_clicks(self, topic, clicks, **config):
        """Writes (visitor, item, time in ms[, partition]) as JSON clicks, keyed by visitor."""
        self.produce(topic, [(visitor, json.dumps({"visitor": visitor, "item": item, "timestamp": when}), when, *rest)
                             for visitor, item, when, *rest in clicks], **config)

    def read(self, topic, timeout=30, committed=True):
        """All records of a topic up to its end now, by partition and offset; of committed transactions only,
        unless told otherwise."""
        consumer = confluent_kafka.Consumer({
            **self.client, "group.id": f"read-{uuid.uuid4().hex}", "enable.auto.commit": False, "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed else "read_uncommitted"})
        try:
            found = consumer.list_topics(topic, timeout=timeout).topics[topic]
            if found.error:
                return []
            open_partitions = set(found.partitions)
            consumer.assign([confluent_kafka.TopicPartition(topic, number, confluent_kafka.OFFSET_BEGINNING)
                             for number in open_partitions])
            records, deadline = [], time.monotonic() + timeout
            while open_partitions:
                assert time.monotonic() < deadline, f"{topic}: partitions {open_partitions} did not end"
                for message in consumer.consume(10000, 0.2):
                    if not message.error():
                        records.append(Record(topic, message.partition(), message.offset(), message.key(),
                                              message.value(), dict(message.headers() or []), message.timestamp()[1]))
                        deadline = time.monotonic() + timeout
                    elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                        open_partitions.discard(message.partition())
                    elif not message.error().retriable() and message.error().fatal():
                        raise AssertionError(str(message.error()))
            return sorted(records, key=lambda record: record[1:3])
        finally:
            consumer.close()

    def read_json(self, topic, **options):
        """The values of read(), parsed."""
        return [json.loads(record.value) for record in self.read(topic, **options)]

    def wait(self, topic, count, timeout=60):
        """Reads the topic until it holds at least `count` committed records, and returns them all."""
        last = []

        def enough():
            nonlocal last
            last = self.read(topic) if topic in self.topics() else []
            return len(last) >= count

        try:
            wait_until(enough, timeout, f"{count} records in {topic}")
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {len(last)}") from None
        return last


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


class Hiphopd:
    """A hiphopd process. options: {"name": value, or a list of values} as for --set; its HTTP port and instance.id are chosen, and
    stay the same when it is started again."""

    def __init__(self, directory, broker, options, name="hiphopd", environment=None):
        self.environment = {**os.environ, **(environment or {})}
        self.directory, self.name = str(directory), name
        self.port = free_port()
        self.options = {"kafka.brokers": broker.brokers, "http.listen": f"127.0.0.1:{self.port}",
                        "instance.id": f"{name}-{uuid.uuid4().hex[:8]}", **options}
        self.log = os.path.join(self.directory, f"{name}.log")
        self.process = None

    def arguments(self):
        words = [os.path.join(BIN, "hiphopd")]
        for key, values in self.options.items():
            for value in values if isinstance(values, list) else [values]:
                words += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
        return words

    def start(self):
        assert self.process is None or self.process.poll() is not None, "it is running"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.directory, env=self.environment, start_new_session=True,
                                            preexec_fn=die_with_parent)
        logs.append(self.log)
        return self

    def get(self, path, timeout=5):
        """(status, body) of a GET; (0, "") where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self, timeout=60):
        def is_ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{tail(self.log)}")
            return self.get("/ready")[0] == 200
        wait_until(is_ready, timeout, f"{self.name} ready")
        return self

    def metrics(self):
        """/metrics as {'name{labels}': value}."""
        status, body = self.get("/metrics")
        assert status == 200, f"/metrics said {status}"
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in body.splitlines() if line and not line.startswith("#")}

    def processor_time(self):
        """Seconds that it has had of a core."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def thread_stat(self, name):
        """The fields of /proc/PID/task/TID/stat of the thread of that name, as proc(5) numbers them, from 3 on."""
        tasks = f"/proc/{self.process.pid}/task"
        for thread in os.listdir(tasks):
            with open(f"{tasks}/{thread}/stat", encoding="ascii") as file:
                stat = file.read()
            if f"({name})" in stat:
                return dict(enumerate(stat.rsplit(") ", 1)[1].split(), 3))
        raise AssertionError(f"{self.name} has no thread {name}")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9, and the wait for its end."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=10):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {timeout} s:\n{tail(self.log)}") from None

    def sanitizer_report(self):
        """What a sanitizer said in the log (HIPHOP_BIN may be such a build), or ""."""
        found = re.search(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:", self.log_text())
        return tail(self.log, 200) if found else ""

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()


def hiphop(*arguments, stdin=None, timeout=120, check=True):
    """Runs the command line tool; the finished process with stdout and stderr as text."""
    done = subprocess.run([os.path.join(BIN, "hiphop"), *map(str, arguments)], input=stdin, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False)
    assert not check or done.returncode == 0, f"hiphop {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done
