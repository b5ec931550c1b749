"""A Kafka that checks logins and rights: what the table of docs/operations.md grants is enough for everything, and what is
missing of it is told in words, by --check, in the log and by /ready."""
import json
import os
import re
import subprocess
import time

import confluent_kafka
import harness
import pytest
import rights
from harness import wait_until
from rights import GROUP, LITERAL, PREFIXED, TOPIC, TRANSACTIONAL_ID
from traffic import paths

OUTPUTS = ("recommendations", "sessions", "dead_letters", "quality")
# What the left column of the table means. What may be done with it is read there.
MEANT = {
    "the topics of clicks and of items": (TOPIC, ("clicks", "items")),
    "the topics of recommendations, sessions, dead letters and quality": (TOPIC, OUTPUTS),
    "the group `<kafka.group>`": (GROUP, "{group}", LITERAL),
    "transactional ids beginning with `<kafka.group>-<instance.id>-w`": (TRANSACTIONAL_ID, "{group}-{instance}-w", PREFIXED),
    "the topics of models and of embeddings": (TOPIC, ("models", "embeddings")),
    "the group `<kafka.group>.trainer`": (GROUP, "{group}.trainer", LITERAL),
    "the transactional id `<kafka.group>.trainer`": (TRANSACTIONAL_ID, "{group}.trainer", LITERAL),
    "the topic of item vectors": (TOPIC, ("item_vectors",)),
    "the group `<kafka.group>.semantics`": (GROUP, "{group}.semantics", LITERAL),
    "those of these topics that hiphopd is to make":
        (TOPIC, ("clicks", "items", *OUTPUTS, "models", "embeddings", "item_vectors")),
}


def table():
    """{left column: [operations]} of the table in docs/operations.md."""
    with open(os.path.join(harness.TOP, "docs/operations.md"), encoding="utf-8") as file:
        section = file.read().split("## Rights", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| (.*?) \| (.*?) \|$", section, re.M)[2:]
    return {on: operations.split(";")[0].split(", on each")[0].split(", ") for on, operations in found}


class Shop:
    """Topics of its own, and the options of a daemon that logs in as the user hiphop."""

    def __init__(self, kafka, directory, **more):
        self.kafka, self.rights = kafka, rights.Rights(kafka)
        self.names = harness.training_names(training__gate="false", semantics__provider="hashing",
                                            semantics__template="{title}", **more)
        self.instance = f"shop-{self.names['kafka.group']}"
        secrets = directory / "kafka.properties"
        secrets.write_text(f"# who\nsasl.username=hiphop\nsasl.password={rights.PASSWORD}\n")
        self.login = ["security.protocol=SASL_SSL", "sasl.mechanism=PLAIN",
                      f"ssl.ca.location={kafka.client['ssl.ca.location']}"]
        self.options = {**self.names, "instance.id": self.instance, "kafka.properties": self.login,
                        "kafka.properties_file": secrets}
        self.granted, self.sent = set(), 0

    def row(self, on):
        kind, meant, *pattern = MEANT[on]
        names = [self.names[f"topics.{topic}"] for topic in meant] if kind == TOPIC else [
            meant.format(group=self.names["kafka.group"], instance=self.instance)]
        return [(kind, name, *(pattern or [LITERAL]), operation) for name in names for operation in table()[on]]

    def give(self, some):
        self.rights.give("hiphop", some)

    def take(self, some):
        self.rights.take("hiphop", some)

    def give_all(self):
        self.give([right for on in table() for right in self.row(on)])
        return self

    def make_topics(self):
        for topic in MEANT["those of these topics that hiphopd is to make"][1]:
            self.kafka.topic(self.names[f"topics.{topic}"],
                             cleanup_policy="delete" if topic in ("clicks", *OUTPUTS[:3]) else "compact")
        return self

    def check_process(self, **more):
        options = {"kafka.brokers": self.kafka.brokers, **self.options, **{key.replace("__", "."): value
                                                                          for key, value in more.items()}}
        words = [f"--set={key}={one}" for key, value in options.items()
                 for one in (value if isinstance(value, list) else [value])]
        return subprocess.Popen([os.path.join(harness.BIN, "hiphopd"), "--check", *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)

    def check(self, **more):
        """The exit code, and what is wrong; or all that was said where nothing is."""
        process = self.check_process(**more)
        said = process.communicate(timeout=60)[0]
        return process.returncode, [line for line in said.splitlines() if line.startswith("WRONG")] or said

    def click(self, count=1):
        now = int(time.time() * 1000)
        self.kafka.produce_clicks(self.names["topics.clicks"],
                                  [(f"v{self.sent + i}", f"i{i % 5}", now) for i in range(count)])
        self.sent += count

    def answers(self):
        return len(self.kafka.read(self.names["topics.recommendations"]))

    def answered(self, timeout=30):
        wait_until(lambda: self.answers() >= self.sent, timeout, "every click answered")


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    broker = rights.strict_kafka(tmp_path_factory.mktemp("strict"))
    try:
        yield broker.start()
    finally:
        broker.stop()


def says(daemon, sentence, timeout=15):
    wait_until(lambda: sentence in daemon.log_text(), timeout, f"'{sentence}' in the log")


def not_ready(daemon, *sentences, timeout=15):
    """/ready says one of them."""
    answers = [(503, f"not ready: {sentence}\n") for sentence in sentences]
    wait_until(lambda: daemon.get("/ready") in answers, timeout, f"/ready with '{sentences}'")


def test_the_table_is_known():
    assert list(table()) == list(MEANT)


def test_the_rights_of_the_table_are_enough(strict, hiphopd, tmp_path):
    shop = Shop(strict, tmp_path).give_all()
    code, said = shop.check()
    assert code == 0 and said.count("is missing and will be created") == 9 and said.count("may be ") == 5, said
    daemon = hiphopd(strict, shop.options).ready()
    assert {name for key, name in shop.names.items() if key.startswith("topics.") and key != "topics.partitions"} <= strict.topics()
    strict.produce(shop.names["topics.items"], [(f"i{i}", json.dumps({"id": f"i{i}", "title": f"thing {i}"}), None)
                                                for i in range(5)])
    begin = int(time.time() * 1000) - 3_600_000
    clicks = paths(begin, 600)
    strict.produce_clicks(shop.names["topics.clicks"], clicks)
    strict.produce(shop.names["topics.clicks"], [("ann", "no click", None)])
    shop.sent = len(clicks)
    shop.answered(60)
    for topic in ("dead_letters", "sessions", "item_vectors", "models", "embeddings"):
        strict.wait(shop.names[f"topics.{topic}"], 1)
    wait_until(lambda: daemon.metrics().get("hiphop_model_version", 0) >= 1, 60, "a model in service")
    # --check beside it is nobody's trouble.
    assert shop.check()[0] == 0
    shop.click(20)
    shop.answered()
    assert daemon.stop() == 0
    daemon.start().ready()
    shop.click(20)
    shop.answered()
    strict.wait(shop.names["topics.quality"], 1)
    assert shop.answers() == shop.sent and len(strict.read(shop.names["topics.dead_letters"])) == 1
    assert daemon.stop() == 0
    log = daemon.log_text()
    assert "AUTHORIZATION" not in log and "lacks the right" not in log and "FENCED" not in log, log

    # Who only reads needs no group, as the command line tool.
    login = [word for line in shop.login + ["sasl.username=hiphop", f"sasl.password={rights.PASSWORD}"]
             for word in ("--property", line)]
    harness.hiphop("export", "--brokers", strict.brokers, "--topic", shop.names["topics.embeddings"],
                   "--embeddings", tmp_path / "out", *login)
    assert (tmp_path / "out.npy").exists()
    recommendations = [(TOPIC, shop.names["topics.recommendations"], LITERAL, "Read")]
    shop.give(recommendations)
    time.sleep(0.5)
    watched = harness.hiphop("watch", "--brokers", strict.brokers, "--topic", shop.names["topics.recommendations"],
                             "--from-beginning", "--limit", 3, *login)
    assert watched.stdout


def test_at_least_once(strict, hiphopd, tmp_path):
    shop = Shop(strict, tmp_path, pipeline__delivery="at-least-once").give_all().make_topics()
    # Without the right to publish what it has trained, all else goes on.
    models = [(TOPIC, shop.names["topics.models"], LITERAL, "Write")]
    shop.take(models)
    daemon = hiphopd(strict, shop.options).ready()
    clicks = paths(int(time.time() * 1000) - 3_600_000, 600)
    strict.produce_clicks(shop.names["topics.clicks"], clicks)
    shop.sent = len(clicks)
    shop.answered()
    says(daemon, f"Kafka's user lacks the right Write on the topic {models[0][1]}", 60)
    assert daemon.get("/ready")[0] == 200
    shop.give(models)
    wait_until(lambda: daemon.metrics().get("hiphop_model_version", 0) >= 1, 60, "a model in service")
    written = [right for right in shop.row("the topics of recommendations, sessions, dead letters and quality")
               if right[1] == shop.names["topics.recommendations"]]
    shop.take(written)
    time.sleep(0.3)
    shop.click()
    not_ready(daemon, f"Kafka's user lacks the right Write on the topic {written[0][1]}",
              "Kafka's user lacks the right Write on a topic; the log says which")
    shop.give(written)
    shop.answered()
    assert daemon.stop() == 0


def test_check_names_what_is_missing(strict, tmp_path):
    shop = Shop(strict, tmp_path)
    group, topics = shop.names["kafka.group"], {key[7:]: name for key, name in shop.names.items() if key.startswith("topics.")}
    lacks = "WRONG  Kafka's user lacks the right "
    unseen = {on: [f"WRONG  the topic {topics[topic]} can't be looked at: Kafka's user lacks the right DescribeConfigs on it"
                   for topic in meant] for on, (kind, meant, *_) in MEANT.items() if kind == TOPIC}
    expected = {**unseen,
                "the group `<kafka.group>`": [f"{lacks}Read on the group {group}"],
                "the group `<kafka.group>.trainer`": [f"{lacks}Read on the group {group}.trainer"],
                "the group `<kafka.group>.semantics`": [f"{lacks}Read on the group {group}.semantics"],
                "the transactional id `<kafka.group>.trainer`": [f"{lacks}Write on the transactional id {group}.trainer"],
                "transactional ids beginning with `<kafka.group>-<instance.id>-w`":
                    [f"{lacks}Write on transactional ids that begin with {group}-{shop.instance}-w"]}
    making = "those of these topics that hiphopd is to make"
    code, wrong = shop.check()
    assert code == 2 and len(wrong) == 9 + 5, wrong  # no right at all
    shop.give_all()
    shop.take(shop.row(making))
    time.sleep(0.3)
    code, wrong = shop.check()
    assert code == 2 and sorted(wrong) == sorted(f"WRONG  the topic {topics[topic]} is missing, and Kafka's user lacks the right "
                                                 f"Create on it" for topic in MEANT[making][1]), wrong
    shop.make_topics()
    assert shop.check()[0] == 0  # there is nothing to make
    for on in table():
        if on == making:
            continue
        shop.take(shop.row(on))
        time.sleep(0.3)
        code, wrong = shop.check()
        assert code == 2 and sorted(wrong) == sorted(expected[on]), (on, wrong)
        shop.give(shop.row(on))
    # Each operation on a topic, by itself.
    for topic, operation in (("clicks", "Read"), ("recommendations", "Write")):
        one = [(TOPIC, topics[topic], LITERAL, operation)]
        shop.take(one)
        time.sleep(0.3)
        code, wrong = shop.check()
        assert code == 2 and wrong == [f"WRONG  the topic {topics[topic]} is there, and Kafka's user lacks the right {operation} "
                                       "on it"], wrong
        shop.give(one)


def test_a_login_that_is_refused(strict, hiphopd, tmp_path):
    shop = Shop(strict, tmp_path).give_all()
    secrets = tmp_path / "wrong.properties"
    secrets.write_text("sasl.username=hiphop\nsasl.password=hush\n")
    shop.rights.user("scram", "sesame")
    scram = tmp_path / "scram.properties"
    scram.write_text("sasl.username=scram\nsasl.password=sesame\n")
    daemon = hiphopd(strict, {**shop.options, "kafka.properties_file": secrets})
    checks = [shop.check_process(kafka__properties_file=secrets),
              shop.check_process(kafka__properties_file=scram, kafka__properties=[shop.login[0], "sasl.mechanism=SCRAM-SHA-512",
                                                                                 shop.login[2]]),
              shop.check_process(kafka__properties=shop.login[:2])]
    not_ready(daemon, "Kafka refuses the login: sasl.mechanism, sasl.username or sasl.password is wrong")
    says(daemon, "waiting for Kafka")
    assert "hush" not in daemon.log_text() and daemon.process.poll() is None
    assert daemon.stop() == 0
    password, by_scram, certificate = (check.communicate(timeout=60)[0] for check in checks)
    refused = "WRONG  kafka.properties: the login is refused; sasl.mechanism, sasl.username or sasl.password is wrong"
    assert checks[0].returncode == 2 and f"{refused}: " in password and "hush" not in password, password
    # Older librdkafkas can't do what Kafka 4 wants (docs/operations.md).
    able = confluent_kafka.libversion()[1] >= 0x020601ff
    assert (f"{refused}; or the brokers are of Kafka 4, where SCRAM needs librdkafka 2.6.1: " in by_scram) != able and ("answers for 1 broker" in by_scram) == able, by_scram
    assert checks[2].returncode == 1 and "certificate verify failed" in certificate, certificate


def test_started_without_a_right(strict, hiphopd, tmp_path):
    """Topics that can't be looked at end it; for all else it waits, and says what for."""
    shop = Shop(strict, tmp_path).give_all().make_topics()
    group, clicks = shop.names["kafka.group"], shop.names["topics.clicks"]
    shop.take(shop.row("the topics of clicks and of items"))
    time.sleep(0.3)
    daemon = hiphopd(strict, shop.options, name="ends")
    assert daemon.process.wait(20) == 2
    assert f"the topic {clicks} can't be looked at: Kafka's user lacks the right DescribeConfigs on it" in daemon.log_text()
    shop.give(shop.row("the topics of clicks and of items"))
    lacks = "Kafka's user lacks the right "
    needed = [([(TOPIC, clicks, LITERAL, "Read")], f"{lacks}Read on the topic {clicks}"),
              (shop.row("the group `<kafka.group>`"), f"{lacks}Read on the group {group}"),
              (shop.row("transactional ids beginning with `<kafka.group>-<instance.id>-w`"),
               f"{lacks}Write on transactional ids that begin with {group}-{shop.instance}-w")]
    for i, (row, sentence) in enumerate(needed):
        shop.take(row)
        time.sleep(0.3)
        daemon = hiphopd(strict, shop.options, name=f"waits-{i}")
        not_ready(daemon, sentence)
        says(daemon, sentence)
        shop.give(row)
        daemon.ready(30)
        shop.click()
        shop.answered()
        assert daemon.stop() == 0
    # Offices are left empty, and lists go on.
    for i, (on, sentence) in enumerate({
            "the group `<kafka.group>.trainer`": f"{lacks}Read on the group {group}.trainer",
            "the transactional id `<kafka.group>.trainer`": f"{lacks}Write on the transactional id {group}.trainer",
            "the group `<kafka.group>.semantics`": f"{lacks}Read on the group {group}.semantics"}.items()):
        shop.take(shop.row(on))
        time.sleep(0.3)
        daemon = hiphopd(strict, shop.options, name=f"goes-on-{i}").ready()
        says(daemon, sentence)
        assert daemon.get("/ready")[0] == 200
        shop.give(shop.row(on))
        says(daemon, "this instance makes the vectors of items" if "semantics" in on else "this instance trains", 30)
        assert daemon.stop() == 0


def test_a_right_is_taken_and_given_back(strict, hiphopd, tmp_path):
    shop = Shop(strict, tmp_path).give_all().make_topics()
    group, clicks, lists = (shop.names[name] for name in ("kafka.group", "topics.clicks", "topics.recommendations"))
    shop.give([(TOPIC, lists, LITERAL, "Describe")])
    daemon = hiphopd(strict, shop.options).ready()
    shop.click(10)
    shop.answered()
    lacks = "Kafka's user lacks the right "
    some_topic = f"{lacks}Write on a topic; the log says which"  # of the transaction, before that of the topic itself
    for row, *sentences in [
            ([(TOPIC, lists, LITERAL, "Write")], some_topic),
            ([(TOPIC, lists, LITERAL, operation) for operation in ("Write", "Describe")],
             f"{lacks}Write on the topic {lists}", some_topic),
            ([(TOPIC, clicks, LITERAL, "Read")], f"{lacks}Read on the topic {clicks}"),
            (shop.row("the group `<kafka.group>`"), f"{lacks}Read on the group {group}"),
            (shop.row("transactional ids beginning with `<kafka.group>-<instance.id>-w`"),
             f"{lacks}Write on transactional ids that begin with {group}-{shop.instance}-w")]:
        shop.take(row)
        time.sleep(0.3)
        shop.click()
        not_ready(daemon, *sentences)
        assert daemon.get("/health")[0] == 200
        shop.give(row)
        shop.answered()
        daemon.ready(30)
        if some_topic in sentences:
            assert re.search(rf"a transaction can't write to a topic .*{lists}\W+\[", daemon.log_text())
    assert shop.answers() == shop.sent, "exactly once"
    assert daemon.stop() == 0
