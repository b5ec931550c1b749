"""dev.d/count.py: no failure is lost on the way to the closing line."""
import os
import subprocess
import sys

import pytest

COUNT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "dev.d", "count.py")
CRITERION = "[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | Crashing: %d"


def case(output="", inside="", status="run"):
    return f'<testcase name="t" status="{status}">{inside}<system-out>{output}</system-out></testcase>'


@pytest.mark.parametrize("result, log, cases, line, code", [
    (0, "", None, "0 passed, 0 failed, 0 skipped", 1),  # nothing ran: that is no success
    (1, "", None, "0 passed, 1 failed, 0 skipped", 1),  # a build that failed
    (0, "lint: 11 passed, 0 failed\n", None, "11 passed, 0 failed, 0 skipped", 0),
    (1, "lint: 9 passed, 2 failed\n", None, "9 passed, 2 failed, 0 skipped", 1),
    (0, "", [case(CRITERION % (3, 3, 0, 0)), case()], "4 passed, 0 failed, 0 skipped", 0),
    (8, "", [case(CRITERION % (3, 1, 1, 1), "<failure/>", "fail")], "1 passed, 2 failed, 0 skipped", 1),
    # A leak: Criterion is content, ctest is not.
    (8, "", [case(CRITERION % (3, 3, 0, 0), "<failure/>", "fail")], "3 passed, 1 failed, 0 skipped", 1),
    (8, "", [case("", "<error/>")], "0 passed, 1 failed, 0 skipped", 1),
    (0, "", [case("", "<skipped/>"), case()], "1 passed, 0 failed, 1 skipped", 0),
    (0, "", [case("skipped: no data\n" + CRITERION % (3, 3, 0, 0))], "2 passed, 0 failed, 1 skipped", 0),
    # The runner itself broke although every test had passed.
    (1, "", [case()], "1 passed, 1 failed, 0 skipped", 1),
])
def test_the_closing_line(tmp_path, result, log, cases, line, code):
    (tmp_path / "step.result").write_text(str(result))
    (tmp_path / "step.log").write_text(log)
    if cases:
        (tmp_path / "step.xml").write_text(f"<testsuite>{''.join(cases)}</testsuite>")
    done = subprocess.run([sys.executable, COUNT, str(tmp_path)], stdout=subprocess.PIPE, universal_newlines=True,
                          check=False)
    assert (done.stdout.splitlines()[-1], done.returncode) == (line, code)
