"""Virtual time in whole nanoseconds: an asyncio loop for tasks, a hub of greenlets for threads.

Nothing independent ever happens at once: timers ring one by one, and between two of them everybody runs until all wait,
as if the second rang too little later to be measured. Which of one instant is the first is no rule of SQLAlchemy's but
of the world around it, and that world is poolcast's: timers ring in the order of their ranks, then as they were set.
"""

import asyncio
import collections
import contextvars
import heapq
import itertools
import selectors
import types

import greenlet

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

    def keep(self, promise):
        from sqlalchemy.util.concurrency import await_

        return await_(promise)


class Promise:
    """What a future is to a task, to a greenlet."""

    def __init__(self):
        self.value = self.error = self.sleeper = None
        self.settled = False

    def done(self):
        return self.settled

    def set_result(self, value):
        self._settle(value, None)

    def set_exception(self, error):
        self._settle(None, error)

    def _settle(self, value, error):
        self.settled, self.value, self.error = True, value, error
        if self.sleeper is not None:
            self.sleeper()


class Alarm:
    """A timer that can be cancelled."""

    def __init__(self, callback):
        self.callback = callback

    def __call__(self):
        if self.callback is not None:
            self.callback()

    def cancel(self):
        self.callback = None


class ThreadClock:
    """Greenlets in the place of threads: whoever runs goes on until it blocks, as under CPython's lock."""

    def __init__(self):
        self.timers = Timers()
        self.hub = greenlet.getcurrent()
        self._ready = collections.deque()
        self._late = False

    @property
    def now(self):
        return self.timers.now

    def at(self, when, callback, rank=COMPLETION):
        return self.timers.add(when, rank, Alarm(callback))

    def run(self):
        while self._ready or self.timers:
            (self._ready.popleft() if self._ready else self.timers.ring())()

    def start(self, when, function):
        def begin():
            thread = greenlet.greenlet(function, self.hub)
            thread.gr_context = contextvars.copy_context()
            thread.switch()

        self.at(when, begin, ARRIVAL)

    def promise(self):
        return Promise()

    def keep(self, promise):
        if not promise.settled:
            me = greenlet.getcurrent()
            promise.sleeper = lambda: self._ready.append(me.switch)
            self.hub.switch()
        if promise.error is not None:
            raise promise.error
        return promise.value

    def monotonic(self):
        """For `Queue.get`. A wait that has reached its deadline always ends a little after it."""
        late, self._late = self._late, False
        return self.now / 1e9 + (1e-9 if late else 0.0)

    def threading(self, told):
        """Stands in for the module `threading`. `told("wait" or "wake", request)` hears of the queue."""
        clock = self

        class Lock:
            def __init__(self):
                self.holder, self.line = None, collections.deque()

            def __enter__(self):
                while self.holder is not None:
                    turn = clock.promise()
                    self.line.append(turn)
                    clock.keep(turn)
                self.holder = greenlet.getcurrent()

            def __exit__(self, *_):
                self.holder = None
                if self.line:
                    self.line.popleft().set_result(None)

            def acquire(self, *_):
                self.__enter__()
                return True

            def release(self):
                self.__exit__()

        class RLock:
            """Nobody blocks while holding it, except in `Condition.wait`, which lets go."""

            def __enter__(self):
                return True

            def __exit__(self, *_):
                pass

            acquire = release = __exit__

        class Condition:
            def __init__(self, lock):
                self.line = collections.deque()

            def __enter__(self):
                return True

            def __exit__(self, *_):
                pass

            def wait(self, timeout=None):
                turn = clock.promise()
                turn.request = REQUEST.get()
                self.line.append(turn)
                told("wait", turn.request)
                alarm = None
                if timeout is not None:
                    alarm = clock.at(clock.now + nanos(timeout), lambda: expire(turn), TIMEOUT)
                woken = clock.keep(turn)
                if alarm is not None:
                    alarm.cancel()
                return woken

            def notify(self, n=1):
                if self.line:
                    turn = self.line.popleft()
                    told("wake", turn.request)
                    turn.set_result(True)

        def expire(turn):
            if not turn.settled:
                for line in lines():
                    if turn in line:
                        line.remove(turn)
                clock._late = True
                turn.set_result(False)

        conditions = []

        def condition(lock):
            conditions.append(Condition(lock))
            return conditions[-1]

        def lines():
            return [each.line for each in conditions]

        import threading

        return types.SimpleNamespace(
            Lock=Lock,
            RLock=RLock,
            Condition=condition,
            local=threading.local,
            get_ident=threading.get_ident,
            current_thread=threading.current_thread,
        )
