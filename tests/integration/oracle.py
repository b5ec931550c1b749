"""What hiphopd must publish, worked out from the click log alone, as slowly and plainly as possible.

Written from docs and headers, sharing no code with hiphopd. Input: the records of the click topic, partition by
partition. Output: the closed sessions, the clicks that lists must answer, and the dead letters, each as a multiset, so
that a comparison shows what is lost and what is there twice.
"""

import json
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Rules:
    gap: int = 30 * 60_000
    lateness: int = 10_000
    max_duration: int = 12 * 3_600_000
    max_clicks: int = 500
    max_skew: int = 5 * 60_000


@dataclass
class Session:
    visitor: str
    clicks: list = field(default_factory=list)  # (time, offset, item), sorted: ties in order of arrival

    @property
    def id(self):
        return min(offset for _, offset, _ in self.clicks)

    @property
    def first(self):
        return self.clicks[0][0]

    @property
    def last(self):
        return self.clicks[-1][0]


@dataclass
class Expected:
    sessions: Counter = field(default_factory=Counter)
    answers: Counter = field(default_factory=Counter)
    dead: Counter = field(default_factory=Counter)
    open: int = 0


def decode(value):
    """A JSON click as docs/records.md promises, or None."""

    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    try:
        click = json.loads(value, object_pairs_hook=once)
    except ValueError:
        return None
    if not isinstance(click, dict):
        return None
    visitor, item, time = (click.get(name) for name in ("visitor", "item", "timestamp"))
    for name in (visitor, item):
        if not (isinstance(name, str) and 1 <= len(name.encode()) <= 1024):
            return None
    if not isinstance(time, int) or isinstance(time, bool):
        return None
    return visitor, item, time


class Partition:
    def __init__(self, number, rules, now, out):
        self.number, self.rules, self.now, self.out = number, rules, now, out
        self.newest = None
        self.open = []

    def close(self, session, reason):
        self.open.remove(session)
        self.out.sessions[
            (
                f"{self.number}-{session.id}",
                session.visitor,
                reason,
                tuple((item, time) for time, _, item in session.clicks),
            )
        ] += 1

    def read(self, offset, value):
        def dead(reason):
            self.out.dead[(self.number, offset, reason, value)] += 1

        if not value:
            return dead("empty")
        click = decode(value)
        if click is None:
            return dead("malformed")
        visitor, item, time = click
        rules = self.rules
        if self.newest is not None and time < self.newest - rules.lateness:
            return dead("late")
        if time > self.now + rules.max_skew:
            return dead("future")

        self.newest = time if self.newest is None else max(self.newest, time)
        watermark = self.newest - rules.lateness
        due = [session for session in self.open if watermark >= session.last + rules.gap]
        for session in sorted(due, key=lambda session: (session.last + rules.gap, session.id)):
            self.close(session, "gap")

        session = self.join(visitor, time)
        session.clicks.append((time, offset, item))
        session.clicks.sort(key=lambda click: click[:2])
        position = session.clicks.index((time, offset, item)) + 1
        self.out.answers[(f"{self.number}-{session.id}", visitor, item, time, position)] += 1
        if len(session.clicks) >= rules.max_clicks:
            self.cut(visitor, "max_clicks")

    def cut(self, visitor, reason):
        """A cap starts the visitor afresh."""
        for session in [session for session in self.open if session.visitor == visitor]:
            self.close(session, reason)

    def join(self, visitor, time):
        """The session that takes a click at this time: it may be new, or made of two."""
        rules = self.rules
        within = [
            session
            for session in self.open
            if session.visitor == visitor and any(abs(time - when) < rules.gap for when, _, _ in session.clicks)
        ]
        clicks = sorted(click for session in within for click in session.clicks)
        times = [when for when, _, _ in clicks] + [time]
        if max(times) - min(times) > rules.max_duration:
            self.cut(visitor, "max_duration")
            clicks = []
        elif len(times) > rules.max_clicks:
            self.cut(visitor, "max_clicks")
            clicks = []
        else:
            for session in within:
                self.open.remove(session)
        session = Session(visitor, clicks)
        self.open.append(session)
        return session


def expect(log, rules, now):
    """log: {partition: [(offset, value), ...] in order of offset}. now: wall clock in ms, roughly."""
    out = Expected()
    for number, records in log.items():
        partition = Partition(number, rules, now, out)
        for offset, value in records:
            partition.read(offset, value)
        out.open += len(partition.open)
    return out
