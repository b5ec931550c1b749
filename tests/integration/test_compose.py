"""docker-compose.yml without Docker: its broker settings, its hiphopd and its shop, with addresses of this test."""
import os
import subprocess

import harness
import pytest
import yaml
from embeddings import Embeddings



def services(name):
    with open(os.path.join(harness.TOP, name), encoding="utf-8") as file:
        return yaml.safe_load(file)["services"]


SERVICES = services("docker-compose.yml")


def test_the_services_know_each_other():
    assert set(SERVICES) == {"kafka", "hiphopd", "shop"}
    assert SERVICES["kafka"]["hostname"] == "kafka"
    listeners = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert "PLAINTEXT://kafka:9092" in listeners and "HOST://localhost:29092" in listeners
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published and all(port.startswith("127.0.0.1:") for port in published), "open on loopback only"
    assert SERVICES["shop"]["image"] == SERVICES["hiphopd"]["image"]


@pytest.fixture
def composed_kafka(tmp_path):
    """A broker with the settings of the compose file, but for its addresses."""
    settings = {name[len("KAFKA_"):].lower(): value for name, value in SERVICES["kafka"]["environment"].items()}
    addresses = [name for name in settings if "listener" in name or name == "controller_quorum_voters"]
    broker = harness.Kafka(tmp_path / "kafka", **{k: v for k, v in settings.items() if k not in addresses})
    try:
        yield broker.start()
    finally:
        broker.stop()


def test_they_recommend(composed_kafka, hiphopd):
    command = SERVICES["hiphopd"]["command"]
    assert command[0::2] == ["--set"] * (len(command) // 2)
    options = dict(word.split("=", 1) for word in command[1::2])
    assert options.pop("kafka.brokers") == "kafka:9092"
    host, port = options.pop("http.listen").split(":")
    assert host == "0.0.0.0" and f"127.0.0.1:{port}:{port}" in SERVICES["hiphopd"]["ports"]
    assert f"/{port} " in SERVICES["hiphopd"]["healthcheck"]["test"][-1]
    daemon = hiphopd(composed_kafka, options).ready()

    # The check of the container's health, word for word but for the port.
    check = SERVICES["hiphopd"]["healthcheck"]["test"]
    assert check[0] == "CMD"
    subprocess.run([word.replace(port, str(daemon.port)) for word in check[1:]], check=True, timeout=10)

    assert SERVICES["shop"]["entrypoint"] == ["hiphop"]
    words = [composed_kafka.brokers if word == "kafka:9092" else word for word in SERVICES["shop"]["command"]]
    harness.hiphop(*words, "--limit", 300)
    records = composed_kafka.wait("hiphop.recommendations", 50)
    assert all(record.key for record in records)
    assert daemon.stop() == 0


def test_with_a_language_model(kafka, hiphopd):
    """What the second file adds, with a stub in the place of the model: the shop's titles become vectors."""
    added = services("docker-compose.language-model.yml")
    assert set(added) == {"embeddings", "hiphopd"}
    words = added["hiphopd"]["command"]
    assert words[:4] == SERVICES["hiphopd"]["command"], "it says again what the first file says"
    options = dict(word.split("=", 1) for word in words[1::2])
    model = options["semantics.model"]
    assert options.pop("semantics.url") == "http://embeddings:11434/v1/embeddings"
    assert f"ollama pull {model}" in added["embeddings"]["entrypoint"][-1]
    assert added["embeddings"]["healthcheck"]["test"][-1] == model
    stub = Embeddings(width=int(options["semantics.width"]))
    names = harness.own_names()
    settings = {name: value for name, value in options.items() if name not in ("kafka.brokers", "http.listen")}
    daemon = hiphopd(kafka, {**names, **settings, "semantics.url": stub.url}).ready()
    harness.hiphop("simulate", "--brokers", kafka.brokers, "--topic", names["topics.clicks"], "--items-topic",
                   names["topics.items"], "--limit", 20, "--quiet")
    titled = len(kafka.read(names["topics.items"]))
    assert titled > 100 and len(kafka.wait(names["topics.item_vectors"], titled)) == titled
    assert len(stub.paid) <= titled and set(stub.paid.values()) == {1}
    assert daemon.stop() == 0
    stub.stop()
