"""Learning while serving: sessions to a trained model, through the gate onto the topic of models, into every instance's
lists; and what happens when trainers die, models are damaged, or somebody would own the window."""
import collections
import json
import os
import time

import harness
import pytest
from traffic import paths

MINUTE = 60_000


def names_of(**more):
    return harness.training_names(**{"training__gate_lists": 200, **more})


def manifests(kafka, names):
    """{version: manifest} of what is on the topic now."""
    found = {}
    for record in kafka.read(names["topics.models"]):
        version, what = record.key.decode().split("/")
        if what == "manifest":
            found[int(version)] = json.loads(record.value) if record.value else None
    return {version: manifest for version, manifest in found.items() if manifest}


def served(daemon, at_least=1):
    def answers():  # it may have been started just now
        seen = daemon.metrics() if daemon.get("/metrics")[0] == 200 else {}
        return seen if seen.get("hiphop_model_version", 0) >= at_least else None
    return harness.wait_until(answers, 60, f"model {at_least} in service")


def lists_of(kafka, names, count):
    return [(json.loads(record.value), record.headers) for record in
            kafka.wait(names["topics.recommendations"], count)][-count:]


def test_sessions_become_a_model_and_the_model_has_a_say_in_the_lists(kafka, hiphopd):
    names = names_of()
    clicks = kafka.topic(names["topics.clicks"])
    begin = int(time.time() * 1000) - 60 * MINUTE
    kafka.produce_clicks(clicks, paths(begin, 1500))
    daemon = hiphopd(kafka, names).ready()
    seen = served(daemon)
    assert seen["hiphop_trainer"] == 1
    assert daemon.thread_stat("trainer")[19] == "19", "serving goes before training"
    assert seen['hiphop_trainings_total{outcome="promoted"}'] >= 1
    before = len(kafka.read(names["topics.recommendations"]))
    newest = max(manifests(kafka, names).items())[1]
    assert newest["status"] == "promoted" and newest["instance"] == daemon.options["instance.id"]
    assert newest["as_of"] <= begin + 1500 * 500 + 4000, "nothing later than the clicks has a part in it"
    kafka.produce_clicks(clicks, paths(begin + 1500 * 500, 100, seed=2))
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


def publish_clicks(kafka, names, sessions=1500, back=60 * MINUTE, seed=1):
    """The topic of clicks with sessions that begin `back` ms ago; the event time behind them."""
    clicks = kafka.topic(names["topics.clicks"])
    begin = int(time.time() * 1000) - back
    kafka.produce_clicks(clicks, paths(begin, sessions, seed))
    return begin + sessions * 500


def whole_models(kafka, names):
    """{version: bytes} of the models whose chunks are on the topic, tombstones applied."""
    values = {}
    for record in kafka.read(names["topics.models"]):
        values[record.key.decode()] = record.value
    found = {}
    for key in values:
        version, what = key.split("/")
        if what == "manifest" and values[key] and json.loads(values[key])["status"] == "promoted":
            chunks = json.loads(values[key])["chunks"]
            found[int(version)] = b"".join(values[f"{version}/{chunk}"] for chunk in range(chunks))
    return found


def test_lists_of_an_earlier_time_leave_the_model_out(kafka, hiphopd):
    """No peeking: who asks as of a time before the model's newest click is answered by the graph alone."""
    names = names_of()
    end = publish_clicks(kafka, names)
    daemon = hiphopd(kafka, {**names, "session.lateness": "3m"}).ready()
    served(daemon)
    as_of = max(manifests(kafka, names).items())[1]["as_of"]
    before = len(kafka.wait(names["topics.recommendations"], 6000))
    kafka.produce_clicks(names["topics.clicks"], [("late", "a1", as_of - 2 * MINUTE), ("late", "b1", as_of - 2 * MINUTE + 20_000),
                                                  ("new", "a1", end + MINUTE), ("new", "b1", end + MINUTE + 20_000)])
    lists = {(one["visitor"], one["position"]): one["model_version"]
             for one, _headers in lists_of(kafka, names, before + 4)}
    assert lists[("late", 1)] == 0 and lists[("late", 2)] == 0, lists
    assert lists[("new", 1)] >= 1, lists


def test_one_of_two_instances_trains_both_serve_and_the_other_takes_over(kafka, hiphopd):
    names = names_of()
    end = publish_clicks(kafka, names)
    daemons = [hiphopd(kafka, names, name=f"instance-{number}").ready() if number == 0 else
               hiphopd(kafka, names, name=f"instance-{number}") for number in range(2)]
    for daemon in daemons:
        served(daemon)
    leader, = [daemon for daemon in daemons if daemon.metrics().get("hiphop_trainer") == 1]
    other, = [daemon for daemon in daemons if daemon is not leader]
    newest = max(manifests(kafka, names))
    leader.kill()
    kafka.produce_clicks(names["topics.clicks"], paths(end, 800, seed=3))
    harness.wait_until(lambda: other.metrics().get("hiphop_trainer") == 1, 30, "the other instance trains")
    harness.wait_until(lambda: any(manifest["instance"] == other.options["instance.id"]
                                   for version, manifest in manifests(kafka, names).items() if version > newest), 60,
                       "a model of the other instance")
    versions = [version for version, _ in sorted(manifests(kafka, names).items())]
    assert len(versions) == len(set(versions))
    leader.start().ready()
    kafka.produce_clicks(names["topics.clicks"], paths(end + 800 * 500, 800, seed=4))
    assert served(leader, newest)["hiphop_model_version"] >= newest
    assert sum(daemon.metrics().get("hiphop_trainer", 0) for daemon in daemons) <= 1


def test_a_trainer_killed_at_work_leaves_no_half_model(kafka, hiphopd):
    names = names_of()
    end = publish_clicks(kafka, names, sessions=3000, back=120 * MINUTE)
    daemon = hiphopd(kafka, {**names, "training.dimension": 128})
    for kills in range(4):
        if kills:
            daemon.start()
        daemon.ready()
        harness.wait_until(lambda: daemon.metrics().get("hiphop_trainer") == 1, 30, "it trains")
        time.sleep(0.3 + 0.7 * kills)
        daemon.kill()
    daemon.start().ready()
    kafka.produce_clicks(names["topics.clicks"], paths(end, 800, seed=3))
    served(daemon)
    assert daemon.metrics().get('hiphop_models_read_total{outcome="refused"}', 0) == 0
    for version, model in whole_models(kafka, names).items():
        assert len(model) == manifests(kafka, names)[version]["bytes"]


def test_old_models_go_from_the_topic(kafka, hiphopd):
    names = names_of(training__keep=2, training__gate="false", training__nice=20)
    end = publish_clicks(kafka, names)
    daemon = hiphopd(kafka, names).ready()
    assert daemon.thread_stat("trainer")[41] == str(os.SCHED_IDLE)
    for version in range(1, 5):
        served(daemon, version)
        kafka.produce_clicks(names["topics.clicks"], paths(end, 600, seed=10 + version))
        end += 600 * 500
    newest = served(daemon, 4)["hiphop_model_version"]
    assert daemon.stop() == 0
    assert sorted(whole_models(kafka, names))[-2:] == [newest - 1, newest] or max(whole_models(kafka, names)) > newest
    assert len(whole_models(kafka, names)) == 2
    assert kafka.topic_config(names["topics.models"])["cleanup.policy"] == "compact"


LONG = pytest.mark.skipif(not harness.LONG, reason="long tier")


@pytest.mark.parametrize("damage", ["flipped", "foreign", "no manifest", pytest.param("cut", marks=LONG),
                                    pytest.param("garbage", marks=LONG)])
def test_a_damaged_or_foreign_model_is_refused_and_the_one_in_service_stays(kafka, hiphopd, damage):
    names = names_of()
    publish_clicks(kafka, names)
    daemon = hiphopd(kafka, names).ready()
    version = int(served(daemon)["hiphop_model_version"])
    manifest = manifests(kafka, names)[version]
    model = bytearray(whole_models(kafka, names)[version])
    daemon.options["training.enabled"] = "false"
    assert daemon.stop() == 0
    new = version + 50
    manifest["version"] = new
    if damage == "flipped":
        model[len(model) // 2] ^= 1
    elif damage == "cut":
        del model[-100:]
    elif damage == "garbage":
        manifest["chunks"] = "many"
    records = [(f"{new}/0", bytes(model[:524288]), None)]
    if damage == "foreign":
        records = [("somebody", b"else's record", None)]
    elif damage != "no manifest":
        records.append((f"{new}/manifest", json.dumps(manifest), None))
    kafka.produce(names["topics.models"], records)
    daemon.start().ready()
    seen = served(daemon, version)
    if damage != "no manifest":
        harness.wait_until(lambda: daemon.metrics()['hiphop_models_read_total{outcome="refused"}'] == 1, 20, "the refusal")
        assert "a model can't be used; the one in service stays" in daemon.log_text()
    assert daemon.metrics()["hiphop_model_version"] == version == seen["hiphop_model_version"]


def test_nobody_can_own_the_window(kafka, hiphopd):
    """A crawler with most of the clicks, and one item everywhere: the model still knows what people do."""
    names = names_of(training__visitor_clicks=100)
    clicks = kafka.topic(names["topics.clicks"])
    begin = int(time.time() * 1000) - 60 * MINUTE
    poisoned = paths(begin, 1500)
    poisoned += [("bot", f"x{number % 7}", begin + number * 60) for number in range(12000)]
    kafka.produce_clicks(clicks, sorted(poisoned, key=lambda click: click[2]))
    daemon = hiphopd(kafka, {**names, "session.max_clicks": 50}).ready()
    served(daemon)
    text = max(manifests(kafka, names).items())[1]
    assert text["clicks"] < 4 * 1500 * 1.2, text
    before = len(kafka.wait(names["topics.recommendations"], len(poisoned)))
    kafka.produce_clicks(clicks, [("ann", "a3", begin + 13000 * 60), ("ann", "b3", begin + 13000 * 60 + 1000)])
    lists = lists_of(kafka, names, before + 2)
    assert "c3" in [item["item"] for item in lists[-1][0]["items"][:3]], lists[-1][0]


def test_a_jump_of_the_clock_does_not_stop_training(kafka, hiphopd):
    """Clicks of years ago and of now, and one from the far future, which is a dead letter."""
    names = names_of()
    publish_clicks(kafka, names, sessions=700, back=3 * 365 * 86_400_000)
    daemon = hiphopd(kafka, names).ready()
    first = served(daemon)["hiphop_model_version"]
    begin = int(time.time() * 1000) - 30 * MINUTE
    mad = json.dumps({"visitor": "mad", "item": "a1", "timestamp": begin + 100 * 365 * 86_400_000})
    kafka.produce(names["topics.clicks"], [("mad", mad, begin)])  # a broker refuses such a time of the record itself
    kafka.produce_clicks(names["topics.clicks"], paths(begin, 1200, seed=5))
    seen = served(daemon, first + 1)
    assert seen['hiphop_dead_letters_total{reason="future"}'] == 1
    assert max(manifests(kafka, names).items())[1]["as_of"] < int(time.time() * 1000) + MINUTE


def trainings(daemon):
    return sum(count for name, count in daemon.metrics().items() if name.startswith("hiphop_trainings_total"))


def test_who_is_restarted_does_not_train_on_the_same_sessions_again(kafka, hiphopd):
    names = names_of()
    clicks, begin = kafka.topic(names["topics.clicks"]), int(time.time() * 1000) - 60 * MINUTE
    kafka.produce_clicks(clicks, paths(begin, 1500))
    daemon = hiphopd(kafka, names).ready()
    served(daemon)
    assert daemon.stop() == 0
    there = manifests(kafka, names)
    daemon.start().ready()
    served(daemon)
    harness.wait_until(lambda: daemon.metrics().get("hiphop_trainer") == 1, 60, "the office")
    time.sleep(4)  # it would train every second
    assert trainings(daemon) == 0 and manifests(kafka, names) == there
    kafka.produce_clicks(clicks, paths(begin + 1500 * 500, 900, seed=2))
    harness.wait_until(lambda: trainings(daemon) > 0, 60, "a training on what is new")


def test_topics_that_are_deleted_are_made_again_and_learning_goes_on(kafka, hiphopd):
    names = names_of(semantics__provider="hashing")
    clicks, begin = kafka.topic(names["topics.clicks"]), int(time.time() * 1000) - 60 * MINUTE
    items = kafka.topic(names["topics.items"], cleanup_policy="compact")
    kafka.produce_clicks(clicks, paths(begin, 1500))
    daemon = hiphopd(kafka, names).ready()
    served(daemon)
    gone = [names[f"topics.{topic}"] for topic in ("models", "embeddings", "item_vectors")]
    kafka.delete(*gone)
    harness.wait_until(lambda: set(gone) <= kafka.topics(), 120, "the topics made again")
    for topic in gone:
        assert kafka.topic_config(topic)["cleanup.policy"] == "compact"
    kafka.produce_clicks(clicks, paths(begin + 1500 * 500, 900, seed=2))
    kafka.produce(items, [("a1", json.dumps({"title": "a red kite"}), None)])
    harness.wait_until(lambda: manifests(kafka, names), 120, "a model on the new topic")
    kafka.wait(names["topics.item_vectors"], 1)
    kafka.wait(names["topics.embeddings"], 100)


def test_quality_is_told_by_model(kafka, hiphopd):
    names = names_of(quality__interval="200ms", training__min_sessions=1000)  # one training: one model has all the lists
    end = publish_clicks(kafka, names)
    daemon = hiphopd(kafka, names).ready()
    served(daemon)
    kafka.produce_clicks(names["topics.clicks"], paths(end, 600, seed=6))

    def reports():  # also of what was counted last, though no click comes
        newest = {record.key.decode(): json.loads(record.value) for record in kafka.read(names["topics.quality"])}
        return newest if any(one["model_version"] >= 1 and one["targets"] >= 500 for one in newest.values()) else None

    found = harness.wait_until(reports, 60, "reports of a model's lists")
    for key, one in found.items():
        assert key == f"{daemon.options['instance.id']}/{one['model_version']}"
        assert one["hr20"] >= one["popularity_hr20"] and one["out"] == 0, one
        assert 0 < one["items"] <= 170 and one["targets"] <= one["lists"]
    seen = daemon.metrics()
    assert seen['hiphop_model_live_hr20{list="hiphop"}'] > 0.9, "the pattern is plain"
    assert seen['hiphop_live_hr20{list="graph"}'] > 0.5


def test_an_instance_without_the_topic_recommends_by_the_graph(kafka, hiphopd):
    names = names_of(topics__models="")
    publish_clicks(kafka, names, sessions=400)
    daemon = hiphopd(kafka, names).ready()
    lists = lists_of(kafka, names, 1600)
    assert all(one["model_version"] == 0 for one, _ in lists)
    assert "hiphop_model_version" not in daemon.metrics()
