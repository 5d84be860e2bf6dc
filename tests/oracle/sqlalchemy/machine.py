"""Runs one schedule through the real SQLAlchemy and says, event by event, what its pool did."""

import asyncio
import collections
import logging
import sys
import types
import warnings

import sqlalchemy
from sqlalchemy import event, exc, pool
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.event import attr as event_attr
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import base as pool_base
from sqlalchemy.pool import impl as pool_impl
from sqlalchemy.util import queue as pool_queue

import database
from clocks import ARRIVAL, REQUEST, TIMEOUT, TaskClock, ThreadClock

EPOCH = 1 << 20
"""What the pool's clock shows at the start, in seconds. Zero would look like its "never"."""

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")


class Dialect(DefaultDialect):
    name = driver = "virtual"
    supports_statement_cache = True
    here = None

    @classmethod
    def import_dbapi(cls):
        names = ("InterfaceError", "DatabaseError", "OperationalError", "IntegrityError", "ProgrammingError")
        names += ("DataError", "InternalError", "NotSupportedError")
        module = types.SimpleNamespace(Error=database.Error, paramstyle="qmark", **dict.fromkeys(names, database.Error))
        module.connect = lambda *_, **__: Dialect.here.connect()
        return module

    def is_disconnect(self, error, connection, cursor):
        return isinstance(error, database.Lost)

    def do_ping(self, connection):
        return connection.ping()

    def do_terminate(self, connection):
        connection.terminate()

    def initialize(self, connection):
        """Four statements, as the dialects for PostgreSQL ask: version, schema, isolation level, strings."""
        raw = connection.connection.dbapi_connection
        raw.initialising = True
        try:
            super().initialize(connection)
            connection.exec_driver_sql("query 0")
        except BaseException:
            raw.initialising = False
            raise

    def _get_server_version_info(self, connection):
        connection.exec_driver_sql("query 0")

    def _get_default_schema_name(self, connection):
        connection.exec_driver_sql("query 0")

    def get_default_isolation_level(self, connection):
        connection.cursor().execute("query 0")


class AsyncDialect(Dialect):
    driver = "virtual_async"
    is_async = has_terminate = True

    def get_driver_connection(self, connection):
        return connection


registry.register("virtual", __name__, "Dialect")
registry.register("virtual.virtual_async", __name__, "AsyncDialect")


def telling(kind, trace):
    """The pool, which says what is asked of it and what it answers. Nothing else is changed."""

    class Telling(kind):
        def connect(self):
            trace.note("request")
            try:
                lent = super().connect()
            except exc.TimeoutError:
                trace.note("timeout")
                raise
            except Exception:
                trace.note("error")
                raise
            lent.dbapi_connection.charged = lent.dbapi_connection.resetting = False
            trace.note("checkout", lent.dbapi_connection)
            return lent

    return Telling


class Line(collections.deque):
    """asyncio's line of waiters, which says who joins it and who is woken."""

    def __init__(self, trace):
        super().__init__()
        self.trace, self.names = trace, {}

    def append(self, waiter):
        self.names[id(waiter)] = REQUEST.get()
        self.trace.note("wait")
        super().append(waiter)

    def popleft(self):
        waiter = super().popleft()
        if not waiter.done():
            self.trace.note("wake", request=self.names[id(waiter)])
        return waiter


class Trace:
    """Events as (nanoseconds, name, request, connection); counters as (nanoseconds, idle, checked out, overflow)."""

    def __init__(self, clock):
        self.clock, self.pool, self.over = clock, None, False
        self.events, self.counters = [], []
        clock.timers.between = self.count

    def note(self, name, connection=None, request=None):
        if self.over:
            return
        who = REQUEST.get() if request is None else request
        self.events.append((self.clock.now, name, who, connection.serial if connection else None))

    def count(self):
        """Called when all has happened that happens in this instant."""
        if isinstance(self.pool, pool.QueuePool) and not self.over:
            counters = (self.pool.checkedin(), self.pool.checkedout(), self.pool._overflow)
            if not self.counters or self.counters[-1][1:] != counters:
                self.counters.append((self.clock.now, *counters))

    def end(self):
        """What comes now is only clearing up."""
        self.count()
        self.over = True

    def attach(self, watched):
        self.pool = watched

        @event.listens_for(watched, "reset")
        def reset(connection, record, state):
            connection.resetting = True
            self.note("reset", connection)

        event.listen(watched, "checkin", lambda connection, record: self.note("checkin", connection))
        event.listen(watched, "invalidate", lambda connection, record, why: self.note("invalidate", connection))

        @event.listens_for(watched, "connect")
        def initialised(connection, record):
            connection.initialising = False


def engine_arguments(schedule):
    wanted = schedule["pool"]
    seconds = lambda span: None if span is None else span / 1e9
    arguments = {"pool_reset_on_return": wanted["reset_on_return"]}
    if wanted["kind"] == "null":
        return pool.NullPool, arguments
    recycle = wanted["recycle"]
    arguments.update(
        pool_size=wanted["pool_size"],
        max_overflow=wanted["max_overflow"],
        pool_timeout=seconds(wanted["timeout"]),
        pool_recycle=-1 if recycle is None else seconds(recycle),
        pool_pre_ping=wanted["pre_ping"],
        pool_use_lifo=wanted["use_lifo"],
    )
    return (pool.QueuePool if wanted["release"] == "threads" else pool.AsyncAdaptedQueuePool), arguments


def run(schedule):
    """The trace of a schedule."""
    saved = pool_base.time
    try:
        if schedule["pool"]["release"] == "threads":
            trace = run_threads(schedule)
        else:
            trace = run_tasks(schedule)
    finally:
        pool_base.time = saved
    if schedule["pool"]["kind"] == "queue" and schedule["pool"]["timeout"] == 0:
        forget_waits_of_no_time(trace)
    return trace


def forget_waits_of_no_time(trace):
    """With pool_timeout=0 the code for Python 3.11 joins the line for one turn of the loop; that for 3.12 and threads do not."""
    trace.events = [entry for entry in trace.events if entry[1] != "wait"]


def set_pool_clock(clock):
    pool_base.time = types.SimpleNamespace(time=lambda: EPOCH + clock.now / 1e9)


def run_tasks(schedule):
    clock = TaskClock()
    trace = Trace(clock)
    set_pool_clock(clock)
    asyncio.set_event_loop(clock)
    kind, arguments = engine_arguments(schedule)

    async def main():
        Dialect.here = database.Driver(clock, schedule, trace.note)
        engine = create_async_engine("virtual+virtual_async://", poolclass=telling(kind, trace), **arguments)
        trace.attach(engine.sync_engine.pool)
        if kind is not pool.NullPool:
            engine.sync_engine.pool._pool._queue._getters = Line(trace)
        tasks = []

        def arrive(number, wanted):
            REQUEST.set(number)
            task = clock.create_task(Task(clock, engine, schedule).request(wanted))
            tasks.append(task)
            if wanted["deadline"] is not None:
                clock.at(wanted["at"] + wanted["deadline"], lambda: task.done() or task.cancel(), TIMEOUT)

        for number, wanted in enumerate(schedule["requests"]):
            clock.at(wanted["at"], lambda number=number, wanted=wanted: arrive(number, wanted), ARRIVAL)
        quiet = clock.promise()
        clock.at(schedule["end"], lambda: quiet.set_result(None))
        await quiet
        trace.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    clock.run_until_complete(main())
    clock.close()
    return trace


class Task:
    """A request of an asyncio application. Its first statement begins a transaction, as in poolcast."""

    def __init__(self, clock, engine, schedule):
        self.clock, self.engine, self.costs = clock, engine, schedule["driver"]
        self.release = schedule["pool"]["release"]

    async def request(self, wanted):
        try:
            await self.steps(wanted["steps"], None)
        except (exc.SQLAlchemyError, database.Error):
            pass

    async def sleep(self, span):
        if span:
            promise = self.clock.promise()
            self.clock.at(self.clock.now + span, lambda: promise.done() or promise.set_result(None))
            await promise

    async def steps(self, steps, connection):
        for name, wanted in steps:
            if name == "await":
                await self.sleep(wanted)
            elif name == "query":
                await self.sleep(self.costs["statement"])
                await connection.exec_driver_sql(f"query {wanted}")
            elif name == "transaction":
                await self.steps(wanted, connection)
                if is_in_transaction(connection.sync_connection):
                    await self.sleep(self.costs["statement"])
                await connection.commit()
            else:
                await self.sleep(self.costs["checkout"])
                await self.session(wanted)

    async def session(self, steps):
        if self.release == "with":
            async with self.engine.connect() as connection:
                await self.steps(steps, connection)
            return
        connection = await self.engine.connect()
        try:
            await self.steps(steps, connection)
        finally:
            await connection.close()


def is_in_transaction(connection):
    """Whether the driver has something to commit: else COMMIT is not sent."""
    return connection.connection.dbapi_connection.session.status != "idle"


def run_threads(schedule):
    clock = ThreadClock()
    trace = Trace(clock)
    set_pool_clock(clock)
    stand_in = clock.threading(lambda name, request: trace.note(name, request=request))
    modules = (pool_queue, pool_impl, event_attr)
    saved = [module.threading for module in modules], pool_queue._time
    for module in modules:
        module.threading = stand_in
    pool_queue._time = clock.monotonic
    try:
        kind, arguments = engine_arguments(schedule)
        Dialect.here = database.Driver(clock, schedule, trace.note)
        engine = sqlalchemy.create_engine("virtual://", poolclass=telling(kind, trace), **arguments)
        trace.attach(engine.pool)
        for number, wanted in enumerate(schedule["requests"]):
            thread = Thread(clock, engine, schedule)
            clock.start(wanted["at"], lambda number=number, wanted=wanted, thread=thread: thread.request(number, wanted))
        clock.run()
        trace.end()
    finally:
        for module, before in zip(modules, saved[0]):
            module.threading = before
        pool_queue._time = saved[1]
    return trace


class Thread:
    """A request of an application with threads."""

    def __init__(self, clock, engine, schedule):
        self.clock, self.engine, self.costs = clock, engine, schedule["driver"]

    def request(self, number, wanted):
        REQUEST.set(number)
        try:
            self.steps(wanted["steps"], None)
        except (exc.SQLAlchemyError, database.Error):
            pass

    def sleep(self, span):
        if span:
            promise = self.clock.promise()
            self.clock.at(self.clock.now + span, lambda: promise.set_result(None))
            self.clock.keep(promise)

    def steps(self, steps, connection):
        for name, wanted in steps:
            if name == "await":
                self.sleep(wanted)
            elif name == "query":
                self.sleep(self.costs["statement"])
                connection.exec_driver_sql(f"query {wanted}")
            elif name == "transaction":
                self.steps(wanted, connection)
                if is_in_transaction(connection):
                    self.sleep(self.costs["statement"])
                connection.commit()
            else:
                self.sleep(self.costs["checkout"])
                with self.engine.connect() as lent:
                    self.steps(wanted, lent)


def version():
    return f"SQLAlchemy {sqlalchemy.__version__}, Python {sys.version.split()[0]}"
