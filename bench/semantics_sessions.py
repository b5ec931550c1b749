#!/usr/bin/env python3
"""Sessions of a click log in order of time, for bench/semantics.sh: semantics_sessions.py CLICKS DIR LAST LONGEST.

The LAST of them (0: all) with 2 to LONGEST clicks; DIR/train has the first four fifths, DIR/test the others, and DIR/cut is
train without the clicks on a tenth of the items, drawn by lot.
"""
import csv
import gzip
import random
import sys

GAP = 30 * 60 * 1000


def read_sessions(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        visitors = {}
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            visitors.setdefault(row["visitor"], []).append((int(row["unix_ms"]), row["item"]))
    for clicks in visitors.values():
        begin = 0
        for i in range(1, len(clicks) + 1):
            if i == len(clicks) or clicks[i][0] - clicks[i - 1][0] >= GAP:
                yield clicks[begin:i]
                begin = i


def write(path, sessions):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(" ".join(session) + "\n" for session in sessions if session)


def main():
    clicks, directory, last, longest = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    sessions = [s for s in read_sessions(clicks) if 2 <= len(s) <= longest]
    sessions.sort(key=lambda session: session[0][0])
    sessions = [[item for _, item in session] for session in sessions[-last:]]
    train, test = sessions[: len(sessions) * 8 // 10], sessions[len(sessions) * 8 // 10 :]
    items = sorted({item for session in sessions for item in session})
    gone = set(random.Random(1).sample(items, len(items) // 10))
    write(f"{directory}/train", train)
    write(f"{directory}/test", test)
    write(f"{directory}/cut", [[item for item in session if item not in gone] for session in train])


if __name__ == "__main__":
    main()
