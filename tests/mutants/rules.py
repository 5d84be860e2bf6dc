"""The rules of the modelled pools, each with a way to break it: (rule, file, what stands there, what is to stand there).

What stands there occurs once in the file. An expression is replaced by an expression, a statement (it ends in ; or })
by statements.
"""

CHECKOUT = "src/parts/pool/sqlalchemy/checkout.rs"
CHECKIN = "src/parts/pool/sqlalchemy/checkin.rs"
QUEUE = "src/parts/pool/sqlalchemy/queue_pool.rs"
SETTINGS = "src/parts/pool/sqlalchemy.rs"
FIRST = "src/parts/pool/first_connect.rs"
NULL = "src/parts/pool/null/checkouts.rs"
PLACES = "src/parts/pool/places.rs"
LINE = "src/parts/pool/places/line.rs"

RULES = [
    # G: get a slot.
    ("an idle slot is preferred to a new one", CHECKOUT, "if let Some(slot) = self.take_idle() {\n            self.use_slot", "if let Some(slot) = (if crate::mutant(@) && !self.is_full() { None } else { self.take_idle() }) {\n            self.use_slot"),
    ("newcomers do not look at the queue", CHECKOUT, "} else if !self.is_full() {\n            self.create", "} else if !self.is_full() && (!crate::mutant(@) || self.pending == 0) {\n            self.create"),
    ("pool_timeout 0s fails at once", CHECKOUT, "self.spec.pool_timeout == Some(Span::ZERO)", "false"),
    ("who waits goes to the tail", CHECKOUT, "self.pending += 1;\n        let now = cx.now();\n        cx.meter(self.worker).pending.up(now);\n        self.waiters.push_back(ticket);", "self.pending += 1;\n        let now = cx.now();\n        cx.meter(self.worker).pending.up(now);\n        self.waiters.push_front(ticket);"),
    ("woken in vain, to the tail again", CHECKOUT, "            self.waiters.push_back(ticket);\n            cx.step(self.worker, PoolStep::Wait", "            if crate::mutant(@) { self.waiters.push_front(ticket) } else { self.waiters.push_back(ticket) }\n            cx.step(self.worker, PoolStep::Wait"),
    ("the deadline does not move", CHECKOUT, "            let ticket = (request, cx.request(request).asked);\n            cx.request(request).pool_tag = WAITING;", "            let ticket = (request, cx.request(request).asked);\n            if crate::mutant(@) { self.deadlines = Default::default(); self.add_deadline(ticket, cx); }\n            cx.request(request).pool_tag = WAITING;"),
    ("a waiter that is due and finds room opens a connection", CHECKOUT, "if self.is_full() { self.time_out(request, cx) } else { self.create(request, cx) }", "self.time_out(request, cx)"),
    ("a waiter woken in the instant of its deadline still looks", CHECKOUT, "cx.request(request).pool_tag = WOKEN_LATE;", "self.too_late(request, cx);"),
    ("who was woken late and finds nothing does not wait again", CHECKOUT, "tag == WOKEN_LATE {\n            self.too_late(request, cx);", "!crate::mutant(@) && tag == WOKEN_LATE {\n            self.too_late(request, cx);"),
    ("LIFO takes what came back last", CHECKOUT, "self.spec.pool_use_lifo {", "self.spec.pool_use_lifo && !crate::mutant(@) {"),
    ("FIFO takes what came back first", CHECKOUT, "{ self.idle.pop_back() } else { self.idle.pop_front() }", "{ self.idle.pop_back() } else if crate::mutant(@) { self.idle.pop_back() } else { self.idle.pop_front() }"),
    ("the pool is full at pool_size + max_overflow", QUEUE, "self.overflow >= self.spec.max_overflow", "self.overflow > self.spec.max_overflow"),
    ("pool_size 0 has no limit", QUEUE, "pub fn is_full(&self) -> bool {\n", "pub fn is_full(&self) -> bool {\n        if crate::mutant(@) && self.spec.pool_size == 0 { return self.overflow >= self.spec.max_overflow; }\n"),
    ("max_overflow -1 has no limit", QUEUE, "self.spec.max_overflow != -1", "true"),
    ("the counter starts at minus pool_size", QUEUE, "-i64::from(spec.pool_size)", "1 - i64::from(spec.pool_size)"),
    ("a slot counts from before its connect", QUEUE, "self.overflow += 1;", ""),
    # R: make it usable.
    ("an empty slot is connected", CHECKOUT, "if used.conn.is_none() {", "if crate::mutant(@) && used.conn.is_none() { self.refuse(slot, cx, None) } else if used.conn.is_none() {"),
    ("a stale connection is replaced", CHECKOUT, "} else if self.is_stale(slot, cx) {\n            self.replace(slot, cx);", "} else if self.is_stale(slot, cx) && !crate::mutant(@) {\n            self.replace(slot, cx);"),
    ("pool_recycle is strict", CHECKOUT, "cx.now() - start > recycle", "cx.now() - start >= recycle"),
    ("recycling counts from before the connect", CHECKOUT, "connecting.start = cx.now();", "connecting.start = cx.now() + Span::from_millis(1);"),
    ("an invalidated pool replaces older connections", CHECKOUT, "self.invalidated.is_some_and(|stamp|", "!crate::mutant(@) && self.invalidated.is_some_and(|stamp|"),
    ("the stamp is strict", CHECKOUT, "stamp > start)", "stamp > start || crate::mutant(@) && stamp == start)"),
    ("the old connection is closed before the new one is opened", CHECKOUT, "let closing = self.close(slot, cx);\n        self.pause(slot, Phase::Replacing, closing, cx);", "self.close(slot, cx);\n        self.pause(slot, Phase::Replacing, Span::ZERO, cx);"),
    ("a connection opened in this checkout is looked at once more", CHECKOUT, "&& self.is_stale(slot, cx) {", "&& !crate::mutant(@) && self.is_stale(slot, cx) {"),
    ("… but only once", CHECKOUT, "if std::mem::take(&mut connected.creating)", "if (std::mem::take(&mut connected.creating) || crate::mutant(@))"),
    ("a failed connect takes a new slot off the counter", CHECKOUT, "if std::mem::take(&mut self.slots[slot as usize].creating) {", "if std::mem::take(&mut self.slots[slot as usize].creating) && !crate::mutant(@) {"),
    ("a failed connect gives an old slot back empty", CHECKOUT, "self.return_empty(slot, cx)\n        }\n        cx.request", "if crate::mutant(@) { self.drop_slot(slot, cx) } else { self.return_empty(slot, cx) }\n        }\n        cx.request"),
    ("nobody is woken when a slot comes off the counter", QUEUE, "self.free.push(slot);", "self.free.push(slot);\n        self.wake(cx);"),
    # The first connection.
    ("the first connection is initialised", FIRST, "State::NotYet => self.start(slot, conn, cx),", "State::NotYet => { if crate::mutant(@) { self.state = State::Done; return true; } self.start(slot, conn, cx) }"),
    ("others wait for the initialisation", FIRST, "State::Running(_) => self.waiting.push_back(slot),", "State::Running(_) => { if crate::mutant(@) { return true; } self.waiting.push_back(slot) }"),
    ("a rollback ends the initialisation", FIRST, "cx.conn(conn).statement.kind == StatementKind::Initialise {", "!crate::mutant(@) && cx.conn(conn).statement.kind == StatementKind::Initialise {"),
    ("they go on in their order", FIRST, "self.waiting.pop_front()", "self.waiting.pop_back()"),
    ("a failed initialisation is run by the next", FIRST, "self.state = State::NotYet;", "self.state = State::Done;"),
    ("the third question's error makes nobody suspect", FIRST, "asked.extra_trips != 1", "true"),
    ("a lost initialisation makes older connections suspect", CHECKOUT, "if self.first.fails_as_a_statement(self.slots[slot as usize].conn, cx) {\n                self.invalidate_older(slot, cx);\n            }", ";"),
    ("who waited for a failed initialisation runs it", CHECKOUT, "if ran_first {\n            self.hand_initialisation_on(cx);\n        }", "if ran_first { self.first.abandoned(); }"),
    ("threads go on when the one before waits", CHECKOUT, "cx.after(Span::ZERO, Rank::Wake, next)", "cx.at_once(next)"),
    # P: ping.
    ("a ping before use", CHECKOUT, "self.spec.pool_pre_ping && !used.fresh", "false"),
    ("a fresh connection is not pinged", CHECKOUT, "lent.fresh = false;", ""),
    ("a failed ping opens another connection", CHECKOUT, "self.close(slot, cx);\n        self.connect(slot, cx);", "self.give_up(slot, cx, Some(Error::ConnectionLost));"),
    ("a failed ping makes older connections suspect", CHECKOUT, "self.invalidate_older(slot, cx);\n        cx.step(self.worker, PoolStep::Invalidate", "if !crate::mutant(@) { self.invalidate_older(slot, cx); }\n        cx.step(self.worker, PoolStep::Invalidate"),
    ("a pool is stamped once for what died at once", CHECKOUT, "self.invalidated.is_none_or(|stamp| stamp < start)", "true"),
    ("a stamp is the time of the discovery", CHECKOUT, "self.invalidated = Some(cx.now());", "self.invalidated = Some(start);"),
    ("a cancelled ping invalidates", CHECKOUT, "matches!(self.slots[slot as usize].phase, Phase::BeforePing | Phase::Pinging)", "false"),
    # K: take it back.
    ("an open transaction is rolled back", CHECKIN, "Condition::Good if status != TxStatus::Idle => self.before_reset(slot, cx),", "Condition::Good if status != TxStatus::Idle => { if crate::mutant(@) { self.check_in(slot, cx) } else { self.before_reset(slot, cx) } }"),
    ("a reset without a transaction costs no round trip", CHECKIN, "cx.conn(conn).status == TxStatus::Idle {", "!crate::mutant(@) && cx.conn(conn).status == TxStatus::Idle {"),
    ("pool_reset_on_return None resets nothing", CHECKIN, "self.spec.pool_reset_on_return.is_some()", "true"),
    ("a failed reset invalidates", CHECKIN, "self.invalidate(slot, cx);\n            }\n        }\n    }\n\n    /// K0 finds", "if crate::mutant(@) { self.check_in(slot, cx) } else { self.invalidate(slot, cx) }\n            }\n        }\n    }\n\n    /// K0 finds"),
    ("a lost reset makes older connections suspect", CHECKIN, "self.invalidate_older(slot, cx);\n        self.reset_replied", "if !crate::mutant(@) { self.invalidate_older(slot, cx); }\n        self.reset_replied"),
    ("a broken connection makes older ones suspect", CHECKIN, "self.invalidate_older(slot, cx);\n                self.invalidate(slot, cx);", "self.invalidate(slot, cx);"),
    ("an abandoned connection does not", CHECKIN, "Condition::Abandoned => self.invalidate(slot, cx),", "Condition::Abandoned => { if crate::mutant(@) { self.invalidate_older(slot, cx); } self.invalidate(slot, cx) }"),
    ("an invalidated slot goes back empty", CHECKIN, "self.close(slot, cx);\n        self.return_empty(slot, cx);", "self.close(slot, cx);\n        self.drop_slot(slot, cx);"),
    ("close() drops a connection whose reset is cancelled", CHECKIN, "if self.spec.release == Release::Close {\n            self.invalidate(slot, cx);\n        }", ";"),
    ("async with finishes a reset that is cancelled", CHECKIN, "if self.spec.release == Release::Close {\n            self.invalidate", "if crate::mutant(@) || self.spec.release == Release::Close {\n            self.invalidate"),
    ("close() leaves a close that is cancelled", CHECKIN, "if self.spec.release == Release::Close {\n            self.enter(slot, Phase::Idle);\n            self.discarded(slot, cx);\n        }", ";"),
    ("async with waits for a close that is cancelled", CHECKIN, "if self.spec.release == Release::Close {\n            self.enter(", "if crate::mutant(@) || self.spec.release == Release::Close {\n            self.enter("),
    ("the idle list keeps pool_size", QUEUE, "self.idle.len() < self.spec.pool_size as usize", "self.idle.len() <= self.spec.pool_size as usize"),
    ("pool_size 0 keeps everything", QUEUE, "self.spec.pool_size == 0 ||", "self.spec.pool_size == 0 && !crate::mutant(@) ||"),
    ("what comes back goes to the end of the idle list", QUEUE, "self.idle.push_back(slot);", "self.idle.push_front(slot);"),
    ("who gives back wakes a waiter", QUEUE, "self.wake(cx)\n    }\n\n    /// An empty slot", "!crate::mutant(@) && self.wake(cx)\n    }\n\n    /// An empty slot"),
    ("the oldest waiter is woken", QUEUE, "self.waiters.pop_front() {\n            if !waits", "(if crate::mutant(@) { self.waiters.pop_back() } else { self.waiters.pop_front() }) {\n            if !waits"),
    ("whoever was woken looks for itself", QUEUE, "cx.request(request).pool_tag = WOKEN;", "cx.request(request).pool_tag = WOKEN_LATE;"),
    ("with close(), the woken runs when the waker waits", QUEUE, "Release::Close => cx.after(Span::ZERO, Rank::Wake, Event::Woken { request }),", "Release::Close => if crate::mutant(@) { cx.at_once(Event::Woken { request }) } else { cx.after(Span::ZERO, Rank::Wake, Event::Woken { request }) },"),
    ("with async with, the woken runs first", CHECKIN, "woke && self.spec.release == Release::AsyncWith", "false"),
    ("… two turns before the waker", QUEUE, "CLOSED => cx.at_once(Event::PoolRing { worker: self.worker, alarm: GO_ON }),", "CLOSED if !crate::mutant(@) => cx.at_once(Event::PoolRing { worker: self.worker, alarm: GO_ON }),\n            CLOSED => { let request = self.going_on.pop_front().expect(\"somebody\"); cx.at_once(Event::Released { request }) }"),
    ("a connection over pool_size is closed in the caller", CHECKIN, "Phase::Discarding, closing, cx)", "Phase::Discarding, if crate::mutant(@) { crate::kernel::time::Span::ZERO } else { closing }, cx)"),
    ("its slot is counted until then", CHECKIN, "let closing = self.close(slot, cx);", "let closing = self.close(slot, cx);\n            if crate::mutant(@) { self.overflow -= 1; }"),
    ("a connection known to be gone is closed without a goodbye", QUEUE, "if alive { cx.driver(self.worker).time(Operation::Close) } else { Span::ZERO }", "cx.driver(self.worker).time(Operation::Close)"),
    # Cancelled.
    ("who leaves the queue is no waiter", CHECKOUT, "WAITING => {\n                self.stop_waiting(request, cx);", "WAITING => {\n                if !crate::mutant(@) { self.stop_waiting(request, cx); }"),
    ("who is cancelled in the instant of its wake-up wakes the next", CHECKOUT, "if !self.idle.is_empty() {\n                    self.wake(cx);\n                }", ";"),
    ("who gives up while it waits for the initialisation closes", CHECKOUT, "return self.pause(slot, Phase::GivingUp, closing, cx);", "return self.pause(slot, Phase::GivingUp, Span::ZERO, cx);"),
    ("an idle connection that dies is found when it is used", QUEUE, "// Nobody reads the socket of an idle connection: it is found dead when it is next used.\n            _ => {}", "Phase::Idle if crate::mutant(@) => { let at = self.idle.iter().position(|idle| *idle == slot).expect(\"idle\"); self.idle.remove(at); self.close(slot, cx); self.drop_slot(slot, cx) }\n            _ => {}"),
    # NullPool.
    ("NullPool connects at each checkout", NULL, "self.connect(place, cx);\n    }\n\n    /// Cancelled", "if crate::mutant(@) { self.refuse(place, Some(Error::PoolTimeout), cx) } else { self.connect(place, cx) }\n    }\n\n    /// Cancelled"),
    ("… looks once whether it was invalidated meanwhile", NULL, "!std::mem::replace(&mut opened.replaced, true) && self.invalidated", "!std::mem::replace(&mut opened.replaced, true) && !crate::mutant(@) && self.invalidated"),
    ("… closes at each checkin", NULL, "self.pause(place, Phase::Closing, closing, cx);", "self.pause(place, Phase::Closing, Span::ZERO, cx);"),
    ("… rolls an open transaction back", NULL, "Condition::Good if status != TxStatus::Idle => self.before_reset(place, cx),", "Condition::Good if status != TxStatus::Idle => if crate::mutant(@) { self.check_in(place, cx) } else { self.before_reset(place, cx) },"),
    ("… makes older connections suspect", NULL, "Condition::Broken => {\n                self.invalidate_older(place, cx);", "Condition::Broken => {\n                if !crate::mutant(@) { self.invalidate_older(place, cx); }"),
    ("… hands a failed initialisation on", NULL, "self.first.start(next, conn, cx);\n            }\n        }\n    }\n\n    fn refuse", "if crate::mutant(@) { self.first.forget(next) } else { self.first.start(next, conn, cx); }\n            }\n        }\n    }\n\n    fn refuse"),
    # Beneath the other pools.
    ("places: idle ones are not in use", PLACES, "u64::from(self.total) - idle", "u64::from(self.total)"),
    ("places: a connection left in mid-statement is not sound", PLACES, "self.conn(place, cx).condition == Condition::Good", "true"),
    ("places: a ping takes the driver's trips", PLACES, "if is_ping { cx.driver(self.worker).ping_trips } else { 0 }", "0"),
    ("places: closing takes the driver's time", PLACES, "closing.is_zero()\n    }", "closing.is_zero() || crate::mutant(@)\n    }"),
    ("line: who waits goes to the tail", LINE, "self.line.push_back(ticket);", "self.line.push_front(ticket);"),
    ("line: the oldest is the next", LINE, "self.line.pop_front() {\n            if waits", "(if crate::mutant(@) { self.line.pop_back() } else { self.line.pop_front() }) {\n            if waits"),
    ("line: patience begins when it asks", LINE, "self.deadlines.add(cx.now() + timeout, ticket)", "self.deadlines.add(cx.now() + timeout + timeout, ticket)"),
    ("line: who leaves it is no waiter", LINE, "self.pending -= 1;", ""),
]

SURVIVORS = {
    "threads go on when the one before waits",
    "places: a ping takes the driver's trips",
}
"""Rules whose loss no test notices: src/guide/exact.md says why."""
