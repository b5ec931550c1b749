"""./dev demo does what README promises, and leaves nothing behind. It builds and takes a minute: the long tier."""
import glob
import os
import re
import signal
import subprocess
import time

import pytest

import harness

pytestmark = pytest.mark.skipif(not harness.LONG, reason="the long tier (./dev test --long)")


def demo(*options):
    return subprocess.Popen([os.path.join(harness.TOP, "dev"), "demo", *options], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def nothing_left():
    assert not glob.glob(os.path.join(harness.TOP, "build/demo/run.*"))
    for commands in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(commands, "rb") as file:
                words = file.read()
        except OSError:
            continue
        assert os.path.join(harness.TOP, "build/demo/run.").encode() not in words, words


@pytest.mark.parametrize("options", [(), ("--shop",)], ids=["movielens", "shop"])
def test_the_demo_ends_by_itself_with_figures_that_add_up(options):
    process = demo(*options)
    out, _ = process.communicate(timeout=900)
    assert process.returncode == 0, out
    found = {name: float(value) for name, value in
             re.findall(r"^ *(clicks|sessions|recommendations|dead letters|hiphop|what is popular|the best possible) +"
                        r"([0-9.]+)", out, re.M)}
    assert found["clicks"] == found["recommendations"] == 100000 and found["dead letters"] == 0, out
    assert 1000 < found["sessions"] < 50000
    assert found["hiphop"] > 1.5 * found["what is popular"] > 0, out
    best = found.get("the best possible")  # the shop's, where the right answer is known
    assert best is None or 0.7 * best < found["hiphop"] < best, out
    assert re.search(r"^    [✓✗] ", out, re.M) and re.search(r"^     1  .* % ", out, re.M)
    nothing_left()


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_running(signal_number):
    process = demo("--stay", "--shop")
    for line in process.stdout:
        if "starting hiphopd" in line:
            break
    time.sleep(2)
    os.killpg(process.pid, signal_number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    nothing_left()
