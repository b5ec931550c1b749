"""Click traffic as it comes in real life: out of order, late, twice, and now and then no click at all. Seeded."""

import json
import random

GAP = 20_000
LATENESS = 15_000
PARTITIONS = 4

MALFORMED = [
    b"{",
    b"not json",
    b"[]",
    b"\xff\xfe\x00",
    b'{"visitor":"v","item":"i"}',
    b'{"visitor":"v","item":"i","timestamp":"soon"}',
    b'{"visitor":"","item":"i","timestamp":1700000000000}',
    b'{"visitor":"v","item":null,"timestamp":1700000000000}',
    b'{"visitor":"v","item":"i","timestamp":1700000000000} {}',
    b'{"visitor":"v","visitor":"w","item":"i","timestamp":1700000000000}',
    json.dumps({"visitor": "v" * 2000, "item": "i", "timestamp": 1_700_000_000_000}).encode(),
]


def click(visitor, item, time):
    return json.dumps({"visitor": visitor, "item": item, "timestamp": time}).encode()


def traffic(count, seed, start, visitors=800, items=400):
    """Yields (partition, key, value): about `count` records. start: event time of the first click, in ms."""
    draw = random.Random(seed)
    time = start
    newest = [start] * PARTITIONS
    for number in range(count):
        time += draw.randrange(0, 40)
        who = draw.randrange(8) if draw.random() < 0.05 else draw.randrange(visitors)  # eight of them never rest
        visitor, partition = f"v{who}", who % PARTITIONS
        newest[partition] = max(newest[partition], time)
        fate = draw.random()
        if fate < 0.01:
            yield partition, visitor.encode(), draw.choice(MALFORMED)
            continue
        if fate < 0.012:
            yield partition, visitor.encode(), draw.choice([None, b""])
            continue
        if fate < 0.02:  # hopelessly late
            when = newest[partition] - LATENESS - draw.randrange(1, 100_000)
        elif fate < 0.022:  # from the far future: must move nothing
            when = start + 40 * 365 * 86_400_000
        elif fate < 0.25:  # out of order
            when = time - draw.randrange(0, LATENESS)
        else:
            when = time
        value = click(visitor, f"i{min(int(draw.paretovariate(0.7)), items)}", when)
        yield partition, visitor.encode(), value
        if fate > 0.98:  # the same record twice: two clicks
            yield partition, visitor.encode(), value
        if number % 5000 == 4999:
            time += draw.randrange(0, 2 * GAP)  # quiet: many sessions close at once


def flush(start_of_end):
    """One click a partition, late enough to close every session before it."""
    for partition in range(PARTITIONS):
        yield partition, f"end{partition}".encode(), click(f"end{partition}", "end", start_of_end)


def paths(begin, sessions, seed=1, groups=range(40), tail=""):
    """Clicks (visitor, item, time) of sessions that all go the same way through one of the groups of items: a<n>, b<n>,
    c<n>, d<n>, a second between clicks, half a second between sessions. What comes next is plain to learn."""
    draw = random.Random(seed)
    clicks = []
    for number in range(sessions):
        group, start = draw.choice(groups), begin + number * 500
        for step, kind in enumerate("abcd"):
            clicks.append((f"v{seed}-{number}", f"{kind}{group}{tail}", start + step * 1000))
    return sorted(clicks, key=lambda click: click[2])
