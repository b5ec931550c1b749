"""Adds up what the steps of ./dev test counted, and prints the closing line "N passed, N failed, N skipped".

A step leaves NAME.result (its exit code), NAME.log, and where it ran ctest or pytest NAME.xml in JUnit form. A
ctest test that is a Criterion executable counts by its cases; one that prints "skipped: no data" was skipped. A step that failed without a failed test counts
as one failure, and a step without tests that went well (a build, say) as nothing.
"""
import os
import re
import sys
import xml.etree.ElementTree as xml

SYNTHESIS = re.compile(r"Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)")
SKIPPED = re.compile(r"skipped: no data")
LINT = re.compile(r"^lint: (\d+) passed, (\d+) failed$", re.M)


def count_case(case):
    """(passed, failed, skipped) of one <testcase>."""
    output = case.findtext("system-out") or ""
    broke = case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail"
    if not broke and (case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")):
        return 0, 0, 1
    passed = failed = 0
    for _, passing, failing, crashing in SYNTHESIS.findall(output):
        passed += int(passing)
        failed += int(failing) + int(crashing)
    if broke:
        return passed, max(failed, 1), 0
    # Where ctest is content all is well: a test that must fail (tests/selftest) did.
    passed = max(passed, 1)
    skipped = min(len(SKIPPED.findall(output)), passed)
    return passed - skipped, 0, skipped


def count_step(logs, name):
    with open(os.path.join(logs, name + ".result"), encoding="ascii") as file:
        result = int(file.read())
    total = [0, 0, 0]
    junit = os.path.join(logs, name + ".xml")
    if os.path.exists(junit):
        for case in xml.parse(junit).iter("testcase"):
            total = [a + b for a, b in zip(total, count_case(case))]
    with open(os.path.join(logs, name + ".log"), encoding="utf-8", errors="replace") as file:
        for passed, failed in LINT.findall(file.read()):
            total[0] += int(passed)
            total[1] += int(failed)
    if result != 0 and total[1] == 0:
        total[1] = 1
    return total


def main(logs):
    steps = sorted(name[:-len(".result")] for name in os.listdir(logs) if name.endswith(".result"))
    totals = [sum(numbers) for numbers in zip(*(count_step(logs, step) for step in steps))] or [0, 0, 0]
    print("%d passed, %d failed, %d skipped" % tuple(totals))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
