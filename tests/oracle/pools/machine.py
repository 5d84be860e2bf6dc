"""Runs one schedule through a real asyncio pool and says, event by event, what it did."""

import asyncio
import logging

import server
from clock import ARRIVAL, REQUEST, TIMEOUT, TaskClock
from driver import Driver

logging.disable(logging.CRITICAL)


class Trace:
    """Events as (nanoseconds, letter, request, connection); counts as (nanoseconds, …) after each instant that changed them."""

    def __init__(self, clock):
        self.clock, self.pool, self.over = clock, None, False
        self.events, self.counters, self.errors = [], [], []
        clock.timers.between = self.count

    def note(self, letter, connection=None, request=None):
        if not self.over:
            self.events.append((self.clock.now, letter, request, connection and connection.serial))

    def count(self):
        """Called when all has happened that happens in this instant."""
        if self.pool is not None and not self.over:
            counts = self.pool.counts()
            if not self.counters or self.counters[-1][1:] != counts:
                self.counters.append((self.clock.now, *counts))


def run(Side, schedule):
    """The trace of a schedule under the library behind `Side`."""
    clock = TaskClock()
    trace = Trace(clock)
    asyncio.set_event_loop(clock)
    clock.run_until_complete(play(Side, schedule, clock, trace))
    clock.close()
    return trace


async def play(Side, schedule, clock, trace):
    the_server = server.Server(clock, schedule)
    driver = Driver(clock, the_server, schedule["driver"], trace.note)
    [settings] = schedule["pool"].values()
    pool = trace.pool = Side(clock, driver, settings)

    def arrive(number, wanted):
        REQUEST.set(number)
        request = Task(number, pool, driver, trace)
        task = clock.create_task(request.request(wanted))
        if wanted["deadline"] is not None:
            clock.at(wanted["at"] + wanted["deadline"], lambda: task.done() or request.give_up(task), TIMEOUT)

    for number, wanted in enumerate(schedule["requests"]):
        clock.at(wanted["at"], lambda number=number, wanted=wanted: arrive(number, wanted), ARRIVAL)
    await pool.start()
    quiet = clock.promise()
    clock.at(schedule["end"], lambda: quiet.set_result(None))
    await quiet
    trace.count()
    trace.over = True
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()
    await asyncio.sleep(0)


class Task:
    """A request of an asyncio application."""

    def __init__(self, number, pool, driver, trace):
        self.number, self.pool, self.driver, self.trace = number, pool, driver, trace
        self.has_failed = False

    def give_up(self, task):
        """The client leaves. Whether the task hears of it is another matter."""
        self.fails("DeadlineExceeded")
        task.cancel()

    async def request(self, wanted):
        try:
            await self.steps(wanted["steps"], None)
        except Exception as error:
            self.fails(self.pool.refusal(error) or str(error))

    def fails(self, why):
        if not self.trace.over and not self.has_failed:
            self.has_failed = True
            self.trace.errors.append(f"{self.number} {why}")

    async def sleep(self, span):
        if span:
            clock, promise = self.driver.clock, self.driver.clock.promise()
            clock.at(clock.now + span, lambda: promise.done() or promise.set_result(None))
            await promise

    async def steps(self, steps, connection):
        for name, wanted in steps:
            if name == "await":
                await self.sleep(wanted)
            elif name == "query":
                await self.sleep(self.driver.costs["statement"])
                await connection.query(wanted)
            elif name == "transaction":
                await connection.begin()
                await self.steps(wanted, connection)
                if connection.is_in_transaction():
                    await self.sleep(self.driver.costs["statement"])
                    await connection.commit()
            else:
                await self.sleep(self.driver.costs["checkout"])
                await self.session(wanted)

    async def session(self, steps):
        self.trace.note("q", None, self.number)
        try:
            connection = await self.pool.acquire()
        except Exception as error:
            self.trace.note("t" if self.pool.refusal(error) in ("PoolTimeout", "ConnectTimeout") else "e", None, self.number)
            raise
        self.trace.note("o", connection, self.number)
        try:
            await self.steps(steps, connection)
        finally:
            await self.pool.release(connection)
