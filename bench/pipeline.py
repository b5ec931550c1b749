"""The pipeline bench: hiphopd and hiphop on a real Kafka, each figure the median of several runs.

    replay      `hiphop replay --max` of a click file into a topic of 4 partitions
    throughput  hiphopd without recommendations against the bare librdkafka loop (bench/kafka_probe.c) that reads the
                same topic and writes as many records of the same size in transactions of pipeline.commit_interval, and
                of half a second, which is the longest that hiphopd makes of it while it is behind, as it is here
    recommend   hiphopd with the graph, 1 and 2 workers, with the ranker and without: clicks/s while every click gets its
                list
    latency     click written -> list read, 1,000 clicks/s over a graph that holds the whole click file, for both
                deliveries, with the ranker, without, and by a bare librdkafka echo that answers each click with a list
                made beforehand, five rounds in turn; and the time from the start of hiphopd until it is ready, the graph loaded
    training    the same latency while networks are trained all the time, in turn with none; as root without the
                kernel's autogroups, where nice counts among threads of one session only and a trainer is as good as
                a broker

The clicks are those of $HIPHOP_DATA/globo where there are any (1.5 million), else synthetic ones of the same number. On a
machine that others use too, the ratio of throughput is the figure to trust: both sides run in turn. With --alone (root)
broker, hiphopd and probe get real-time priority while they are measured, as if nobody else were there.

The broker is one that has been up for a while, as those in service are: it runs code that the JVM has optimised (that of
./dev kafka, made for quick starts, does not), latency is measured after half a minute of warm-up by each who is measured,
and it has a young generation of 512 MB: with 20 MB, collections of 12 ms, five a second, are all there is to see of latency.
"""
import gzip
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "integration"))
import confluent_kafka  # noqa: E402
import harness  # noqa: E402

RUNS = 3
ROUNDS = 5  # of latency, which the rest of the machine disturbs most
WARM_S = 30  # of clicks at 1,000/s by each, until the JVM has optimised the broker's code
WITH = {True: "ranker", False: "no ranker"}
INTERVAL_MS = 15  # pipeline.commit_interval
BEHIND_MS = 500  # what it becomes, step by step, while more clicks wait than can be taken at a time
ALONE = "--alone" in sys.argv
ISOLATION = {"at-least-once": "read_uncommitted", "exactly-once": "read_committed"}
GOAL = {"at-least-once": "p99 <= 10 ms", "exactly-once": "p99 <= 60 ms"}
table = []


def row(what, figure, goal=""):
    table.append((what, figure, goal))
    print(f"{what}: {figure}{f' (goal {goal})' if goal else ''}", flush=True)


def alone(daemon, kafka):
    """From here on broker and daemon go before everybody else, where --alone says so; the broker before the daemon, for
    both wait for it."""
    for pid, priority in ((daemon.process.pid, "1"), (kafka.pid, "2")):
        if ALONE:
            subprocess.run(["chrt", "-a", "-r", "-p", priority, str(pid)], check=True)


def go_first(start):
    """This process, and what it starts meanwhile, before everybody else, where --alone says so."""
    if ALONE:
        os.sched_setscheduler(0, os.SCHED_RR if start else os.SCHED_OTHER, os.sched_param(1 if start else 0))


def probe(*arguments):
    """Runs kafka_probe and returns its figures as a dict."""
    done = subprocess.run([*(["chrt", "-r", "1"] if ALONE else []), os.path.join(harness.BIN, "kafka_probe"), *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=600, check=False)
    assert done.returncode == 0, f"kafka_probe {arguments}: {done.stderr}"
    return {key: float(value) for key, value in (word.split("=") for word in done.stdout.split())}


def click_file(directory):
    """A plain click file, and how many clicks it holds."""
    path = os.path.join(directory, "clicks.tsv")
    data = os.path.join(os.environ.get("HIPHOP_DATA", os.path.join(TOP, "data")), "globo", "clicks.tsv.gz")
    with open(path, "wb") as out:
        if os.path.exists(data):
            with gzip.open(data) as packed:
                shutil.copyfileobj(packed, out)
        else:
            print("no data: the clicks are synthetic")
            subprocess.run([os.path.join(harness.BIN, "kafka_probe"), "clicks", "1500000"], stdout=out, check=True)
    with open(path, "rb") as file:
        return path, sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")) - 1


class Bench:
    def __init__(self, kafka, directory):
        self.kafka, self.directory = kafka, directory
        self.clicks, self.count = click_file(directory)
        self.number = 0

    def fresh(self, options, arguments=()):
        """A daemon with a group and output topics of its own."""
        self.number += 1
        name = f"bench{self.number}"
        own = {"kafka.group": name, "instance.id": name, "topics.items": "",
               "topics.recommendations": f"{name}.recommendations", "topics.sessions": f"{name}.sessions",
               "topics.dead_letters": f"{name}.dead-letters", "topics.partitions": 4, "log.level": "warning",
               "pipeline.commit_interval": f"{INTERVAL_MS}ms", **options}
        daemon = harness.Hiphopd(self.directory, self.kafka, own, name)
        words = [*daemon.arguments(), *arguments]
        daemon.arguments = lambda: words
        return daemon

    def replay(self, topic, *options):
        begin = time.monotonic()
        harness.hiphop("replay", "--clicks", self.clicks, "--brokers", self.kafka.brokers, "--topic", topic,
                       "--partitions", 4, "--max", "--quiet", *options, timeout=300)
        return time.monotonic() - begin

    def progress(self, daemon, topic, until, timeout=120):
        """Samples (time, clicks committed) of the daemon's group until until(samples)."""
        group = daemon.options["kafka.group"]
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.kafka.brokers, "group.id": group})
        partitions = [confluent_kafka.TopicPartition(topic, number) for number in range(4)]
        samples, deadline = [], time.monotonic() + timeout
        go_first(True)
        try:
            while not (samples and until(samples)):
                assert daemon.process.poll() is None, f"hiphopd has ended:\n{daemon.log_text()}"
                assert time.monotonic() < deadline, f"{group} stands at {samples[-1:]}"
                done = sum(max(p.offset, 0) for p in consumer.committed(partitions, timeout=30))
                samples.append((time.monotonic(), done))
                time.sleep(0.02)
        finally:
            go_first(False)
            consumer.close()
        return samples


def bench_replay(bench):
    rates = []
    if ALONE:
        subprocess.run(["chrt", "-a", "-r", "-p", "2", str(bench.kafka.pid)], check=True)
    go_first(True)
    for run in range(RUNS):
        rates.append(bench.count / bench.replay(f"replay{run}"))
    go_first(False)
    row("replay, clicks/s", f"{statistics.median(rates):,.0f}", ">= 1,000,000")


def rate_of(samples):
    """Clicks/s from the first commit to the last."""
    begun = [sample for sample in samples if sample[1] > 0]
    return (begun[-1][1] - begun[0][1]) / (begun[-1][0] - begun[0][0])


def bench_throughput(bench):
    bench.replay("throughput")
    daemons, loops = [], {INTERVAL_MS: [], BEHIND_MS: []}
    for run in range(RUNS):
        daemon = bench.fresh({"topics.clicks": "throughput", "recommend.enabled": False}).start()
        alone(daemon, bench.kafka)
        samples = bench.progress(daemon, "throughput", lambda seen: seen[-1][1] >= bench.count)
        sessions = daemon.options["topics.sessions"]
        daemon.stop()
        daemons.append(rate_of(samples))
        written = probe("count", bench.kafka.brokers, sessions)
        bench.kafka.topic(f"loop{run}", partitions=4)
        every = round(bench.count / max(written["records"], 1) * 1000)
        size = round(written["bytes"] / max(written["records"], 1))
        for interval, rates in loops.items():
            bench.kafka.topic(f"loop{run}-{interval}", partitions=4)
            rates.append(probe("loop", bench.kafka.brokers, "throughput", f"loop{run}-{interval}", every, size,
                               interval)["rate"])
    row("hiphopd without recommendations, clicks/s", f"{statistics.median(daemons):,.0f}")
    for interval, rates in loops.items():
        row(f"bare librdkafka loop, transactions of {interval} ms, clicks/s ({written['records']:,.0f} records of "
            f"{size} bytes out)", f"{statistics.median(rates):,.0f}")
        row(f"hiphopd / bare loop of {interval} ms", f"{statistics.median(d / b for d, b in zip(daemons, rates)):.2f}",
            ">= 0.6")


def bench_recommend(bench):
    bench.replay("recommend")
    for workers in (1, 2):
        for ranker in (True, False):
            daemon = bench.fresh({"topics.clicks": "recommend", "recommend.max_age": 0, "pipeline.workers": workers,
                                  "recommend.ranker": ranker, "training.enabled": False}).start()
            alone(daemon, bench.kafka)
            samples = bench.progress(daemon, "recommend",
                                     lambda seen: seen[-1][1] >= bench.count or
                                     any(done and seen[-1][0] - at > 20 for at, done in seen))
            daemon.stop()
            row(f"hiphopd with graph recommendations, {WITH[ranker]}, {workers} worker{'s' * (workers > 1)}, clicks/s",
                f"{rate_of(samples):,.0f}")


class Answering:
    """A daemon that answers what comes from now on, over a graph that holds the whole click file."""

    def __init__(self, bench, delivery, options, arguments=()):
        self.bench, self.isolation, self.topic = bench, ISOLATION[delivery], f"latency{bench.number}"
        bench.replay(self.topic, "--shift-to-now")
        self.daemon = bench.fresh({"topics.clicks": self.topic, "pipeline.delivery": delivery, **options}, arguments)
        consumer = confluent_kafka.Consumer({"bootstrap.servers": bench.kafka.brokers,
                                             "group.id": self.daemon.options["kafka.group"]})
        ends = [confluent_kafka.TopicPartition(self.topic, n, consumer.get_watermark_offsets(
            confluent_kafka.TopicPartition(self.topic, n))[1]) for n in range(4)]
        consumer.commit(offsets=ends, asynchronous=False)
        consumer.close()
        begin = time.monotonic()
        self.daemon.start()
        alone(self.daemon, bench.kafka)
        self.daemon.ready(120)
        self.startup = time.monotonic() - begin

    def latency(self, seconds):
        """Clicks at 1,000/s: the probe's figures, in ms."""
        alone(self.daemon, self.bench.kafka)
        seen = probe("latency", self.bench.kafka.brokers, self.topic, self.daemon.options["topics.recommendations"],
                     self.bench.clicks, 1000, seconds, self.isolation)
        assert seen["answered"] == seen["clicks"], f"{seen['clicks'] - seen['answered']} clicks got no list"
        return seen


def latency_row(delivery, what, runs, goal=""):
    p50, p90, p99 = (statistics.median(seen[name] for seen in runs) for name in ("p50", "p90", "p99"))
    row(f"click -> list at 1,000 clicks/s, {delivery}, {what}, ms", f"p50 {p50:.1f}, p90 {p90:.1f}, p99 {p99:.1f}", goal)


class Echo:
    """What Kafka takes for a click and a list, whoever answers."""

    def __init__(self, bench, delivery):
        self.bench, self.isolation = bench, ISOLATION[delivery]
        self.topics = [bench.kafka.topic(partitions=4) for _ in range(2)]  # in and out
        self.interval = INTERVAL_MS if delivery == "exactly-once" else 0

    def latency(self, seconds):
        echo = subprocess.Popen([*(["chrt", "-r", "1"] if ALONE else []), os.path.join(harness.BIN, "kafka_probe"), "echo",
                                 self.bench.kafka.brokers, *self.topics, str(self.interval)])
        try:
            time.sleep(2)
            return probe("latency", self.bench.kafka.brokers, *self.topics, self.bench.clicks, 1000, seconds, self.isolation)
        finally:
            echo.terminate()
            assert echo.wait(30) == 0


def bench_latency(bench):
    startups = []
    for delivery in ISOLATION:
        answering = {ranker: Answering(bench, delivery, {"recommend.ranker": ranker, "training.enabled": False})
                     for ranker in (True, False)}
        startups.append({ranker: its.startup for ranker, its in answering.items()})
        turns = {**answering, None: Echo(bench, delivery)}
        for its in turns.values():
            its.latency(WARM_S)
        seen = {who: [] for who in turns}
        for _ in range(ROUNDS):
            for who, its in turns.items():
                seen[who].append(its.latency(13))
        for ranker, its in answering.items():
            its.daemon.stop()
            latency_row(delivery, WITH[ranker], seen[ranker], GOAL[delivery])
        latency_row(delivery, "the bare echo in turn with them", seen[None])
        row(f"p99 of hiphopd / of the bare echo, {delivery}",
            f"{statistics.median(ours['p99'] / its['p99'] for ours, its in zip(seen[True], seen[None])):.2f}")
    for ranker, name in WITH.items():
        row(f"start of hiphopd until ready, graph of {bench.count:,} clicks, {name}, s",
            f"{statistics.median(its[ranker] for its in startups):.1f}")


class Trainer:
    """Of a daemon that reads how often it trains out of a file: its trainer, to be switched on and off."""

    def __init__(self, bench, delivery):
        self.settings = os.path.join(bench.directory, f"training-{delivery}.conf")
        self.write("1s")
        self.answering = Answering(bench, delivery, {"training.min_sessions": 1, "session.gap": "10s"},
                                   ["--config", self.settings])  # so short that sessions close all the time
        self.daemon = self.answering.daemon

    def write(self, interval):
        with open(self.settings, "w", encoding="ascii") as file:
            file.write(f'training: {{ interval = "{interval}"; }};\n')

    def done(self):
        """Trainings so far."""
        return sum(figure for name, figure in self.daemon.metrics().items() if name.startswith("hiphop_trainings_total"))

    def ticks(self):
        """Of the processor that the trainer's thread has had."""
        stat = self.daemon.thread_stat("trainer")
        return int(stat[14]) + int(stat[15])

    def switch(self, on):
        """Off: returns when it has ended what it was at."""
        self.write("1s" if on else "1d")
        self.daemon.signal(signal.SIGHUP)

        def is_idle():
            before = self.ticks()
            time.sleep(1)
            return self.ticks() - before < 5
        if not on:
            harness.wait_until(is_idle, 120, "the end of a training")

    def latency(self, on):
        self.switch(on)
        before = self.ticks()
        seen = self.answering.latency(23)
        seen["trainer"] = (self.ticks() - before) / os.sysconf("SC_CLK_TCK")
        return seen


AUTOGROUPS = "/proc/sys/kernel/sched_autogroup_enabled"


def bench_training(bench):
    grouped = os.path.exists(AUTOGROUPS) and os.access(AUTOGROUPS, os.W_OK) and pathlib.Path(AUTOGROUPS).read_text("ascii")
    try:
        if grouped:
            pathlib.Path(AUTOGROUPS).write_text("0", "ascii")
        latency_while_it_trains(bench)
    finally:
        if grouped:
            pathlib.Path(AUTOGROUPS).write_text(grouped, "ascii")


def latency_while_it_trains(bench):
    for delivery in ISOLATION:
        Echo(bench, delivery).latency(WARM_S)
        trainer = Trainer(bench, delivery)
        harness.wait_until(lambda: trainer.done() > 0, 120, "the first training")
        runs = {True: [], False: []}
        for _ in range(RUNS):
            for on, seen in runs.items():
                seen.append(trainer.latency(on))
        trainer.daemon.stop()
        latency_row(delivery, "no training", runs[False])
        latency_row(delivery, f"while the trainer has {statistics.median(seen['trainer'] for seen in runs[True]):.0f} s of "
                    "23 s of a core", runs[True])
        row(f"p99 while it trains / without, {delivery}",
            f"{statistics.median(on['p99'] / off['p99'] for on, off in zip(runs[True], runs[False])):.2f}", "<= 2")


def main():
    parts = [word for word in sys.argv[1:] if word != "--alone"] or ["replay", "throughput", "recommend", "latency", "training"]
    benches = {name[6:]: what for name, what in globals().items() if name.startswith("bench_")}
    unknown = [part for part in parts if part not in benches]
    if unknown:
        sys.exit(f"there is no part {unknown[0]}; there are {', '.join(benches)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what it has started and changed goes with it
    with tempfile.TemporaryDirectory(prefix="hiphop-bench-") as directory:
        os.environ["KAFKA_JAVA_OPTIONS"] = "-Xms1g -Xmx1g -Xmn512m -XX:TieredStopAtLevel=4"
        kafka = harness.Kafka(os.path.join(directory, "kafka"))
        try:
            kafka.start()
            bench = Bench(kafka, directory)
            for part in parts:
                benches[part](bench)
        finally:
            kafka.stop()
    print("\n| | measured | goal |\n| --- | ---: | ---: |")
    for what, figure, goal in table:
        print(f"| {what} | {figure} | {goal} |")


if __name__ == "__main__":
    main()
