"""hiphopd's command line: exit codes, and --check against a real Kafka."""
import json
import os
import subprocess

import harness


def run(*arguments, **sets):
    words = [f"--set={name.replace('__', '.')}={value}" for name, value in sets.items()]
    done = subprocess.run([os.path.join(harness.BIN, "hiphopd"), *arguments, *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def check(kafka, names, *arguments, **sets):
    words = [f"--set={name}={value}" for name, value in names.items()]
    return run("--check", "--set", f"kafka.brokers={kafka.brokers}", *words, *arguments, **sets)


def test_command_line(tmp_path):
    code, out, _ = run("--version")
    assert code == 0 and out.startswith("hiphopd ")
    code, out, _ = run("--help")
    assert code == 0 and "session.gap=30m" in out
    for wrong in (["--nonsense"], ["--config"], ["--set"], ["nonsense"], ["--checking"], ["--print-docs", "poems"]):
        code, out, err = run(*wrong)
        assert code == 2 and not out and "hiphopd --help" in err, (wrong, code, err)
    code, _, err = run("--config", str(tmp_path / "nowhere.conf"))
    assert code == 2 and "nowhere.conf: can't be read: No such file or directory" in err

    # The printed file is read again, and mistakes of all sources are told at once.
    code, out, _ = run("--print-config")
    (tmp_path / "hiphopd.conf").write_text(out + 'session: { gap = "soon"; };\n')
    code, _, err = run("--config", str(tmp_path / "hiphopd.conf"), "--set", "workers=2")
    assert code == 2
    assert "duplicate setting name" in err and "did you mean pipeline.workers?" in err


def test_standard_output_that_is_full():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([os.path.join(harness.BIN, "hiphopd"), "--help"], stdout=full, stderr=subprocess.PIPE,
                              check=False)
    assert done.returncode == 1 and b"can't be written" in done.stderr


def test_missing_topics_are_named_and_not_made(kafka):
    names = {**harness.own_names(), "semantics.provider": "hashing"}
    code, out, err = check(kafka, names)
    assert code == 0, out + err
    for option, topic in names.items():
        if option.startswith("topics."):
            assert f"ok     topic {topic} is missing and will be created\n" in out
    assert "answers for 1 broker\n" in out

    code, out, _ = check(kafka, names, topics__create="false")
    assert code == 2
    assert out.count("WRONG ") == 9, out
    assert not kafka.topics() & set(names.values()), "--check has created topics"


def test_topics_as_they_should_be_and_not(kafka):
    names = harness.own_names()
    kafka.topic(names["topics.clicks"], partitions=3)
    kafka.topic(names["topics.items"], cleanup_policy="compact")
    code, out, _ = check(kafka, names)
    assert code == 0
    assert f"ok     topic {names['topics.clicks']} has 3 partitions and cleanup.policy delete\n" in out
    assert f"ok     topic {names['topics.items']} has 1 partition and cleanup.policy compact\n" in out

    assert f"note   the topic {names['topics.items']} keeps tombstones for 24.0 hours" in out, "Kafka's default: clicks stay"
    kafka.set_topic(names["topics.items"], cleanup_policy="compact", delete_retention_ms=315360000000)
    assert "note " not in check(kafka, names)[1]

    kafka.topic(names["topics.sessions"], cleanup_policy="compact")
    code, out, _ = check(kafka, names)
    assert code == 2
    wrong = [line for line in out.splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 1 and names["topics.sessions"] in wrong[0] and "compact" in wrong[0], out

    # A topic that is switched off is nobody's business.
    code, out, _ = check(kafka, {**names, "topics.sessions": ""})
    assert code == 0 and names["topics.sessions"] not in out


def test_no_broker():
    code, out, _ = run("--check", kafka__brokers=f"127.0.0.1:{harness.refusing_port()}")
    assert code == 1
    assert "WRONG  kafka.brokers: none of 127.0.0.1:" in out


def test_schema_of_clicks(kafka, tmp_path):
    names = harness.own_names()
    schema = tmp_path / "click.avsc"
    schema.write_text(json.dumps({"type": "record", "name": "view", "fields": [
        {"name": "user", "type": {"type": "record", "name": "user", "fields": [{"name": "id", "type": "string"}]}},
        {"name": "page", "type": "long"}, {"name": "at", "type": "long"}]}))
    avro = {"clicks__format": "avro", "clicks__schema": schema}
    fields = {"clicks__fields__visitor": "user.id", "clicks__fields__item": "page", "clicks__fields__timestamp": "at"}
    code, out, _ = check(kafka, names, **avro, **fields)
    assert code == 0 and f"ok     clicks are Avro by {schema}, which has user.id, page and at\n" in out, out

    code, out, _ = check(kafka, names, **avro, **{**fields, "clicks__fields__item": "article"})
    assert code == 2 and "WRONG " in out and "article" in out and "page" in out, out

    code, out, _ = check(kafka, names, **{**avro, "clicks__schema": tmp_path / "nowhere.avsc"}, **fields)
    assert code == 2 and "nowhere.avsc can't be read: No such file or directory" in out, out

    schema.write_text("this is no schema")
    code, out, _ = check(kafka, names, **avro, **fields)
    assert code == 2 and out.count("WRONG ") == 1, out


def test_what_tune_prints_is_a_configuration(kafka, tmp_path):
    clicks, found = tmp_path / "clicks.tsv", tmp_path / "tuned.conf"
    harness.hiphop("simulate", "--limit", 3000, "--quiet", "--out", clicks)
    for fixed in (), ("graph.pop_half_life=1m,1h,1d",), ("graph.pop_half_life[0]=1m", "graph.max_age=9d"):
        sets = [word for setting in fixed for word in ("--set", setting)]
        found.write_text(harness.hiphop("tune", "--clicks", clicks, "--budget", "1s", *sets).stdout)
        code, out, err = check(kafka, harness.own_names(), "--config", str(found))
        assert code == 0, found.read_text() + out + err
        assert "    pop_half_life = \"" + ("1m," if fixed else "") in found.read_text()
