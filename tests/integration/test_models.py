"""Learning while serving: sessions to a trained model, through the gate onto the topic of models, into every instance's
lists; and what happens when trainers die, models are damaged, or somebody would own the window."""
import collections
import json
import random
import time

import harness
import pytest

MINUTE = 60_000
GROUPS = 40


def clicks_of(begin, sessions, seed=1):
    """Sessions of four clicks on one of 40 groups of items: a<n>, b<n>, c<n>, d<n>, a second between clicks, half a
    second between sessions."""
    draw = random.Random(seed)
    clicks = []
    for number in range(sessions):
        group, start = draw.randrange(GROUPS), begin + number * 500
        for step, kind in enumerate("abcd"):
            clicks.append((f"v{seed}-{number}", f"{kind}{group}", start + step * 1000))
    return sorted(clicks, key=lambda click: click[2])


def names_of(**more):
    return {**harness.own_names(), "topics.partitions": 1, "recommend.max_age": 0, "session.idle_timeout": "0",
            "session.gap": "1m", "training.interval": "1s", "training.min_sessions": 300, "training.dimension": 16,
            "training.gate_lists": 200, **{key.replace("__", "."): value for key, value in more.items()}}


def manifests(kafka, names):
    """{version: manifest} of what is on the topic now."""
    found = {}
    for record in kafka.read(names["topics.models"]):
        version, what = record.key.decode().split("/")
        if what == "manifest":
            found[int(version)] = json.loads(record.value) if record.value else None
    return {version: manifest for version, manifest in found.items() if manifest}


def served(daemon, at_least=1):
    return harness.wait_until(lambda: daemon.metrics().get("hiphop_model_version", 0) >= at_least and daemon.metrics(), 60,
                              f"model {at_least} in service")


def lists_of(kafka, names, count):
    return [(json.loads(record.value), record.headers) for record in
            kafka.wait(names["topics.recommendations"], count)][-count:]


def test_sessions_become_a_model_and_the_model_has_a_say_in_the_lists(kafka, hiphopd):
    names = names_of()
    clicks = kafka.topic(names["topics.clicks"])
    begin = int(time.time() * 1000) - 60 * MINUTE
    kafka.produce_clicks(clicks, clicks_of(begin, 1500))
    daemon = hiphopd(kafka, names).ready()
    seen = served(daemon)
    assert seen["hiphop_trainer"] == 1
    assert seen['hiphop_trainings_total{outcome="promoted"}'] >= 1
    before = len(kafka.read(names["topics.recommendations"]))
    newest = max(manifests(kafka, names).items())[1]
    assert newest["status"] == "promoted" and newest["instance"] == daemon.options["instance.id"]
    assert newest["as_of"] <= begin + 1500 * 500 + 4000, "nothing later than the clicks has a part in it"
    kafka.produce_clicks(clicks, clicks_of(begin + 1500 * 500, 100, seed=2))
    lists = lists_of(kafka, names, before + 400)[-400:]
    versions = collections.Counter(one["model_version"] for one, _headers in lists)
    assert max(versions) >= 1, versions
    for one, headers in lists:
        assert headers["model_version"].decode() == str(one["model_version"])
    assert daemon.metrics()["hiphop_model_lists_total"] >= versions.total() - versions[0] - 20
    assert daemon.stop() == 0
    # After a restart the model is there at once, and the same clicks are not learned from twice in a hurry.
    daemon.start().ready()
    assert served(daemon, newest["version"])["hiphop_model_version"] >= newest["version"]
