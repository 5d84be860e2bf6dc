"""Virtual time for both of SQLAlchemy's worlds: the common loop for tasks, a hub of greenlets for threads."""

import collections
import contextvars
import types

import greenlet
from sqlalchemy.util.concurrency import await_

import clock as virtual
from clock import ARRIVAL, COMPLETION, REQUEST, TIMEOUT, Timers, nanos


class TaskClock(virtual.TaskClock):
    """The loop of tasks, in which SQLAlchemy's synchronous code waits by its own means."""

    def keep(self, promise):
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
