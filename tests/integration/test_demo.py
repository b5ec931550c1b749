"""./dev demo does what README promises, and leaves nothing behind. It builds and takes a minute: the long tier."""
import glob
import os
import re
import signal
import subprocess
import time

import pytest

import harness

long_tier = pytest.mark.skipif(not harness.LONG, reason="the long tier (./dev test --long)")


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


@long_tier
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
    launched(out[out.index("A launch: "):])
    nothing_left()


def launched(out):
    """Only its record was announced, and it is in the list of whoever likes the like, for its description."""
    title = re.match('A launch: "([^"]+)"', out)[1]
    fan, other = re.findall(r"^\S+ \S+  (\w+)  click 2: ", out, re.M)
    lists = out.split(f"  {fan}  click 2: ")[1].split(f"  {other}  click 2: ")
    rank, reason = re.search(rf"^ *(\d+)  {re.escape(title)} +[0-9.]+ %  (.*)$", lists[0], re.M).groups()
    assert 1 <= int(rank) <= 20 and reason.startswith("its description is like that of "), out
    assert len(reason) > len("its description is like that of i9999"), out  # a title, not an id
    found = re.search(rf"^ *(\d+)  {re.escape(title)} ", lists[1], re.M)
    assert found is None or int(found[1]) > 10, out


def test_a_launch_that_nobody_is_offered_fails_the_demo(tmp_path):
    """dev.d/demo/launch.sh with a stream that it is not part of."""
    script = """
set -euo pipefail
cd "$TOP"; . dev.d/common.sh; . dev.d/demo/launch.sh
run=$1 data=$1 brokers=none shown=
announce() { :; }
await() { :; }
metric() { echo 0; }
hiphop() { [ "$1" != watch ] || cat "$run/${@: -3:1}"; }
launched='{"id": "new", "title": "New (2000)"}'
launch "made up" fan "a b" other "c d"
"""
    (tmp_path / "items.jsonl").write_text("")
    (tmp_path / "clicks.tsv").write_text("v\ta\t1000\n")
    head, like = "1998-04-23 00:00:00  {}  click 2: A › B\n", "     1  New (2000)   9.0 %  its description is like that of B\n"
    others = "".join(f"    {rank:2}  Other {rank}   1.0 %  popular now\n" for rank in range(1, 21))
    for fan, other, error in [(like, others, None), (others, others, "is not in the list of fan"),
                              (like.replace("its description is like that of B", "popular now"), others, "but not for its description"),
                              (like, like, "offered to other as well, at rank 1"), ("", "", "is not in the list of fan")]:
        (tmp_path / "fan").write_text(head.format("fan") + fan)
        (tmp_path / "other").write_text(head.format("other") + other)
        done = subprocess.run(["bash", "-c", script, "launch", str(tmp_path)], env={**os.environ, "TOP": harness.TOP},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert (done.returncode == 0) == (error is None) and (error or "its description is like that of B") in done.stdout, done.stdout


@long_tier
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
