"""The real asyncpg.Pool and asyncpg.Connection over a protocol that speaks with the common server."""

import types

import asyncpg
import driver
from seconds import seconds
from server import Lost

SETTINGS = types.SimpleNamespace(server_version="17.0")


class Protocol(driver.Connection):
    """What asyncpg.Connection wants to see of its protocol."""

    def __init__(self, the_driver):
        super().__init__(the_driver)
        self.queries_count = 0
        self.session.on_gone = self.connection_lost

    def get_settings(self):
        return SETTINGS

    def is_connected(self):
        return self.is_open and not self.is_abandoned

    def _is_cancelling(self):
        return False

    async def query(self, text, timeout):
        """BEGIN is part of the first statement, as poolcast's plain driver has it; the library counts it."""
        word, *more = text.split()
        self.queries_count += 1
        if word == "query":
            demand, *begins = more
            self.queries_count += len(begins)
            await self.answer(lambda: self.session.send(int(demand), ends=False, begins=bool(begins)))
        elif word == "COMMIT":
            await self.end_transaction()
        else:
            await self.reset(self.session.ping if word != "ROLLBACK" else lambda: self.session.send(0, ends=True))

    def connection_lost(self):
        """The loop reads all sockets, so this is noticed at once."""
        if self.is_open:
            self.hang_up()
            if self.spending is not None and not self.spending.done():
                self.spending.set_exception(Lost("lost"))
            self.connection._cleanup()

    async def close(self, timeout):
        """Waits for the server to hang up."""
        self.hang_up()
        await self.spend("close")

    def abort(self):
        self.hang_up()


class Lent:
    """A connection in a request's hands."""

    def __init__(self, proxy):
        self.proxy, self.protocol = proxy, proxy._con._protocol
        self.serial = self.protocol.serial
        self.is_begun = False

    async def begin(self):
        self.is_begun = True

    async def query(self, demand):
        begins = self.is_begun and not self.protocol.is_in_transaction()
        await self.proxy.execute(f"query {demand}" + " begins" * begins)

    async def commit(self):
        await self.proxy.execute("COMMIT")

    def is_in_transaction(self):
        self.is_begun = False
        return self.protocol.is_in_transaction()


class Pool:
    """A pool under the settings that poolcast has for its kind."""

    def __init__(self, clock, the_driver, settings):
        self.clock, self.driver = clock, the_driver
        self.timeout = seconds(settings["timeout"])
        self.pool = asyncpg.create_pool(
            connect=self.connect,
            loop=clock,
            min_size=settings["min_size"],
            max_size=settings["max_size"],
            max_queries=settings["max_queries"],
            max_inactive_connection_lifetime=seconds(settings["max_inactive_connection_lifetime"]),
            **({"init_size": settings["init_size"]} if settings["init_size"] is not None else {}),
        )

    async def connect(self, dsn, *, loop, connection_class, record_class):
        protocol = Protocol(self.driver)
        await protocol.open()
        config = types.SimpleNamespace(statement_cache_size=0, max_cached_statement_lifetime=0, command_timeout=None)
        connection = protocol.connection = connection_class(protocol, None, loop, None, config, None)
        return connection

    async def start(self):
        await self.pool

    async def acquire(self):
        return Lent(await self.pool.acquire(timeout=self.timeout))

    async def release(self, lent):
        await self.pool.release(lent.proxy)

    def counts(self):
        waiting = sum(not getter.done() for getter in self.pool._queue._getters) if self.pool._queue else 0
        return self.pool.get_size(), self.pool.get_idle_size(), waiting

    @staticmethod
    def refusal(error):
        """The library's own errors, by poolcast's names. A proxy whose connection has gone knows only that it is closed."""
        return {TimeoutError: "PoolTimeout", asyncpg.InterfaceError: "lost"}.get(type(error))
