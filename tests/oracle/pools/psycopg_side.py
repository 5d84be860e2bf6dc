"""The real psycopg_pool.AsyncConnectionPool over connections of the common driver."""

import psycopg_pool
from psycopg.pq import TransactionStatus
from psycopg_pool import base, pool_async, sched_async

import dice
import driver
from seconds import Seconds, seconds

MODULES = (base, pool_async, sched_async)
EPOCH = 1_000_000_000
"""What the pool's clock shows at the start, in nanoseconds. Zero would look like its "never"."""


class Connection(driver.Connection):
    """What the pool wants to see of a psycopg connection."""

    here = None
    autocommit = True

    @classmethod
    async def connect(cls, conninfo):
        connection = cls(cls.here)
        connection.pgconn = connection
        await connection.open()
        return connection

    @property
    def transaction_status(self):
        if not self.is_open:
            return TransactionStatus.UNKNOWN
        if self.is_abandoned:
            return TransactionStatus.ACTIVE
        return {"idle": TransactionStatus.IDLE, "open": TransactionStatus.INTRANS, "failed": TransactionStatus.INERROR}[self.session.status]

    async def execute(self, nothing):
        await self.ping()

    async def rollback(self):
        await self.reset(lambda: self.session.send(0, ends=True))

    async def commit(self):
        await self.end_transaction()

    async def close(self):
        if self.is_open:
            self.hang_up()
            await self.spend("close")


class Pool:
    """A pool under the settings that poolcast has for its kind."""

    def __init__(self, clock, the_driver, settings):
        Connection.here = the_driver
        for module in MODULES:
            module.monotonic = lambda: Seconds((EPOCH + clock.now) / 1e9)
        base.random = dice.Dice("psycopg").throw
        base.BasePool._jitter = classmethod(jitter)
        self.pool = psycopg_pool.AsyncConnectionPool(
            connection_class=Connection,
            open=False,
            min_size=settings["min_size"],
            max_size=settings["max_size"],
            max_waiting=settings["max_waiting"],
            num_workers=settings["num_workers"],
            check=psycopg_pool.AsyncConnectionPool.check_connection if settings["check"] else None,
            **{name: seconds(settings[name]) for name in ("timeout", "max_lifetime", "max_idle", "reconnect_timeout")},
        )

    async def start(self):
        await self.pool.open()

    async def acquire(self):
        return await self.pool.getconn()

    async def release(self, connection):
        await self.pool.putconn(connection)

    def counts(self):
        stats = self.pool.get_stats()
        return stats["pool_size"], stats["pool_available"], stats["requests_waiting"]

    def refusal(self, error):
        """The library's own errors, by poolcast's names."""
        if isinstance(error, psycopg_pool.PoolTimeout):
            assert str(error) == f"couldn't get a connection after {self.pool.timeout:.2f} sec", error
            return "PoolTimeout"
        return "PoolQueueFull" if isinstance(error, psycopg_pool.TooManyRequests) else None


def jitter(cls, value, min_pc, max_pc):
    """As the library's, to the nanosecond."""
    return Seconds(value * (1.0 + ((max_pc - min_pc) * base.random()) + min_pc))
