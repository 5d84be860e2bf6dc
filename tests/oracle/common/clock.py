"""Virtual time in whole nanoseconds, and an asyncio loop that lives in it.

Nothing independent ever happens at once: timers ring one by one, and between two of them everybody runs until all wait,
as if the second rang too little later to be measured. Which of one instant is the first is no rule of a pool but of
the world around it, and that world is poolcast's: timers ring in the order of their ranks, then as they were set.
"""

import asyncio
import contextvars
import heapq
import itertools
import selectors

REQUEST = contextvars.ContextVar("request", default=None)
"""Number of the request whose code runs."""


COMPLETION, CONNECTION, TIMEOUT, FAULT, ARRIVAL = range(5)
"""The ranks of timers."""


def nanos(seconds):
    return round(seconds * 1e9)


class Timers:
    """What will ring, and the time now. `between` is called before the clock moves."""

    def __init__(self):
        self.now = 0
        self.between = lambda: None
        self._order = itertools.count()
        self._heap = []

    def add(self, when, rank, what):
        heapq.heappush(self._heap, (max(when, self.now), rank, next(self._order), what))
        return what

    def ring(self):
        """The next one; the clock moves to it."""
        when, _, _, what = heapq.heappop(self._heap)
        if when > self.now:
            self.between()
            self.now = when
        return what

    def __bool__(self):
        return bool(self._heap)


class Leap(selectors.SelectSelector):
    """Never waits for a file: when all wait, the next timer rings."""

    loop = None

    def select(self, timeout=None):
        if timeout is None:
            self.loop.leap()
        return []


class TaskClock(asyncio.SelectorEventLoop):
    """The loop on which tasks live."""

    def __init__(self):
        self.timers = Timers()
        leap = Leap()
        super().__init__(leap)
        leap.loop = self

    @property
    def now(self):
        return self.timers.now

    def time(self):
        return self.now / 1e9

    def leap(self):
        """The loop takes the next timer up as if it had just fallen due."""
        if not self.timers:
            raise RuntimeError("nothing will ever happen again, but somebody waits")
        self._ready.append(self.timers.ring())

    def call_at(self, when, callback, *args, context=None, rank=TIMEOUT):
        """By itself asyncio calls it for timeouts only."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        return self.timers.add(nanos(when), rank, timer)

    # What the fake database and its clients need of a clock.

    def at(self, when, callback, rank=COMPLETION):
        return self.call_at(when / 1e9, callback, rank=rank)

    def promise(self):
        return self.create_future()
