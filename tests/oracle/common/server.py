"""A database as poolcast models it: what both sides of a comparison have in common.

Every message takes half a round trip. The server lets a connection in after `connect`, if it then has a slot left; it
refuses connections for some time after a restart; it ends sessions when told to. A driver knows that a connection is
gone half a round trip after its end.
"""

from clock import COMPLETION, CONNECTION, FAULT


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
                session.end(Lost("lost") if session.admitted else Refused("lost"))

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
        self.on_gone = lambda: None

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

    def send(self, demand, ends, begins=True):
        """A statement. One outside of a transaction begins one, if `begins` says so."""

        def arrive():
            if self.ended:
                return
            if self.transaction == "failed" and not ends:
                return self.tell(Cancelled("aborted"), "failed")
            if self.transaction == "idle" and begins:
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
            elif cut and self.transaction == "open":
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
            self.on_gone()

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
