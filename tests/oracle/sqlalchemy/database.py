"""A driver for the database that all comparisons share: connections as SQLAlchemy's dialects want them.

It sends nothing when there is no transaction to end. It closes a connection that is alive and between statements in `close`;
any other it just drops.
"""

from server import Cancelled, Error, Lost, Server, Session


class Connection:
    """The driver's connection. `note(event, connection)` hears what it does."""

    def __init__(self, driver, serial):
        self.driver, self.serial = driver, serial
        self.session = Session(driver.server)
        self.busy = self.charged = self.resetting = self.initialising = False

    def call(self, answer):
        self.busy = True
        self.driver.clock.keep(answer)
        self.busy = False

    def trip(self, demand=0, ends=False, ping=False):
        if self.session.gone:
            raise Lost("lost")
        try:
            self.call(self.session.ping() if ping else self.session.send(demand, ends))
        except Cancelled:
            self.busy = False
            raise

    def open(self):
        self.driver.note("connect_start", self)
        try:
            self.call(self.session.dial())
        except Error:
            self.driver.note("connect_fail", self)
            raise
        except BaseException:
            self.session.hang_up()
            raise
        self.driver.note("connect_done", self)
        return self

    def spend(self, operation):
        """The driver's own time is part of its operation: who is cancelled in it leaves the connection unfit."""
        self.busy = True
        self.driver.spend(operation)
        self.busy = False

    def ping(self):
        self.spend("ping")
        self.driver.note("ping", self)
        self.trip(ping=True)
        return True

    def rollback(self):
        self.end_transaction(of_return=not self.initialising)

    def commit(self):
        self.end_transaction(of_return=self.resetting)

    def end_transaction(self, of_return):
        """One return of a connection takes the driver's time for a reset once, however many calls it makes."""
        if of_return and not self.charged:
            self.charged = True
            self.spend("reset")
        if self.session.status != "idle":
            self.trip(ends=True)

    def close(self):
        self.driver.note("close", self)
        alive = not self.session.gone and not self.busy
        self.session.hang_up()
        if alive:
            self.driver.spend("close")

    terminate = close

    def cursor(self, *_, **__):
        return Cursor(self)


class Cursor:
    """Executes "query N", a statement that demands N nanoseconds."""

    description = (("answer", None, None, None, None, None, None),)
    rowcount, lastrowid, arraysize = 1, None, 1

    def __init__(self, connection):
        self.connection = connection

    def execute(self, statement, parameters=()):
        self.connection.trip(demand=int(statement.split()[1]))

    def fetchone(self):
        return ("answer",)

    def fetchall(self):
        return [("answer",)]

    def fetchmany(self, size=None):
        return [("answer",)]

    def close(self):
        pass

    async def _async_soft_close(self):
        pass


class Driver:
    """Opens connections, numbered from 1."""

    def __init__(self, clock, schedule, note):
        self.clock, self.note = clock, note
        self.costs = schedule["driver"]
        self.server = Server(clock, schedule)
        self.opened = 0

    def spend(self, operation):
        span = self.costs[operation]
        if span:
            promise = self.clock.promise()
            self.clock.at(self.clock.now + span, lambda: promise.done() or promise.set_result(None))
            self.clock.keep(promise)

    def connect(self):
        self.opened += 1
        return Connection(self, self.opened).open()
