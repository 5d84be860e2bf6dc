"""A worker process of a live run: real SQLAlchemy pools, told over standard input what requests do.

One line of JSON is one message. The first says which engine to make; then come

    {"ping": 1}                         answered by {"pong": this process's clock}
    {"zero": ns}                        the reading of this clock at which the run starts
    {"id": 7, "does": [["checkout"], ["query", 0.0045], ["checkin"]]}    a request
    {"cancel": 7}                       its client has gone
    {"stop": 1}                         the run is over

and for every request one line comes back with when everything happened, in nanoseconds since the start of the run.
"""

import asyncio
import contextlib
import contextvars
import json
import os
import ssl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, QueuePool

OUT = os.dup(1)
os.dup2(2, 1)  # whatever a library prints is no message
SAYING = threading.Lock()
LEASE = contextvars.ContextVar("lease", default=None)  # the checkout that a connection is opened for
ZERO = 0
WARMING = 5
SET_UPS = 9


def now():
    return max(0, time.monotonic_ns() - ZERO)


def say(message):
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    with SAYING:
        while line:
            line = line[os.write(OUT, line) :]


def explain(error):
    """What the library told: the driver's own error inside SQLAlchemy's, if there is one."""
    inner = getattr(error, "orig", None) or error
    state = getattr(inner, "sqlstate", None) or getattr(inner, "pgcode", None)
    return {"class": type(inner).__name__, "state": state, "text": str(inner) or repr(inner)}


def burn(ns):
    """Uses the processor for so long."""
    end = time.thread_time_ns() + ns
    while time.thread_time_ns() < end:
        pass


class Worker:
    """What both kinds have in common: the engine's options, and what is written down."""

    def __init__(self, hello):
        self.statement = text(hello["statement"])
        self.leave_by_with = hello["async_with"]
        self.leaked = []

    def options(self, hello, queue_pool):
        pool = hello["pool"]
        if pool is None:
            return {"poolclass": NullPool}
        return {"poolclass": queue_pool, **pool}

    def listen(self, engine):
        @event.listens_for(engine, "do_connect")
        def connect(dialect, record, arguments, keywords):
            begun = now()
            connection = dialect.connect(*arguments, **keywords)
            done = now()
            lease = LEASE.get()
            if lease is not None:
                lease["connects"].append([begun, done])
            say({"at": done, "opened": True, "took": done - begun})
            return connection

        # It is back when the pool has it, which is before whoever gave it back goes on; or when it is closed, if the pool
        # does not keep it.
        @event.listens_for(engine.pool, "checkin")
        def checkin(connection, record):
            lease = record.record_info.get("lease")
            if lease is not None:
                lease["back"] = now()

        @event.listens_for(engine.pool, "close")
        def close(connection, record):
            lease = record.record_info.get("lease")
            if lease is not None:
                lease["back"] = None
            say({"at": now(), "opened": False, "took": None})

        # A pool gives up a connection without closing it when a request is cancelled in the middle of something.
        @event.listens_for(engine.pool, "close_detached")
        def close_detached(connection):
            say({"at": now(), "opened": False, "took": None})

    def newborn(self, order):
        return {"id": order["id"], "began": now(), "checkouts": [], "statements": [], "error": None}

    def lease(self, told):
        lease = {"asked": now(), "got": None, "given": None, "back": None, "connects": []}
        told["checkouts"].append(lease)
        return lease, len(told["checkouts"]) - 1

    def statement_of(self, told, checkout, kind):
        statement = {"checkout": checkout, "kind": kind, "sent": now(), "replied": None}
        told["statements"].append(statement)
        return statement


class AsyncWorker(Worker):
    """asyncpg under AsyncAdaptedQueuePool: requests are tasks of one event loop."""

    def __init__(self, hello):
        super().__init__(hello)
        self.engine = self.make(hello, hello["address"], **self.options(hello, AsyncAdaptedQueuePool))
        self.listen(self.engine.sync_engine)
        self.tasks = {}
        self.slots = asyncio.Semaphore(hello["concurrency"]) if hello["concurrency"] else None

    def make(self, hello, address, **options):
        query = {}
        arguments = {"server_settings": {"application_name": "poolcast"}}
        if hello["statement_timeout"]:
            arguments["server_settings"]["statement_timeout"] = str(hello["statement_timeout"])
        if hello["proxied"]:
            # Behind a proxy that hands server connections around, no statement may be expected to stay prepared.
            query["prepared_statement_cache_size"] = "0"
            arguments.update(statement_cache_size=0, prepared_statement_name_func=lambda: "")
        if hello["tls"]:
            arguments["ssl"] = ssl.create_default_context()
        if address["socket"]:
            arguments["host"] = address["socket"]
        url = sqlalchemy.URL.create("postgresql+asyncpg", query=query, **address["parts"])
        return create_async_engine(url, connect_args=arguments, **options)

    async def warm_up(self, hello):
        """Does everything a few times with an engine of its own: a process that has just started is slow."""
        engine = self.make(hello, hello["database"], pool_size=2)
        for _ in range(WARMING):
            async with engine.connect() as one, engine.connect() as other:
                await one.execute(self.statement, {"demand": 0})
                await other.execute(self.statement, {"demand": 0})
        await engine.dispose()

    async def set_up(self, hello):
        """Nanoseconds of this thread that a connection's set-up takes, in which the event loop serves nobody else: the median."""
        engine = self.make(hello, hello["database"], poolclass=NullPool)
        taken = []

        @event.listens_for(engine.sync_engine, "do_connect")
        def connect(dialect, record, arguments, keywords):
            begun = time.thread_time_ns()
            connection = dialect.connect(*arguments, **keywords)
            taken.append(time.thread_time_ns() - begun)
            return connection

        for _ in range(SET_UPS):
            async with engine.connect():
                pass
        return sorted(taken)[len(taken) // 2]

    async def run(self, order):
        told = self.newborn(order)
        try:
            if self.slots is None:
                await self.steps(iter(order["does"]), told, None, None)
            else:
                async with self.slots:
                    await self.steps(iter(order["does"]), told, None, None)
        except asyncio.CancelledError:
            told["error"] = {"class": "CancelledError", "state": None, "text": "cancelled"}
        except Exception as error:
            told["error"] = explain(error)
        told["ended"] = now()
        self.tasks.pop(order["id"], None)
        say(told)

    async def steps(self, does, told, connection, checkout):
        for step in does:
            what = step[0]
            if what == "checkout":
                await self.session(does, told)
            elif what == "checkin":
                return
            elif what == "query":
                statement = self.statement_of(told, checkout, "query")
                await connection.execute(self.statement, {"demand": step[1]})
                statement["replied"] = now()
            elif what == "commit":
                statement = self.statement_of(told, checkout, "commit")
                await connection.commit()
                statement["replied"] = now()
            elif what == "await":
                await asyncio.sleep(step[1] / 1e9)
            elif what == "work":
                burn(step[1])
            elif what == "block":
                time.sleep(step[1] / 1e9)
            elif what == "leak":
                self.leaked.append(connection)

    async def session(self, does, told):
        lease, number = self.lease(told)
        around = LEASE.set(lease)
        connection = self.engine.connect()
        try:
            await connection.start()
        except BaseException:
            lease["back"] = now()
            raise
        finally:
            LEASE.reset(around)
        lease["got"] = now()
        connection.sync_connection.connection._connection_record.record_info["lease"] = lease
        try:
            await self.steps(does, told, connection, number)
        finally:
            if connection not in self.leaked:
                lease["given"] = now()
                try:
                    # What `async with` calls; it closes in a task of its own, so that a waiter comes first.
                    await (connection.__aexit__(None, None, None) if self.leave_by_with else connection.close())
                finally:
                    lease["back"] = lease["back"] or now()

    def hear(self, message):
        if "id" in message:
            self.tasks[message["id"]] = asyncio.get_running_loop().create_task(self.run(message))
        elif "cancel" in message:
            task = self.tasks.get(message["cancel"])
            if task is not None:
                task.cancel()
        else:
            answer(message)

    async def serve(self):
        loop, over, rest = asyncio.get_running_loop(), asyncio.Event(), bytearray()

        def readable():
            data = os.read(0, 1 << 16)
            if not data:
                os._exit(0)  # poolcast has gone
            rest.extend(data)
            *lines, tail = bytes(rest).split(b"\n")
            rest[:] = tail
            for message in map(json.loads, lines):
                over.set() if "stop" in message else self.hear(message)

        loop.add_reader(0, readable)
        await over.wait()
        await asyncio.wait_for(self.engine.dispose(), 2)


class ThreadWorker(Worker):
    """psycopg under QueuePool: every request is a thread. Nobody can cancel a thread; it goes on when its client has gone."""

    def __init__(self, hello):
        super().__init__(hello)
        self.engine = self.make(hello, hello["address"], **self.options(hello, QueuePool))
        self.listen(self.engine)
        self.threads = ThreadPoolExecutor(max_workers=hello["concurrency"] or 2000)

    def make(self, hello, address, **options):
        arguments = {"application_name": "poolcast"}
        if hello["statement_timeout"]:
            arguments["options"] = f"-c statement_timeout={hello['statement_timeout']}"
        if hello["proxied"]:
            arguments["prepare_threshold"] = None
        arguments["sslmode"] = "verify-full" if hello["tls"] else "disable"
        if hello["tls"]:
            arguments["sslrootcert"] = "system"
        if address["socket"]:
            arguments["host"] = address["socket"]
        url = sqlalchemy.URL.create("postgresql+psycopg", **address["parts"])
        return sqlalchemy.create_engine(url, connect_args=arguments, **options)

    def warm_up(self, hello):
        engine = self.make(hello, hello["database"], pool_size=2)
        for _ in range(WARMING):
            with engine.connect() as one, engine.connect() as other:
                one.execute(self.statement, {"demand": 0})
                other.execute(self.statement, {"demand": 0})
        engine.dispose()

    def run(self, order, told):
        try:
            self.steps(iter(order["does"]), told, None, None)
        except Exception as error:
            told["error"] = explain(error)
        told["ended"] = now()
        say(told)

    def steps(self, does, told, connection, checkout):
        for step in does:
            what = step[0]
            if what == "checkout":
                self.session(does, told)
            elif what == "checkin":
                return
            elif what == "query":
                statement = self.statement_of(told, checkout, "query")
                connection.execute(self.statement, {"demand": step[1]})
                statement["replied"] = now()
            elif what == "commit":
                statement = self.statement_of(told, checkout, "commit")
                connection.commit()
                statement["replied"] = now()
            elif what == "work":
                burn(step[1])
            elif what in ("await", "block"):
                time.sleep(step[1] / 1e9)
            elif what == "leak":
                self.leaked.append(connection)

    def session(self, does, told):
        lease, number = self.lease(told)
        around = LEASE.set(lease)
        try:
            connection = self.engine.connect()
        except BaseException:
            lease["back"] = now()
            raise
        finally:
            LEASE.reset(around)
        lease["got"] = now()
        connection.connection._connection_record.record_info["lease"] = lease
        try:
            self.steps(does, told, connection, number)
        finally:
            if connection not in self.leaked:
                lease["given"] = now()
                try:
                    connection.close()
                finally:
                    lease["back"] = lease["back"] or now()

    def serve(self):
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "id" in message:
                self.threads.submit(self.run, message, self.newborn(message))
            elif "stop" in message:
                self.engine.dispose()
                return
            elif "cancel" not in message:
                answer(message)
        os._exit(0)


def answer(message):
    global ZERO
    if "ping" in message:
        say({"pong": time.monotonic_ns()})
    elif "zero" in message:
        ZERO = message["zero"]


def line_of_input():
    """The first line, byte by byte: the rest is for whoever reads on."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            os._exit(0)
        line += byte
    return line


def versions(driver):
    module = __import__(driver)
    python = ".".join(map(str, sys.version_info[:3]))
    return [f"Python {python}", f"SQLAlchemy {sqlalchemy.__version__}", f"{driver} {module.__version__}"]


def main():
    hello = json.loads(line_of_input())
    if hello["first"]:
        with contextlib.suppress(PermissionError):
            os.nice(-10)
    if hello["driver"] == "asyncpg":

        async def serve():
            worker = AsyncWorker(hello)
            await worker.warm_up(hello)
            say({"ready": versions("asyncpg"), "set_up": await worker.set_up(hello)})
            await worker.serve()

        asyncio.run(serve())
    else:
        worker = ThreadWorker(hello)
        worker.warm_up(hello)
        say({"ready": versions("psycopg")})
        worker.serve()
    say({"stopped": True})
    os._exit(0)


main()
