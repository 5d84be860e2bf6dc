"""Virtual time in whole nanoseconds: an asyncio loop for tasks, a hub of greenlets for threads.

Both keep a list of ties: instants at which more than one timer rings, so that who comes first is nobody's rule.
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


def nanos(seconds):
    return round(seconds * 1e9)


class Timer(asyncio.TimerHandle):
    """Timers of one instant ring in the order in which they were set; asyncio's own would ring in heap order."""

    __slots__ = ("order",)

    def __lt__(self, other):
        return (self._when, self.order) < (other._when, other.order)


class Leap(selectors.SelectSelector):
    """Never waits for a file: when nothing is ready, the clock leaps to the next timer."""

    loop = None

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("nothing will ever happen again, but somebody waits")
        if timeout > 0:
            self.loop.leap()
        return []


class TaskClock(asyncio.SelectorEventLoop):
    """The loop on which tasks live. `between` is called before the clock moves."""

    def __init__(self):
        self.now, self.ties = 0, []
        self.between = lambda: None
        self._order = itertools.count()
        leap = Leap()
        super().__init__(leap)
        leap.loop = self
        self._clock_resolution = 1e-10

    def time(self):
        return self.now / 1e9

    def leap(self):
        self.between()
        when = self._scheduled[0]._when
        if sum(timer._when == when and not timer._cancelled for timer in self._scheduled) > 1:
            self.ties.append(nanos(when))
        self.now = max(self.now, nanos(when))

    def call_at(self, when, callback, *args, context=None):
        timer = Timer(nanos(when) / 1e9, callback, args, self, context)
        timer.order = next(self._order)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    # What the fake database and its clients need of a clock.

    def at(self, when, callback):
        return self.call_at(when / 1e9, callback)

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


class ThreadClock:
    """Greenlets in the place of threads: whoever runs goes on until it blocks, as under CPython's lock."""

    def __init__(self):
        self.now, self.ties = 0, []
        self.between = lambda: None
        self.hub = greenlet.getcurrent()
        self._order = itertools.count()
        self._timers = []
        self._late = False

    def at(self, when, callback):
        timer = [when, next(self._order), callback]
        heapq.heappush(self._timers, timer)
        return timer

    def run(self):
        while self._timers:
            when, _, callback = heapq.heappop(self._timers)
            if callback is not None:
                if when > self.now:
                    self.between()
                    self.now = when
                    if any(other[0] == when and other[2] is not None for other in self._timers):
                        self.ties.append(when)
                callback()

    def start(self, when, function):
        def begin():
            thread = greenlet.greenlet(function, self.hub)
            thread.gr_context = contextvars.copy_context()
            thread.switch()

        self.at(when, begin)

    def promise(self):
        return Promise()

    def keep(self, promise):
        if not promise.settled:
            me = greenlet.getcurrent()
            promise.sleeper = lambda: self.at(self.now, me.switch)
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
                    alarm = clock.at(clock.now + nanos(timeout), lambda: expire(turn))
                woken = clock.keep(turn)
                if alarm is not None:
                    alarm[2] = None
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
