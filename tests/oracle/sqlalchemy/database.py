"""A database as poolcast models it, and a driver for it: what both sides of the comparison have in common.

Every message takes half a round trip. The server lets a connection in after `connect`, if it then has a slot left; it
refuses connections for some time after a restart; it ends sessions when told to. A driver knows that a connection is
gone half a round trip after its end, and sends nothing when there is no transaction to end. It closes a connection that
is alive and between statements in `close`; any other it just drops.
"""

from clocks import COMPLETION, CONNECTION, FAULT


class Error(Exception):
    """Every error of the driver."""


class Refused(Error):
    """The server did not let the connection in."""


class Lost(Error):
    """The connection has ended."""


class Cancelled(Error):
    """The server cancelled the statement."""


class Server:
    """Sessions, slots and faults."""

    def __init__(self, clock, schedule):
        self.clock = clock
        self.half = schedule["round_trip"] // 2
        self.connect = schedule["connect"]
        self.slots = schedule["slots"]
        self.statement_timeout = schedule["statement_timeout"]
        self.refuses_until = 0
        self.places, self.free = [], []
        for fault in schedule["faults"]:
            clock.at(fault[1], lambda fault=fault: self.strike(*fault), FAULT)

    def strike(self, kind, at, down=0):
        if kind == "restart":
            self.refuses_until = max(self.refuses_until, at + down)
        sessions = [session for session in self.places if session is not None]
        for session in sessions:
            if kind == "restart" or session.admitted:
                session.end(Refused("refused") if not session.admitted else Lost("lost"))

    def admitted(self):
        return sum(session is not None and session.admitted for session in self.places)

    def seat(self, session):
        """A place for a session: faults strike in the order of places."""
        if not self.free:
            self.free.append(len(self.places))
            self.places.append(None)
        session.place = self.free.pop()
        self.places[session.place] = session

    def unseat(self, session):
        self.places[session.place] = None
        self.free.append(session.place)

    def message(self, deliver, rank=COMPLETION):
        """`deliver` is called when a message has passed the wire."""
        if self.half:
            self.clock.at(self.clock.now + self.half, deliver, rank)
        else:
            deliver()

    def later(self, span, callback):
        if span:
            self.clock.at(self.clock.now + span, callback)
        else:
            callback()


class Session:
    """The server's end of a connection, and what its client has been told."""

    def __init__(self, server):
        self.server = server
        self.admitted = self.ended = self.active = self.left = False
        self.gone = False
        self.transaction = self.status = "idle"
        self.answer = None

    def ask(self):
        self.answer = self.server.clock.promise()
        return self.answer

    def tell(self, error=None, status="idle", rank=COMPLETION):
        def deliver():
            answer, self.answer = self.answer, None
            if answer is None or answer.done():
                return
            self.status = status
            if error is None:
                answer.set_result(None)
            else:
                answer.set_exception(error)

        self.server.message(deliver, rank)

    def dial(self):
        def arrive():
            if self.server.clock.now < self.server.refuses_until:
                self.ended = True
                return self.tell(Refused("refused"))
            self.server.seat(self)
            self.server.later(self.server.connect, admit)

        def admit():
            if self.ended:
                return
            if self.server.admitted() >= self.server.slots:
                self.leave()
                return self.tell(Refused("too many"))
            self.admitted = True
            self.tell(rank=CONNECTION)

        answer = self.ask()
        self.server.message(arrive)
        return answer

    def send(self, demand, ends):
        def arrive():
            if self.ended:
                return
            if self.transaction == "failed" and not ends:
                return self.tell(Cancelled("aborted"), "failed")
            if self.transaction == "idle":
                self.transaction = "open"
            limit = self.server.statement_timeout
            cut = bool(limit) and demand > limit
            self.active = demand > 0
            self.server.later(limit if cut else demand, lambda: finish(cut))

        def finish(cut):
            if self.ended:
                return
            self.active = False
            if self.left:
                return self.leave()
            if ends:
                self.transaction = "idle"
            elif cut:
                self.transaction = "failed"
            self.tell(Cancelled("timeout") if cut else None, self.transaction)

        answer = self.ask()
        self.server.message(arrive)
        return answer

    def ping(self):
        before = self.transaction

        def arrive():
            if not self.ended:
                self.tell(None, before)

        answer = self.ask()
        self.server.message(arrive)
        return answer

    def leave(self):
        self.ended = True
        self.server.unseat(self)

    def end(self, error):
        """The server ends it."""

        def deliver():
            self.gone = True
            answer, self.answer = self.answer, None
            if answer is not None and not answer.done():
                answer.set_exception(error)

        self.leave()
        self.server.message(deliver)

    def hang_up(self):
        """The client has gone. A statement that runs goes on."""

        def deliver():
            if not self.ended:
                self.left = True
                if not self.active:
                    self.leave()

        self.answer = None
        self.server.message(deliver)


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
