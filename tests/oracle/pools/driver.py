"""An asyncio driver for the common server, under whatever face a library wants to see."""

import asyncio

from server import Error, Lost, Session


class Driver:
    """Opens connections and counts them. `note(letter, connection)` hears what they do."""

    def __init__(self, clock, server, costs, note):
        self.clock, self.server, self.costs, self.note = clock, server, costs, note
        self.opened = 0


class Connection:
    """One connection; asks the server one thing at a time."""

    def __init__(self, driver):
        driver.opened += 1
        self.driver, self.serial = driver, driver.opened
        self.session = Session(driver.server)
        self.is_open = self.is_abandoned = False
        self.spending = None

    async def open(self):
        self.driver.note("s", self)
        try:
            await self.session.dial()
        except Error:
            self.driver.note("f", self)
            raise
        except BaseException:
            self.session.hang_up()
            raise
        self.is_open = True
        self.driver.note("d", self)

    async def spend(self, operation):
        """The driver's own time is part of its operation: who is cancelled in it leaves the connection unfit."""
        cost = self.driver.costs[operation]
        if cost:
            promise = self.spending = self.driver.clock.promise()
            self.driver.clock.at(self.driver.clock.now + cost, lambda: promise.done() or promise.set_result(None))
            await self.wait(promise)

    async def wait(self, promise):
        try:
            await promise
        except asyncio.CancelledError:
            self.is_abandoned = True
            raise

    async def begin(self):
        """Any statement begins a transaction, unless a driver knows better."""

    async def query(self, demand, begins=True):
        await self.answer(lambda: self.session.send(demand, ends=False, begins=begins))

    async def end_transaction(self):
        await self.answer(lambda: self.session.send(0, ends=True))

    async def ping(self):
        await self.spend("ping")
        self.driver.note("p", self)
        await self.answer(self.session.ping)

    async def reset(self, statement):
        """Something that the pool asks when a connection comes back."""
        await self.spend("reset")
        self.driver.note("r", self)
        await self.answer(statement)

    async def answer(self, ask):
        """Who loses the server closes."""
        try:
            if self.session.gone:
                raise Lost("lost")
            await self.wait(ask())
        except Lost:
            self.hang_up()
            raise

    def hang_up(self):
        if self.is_open:
            self.is_open = False
            self.driver.note("c", self)
        self.session.hang_up()

    def is_in_transaction(self):
        return self.session.status != "idle"
