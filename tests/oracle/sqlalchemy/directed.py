"""Schedules that force what chance rarely brings. Their seeds are negative."""

from draws import MS, S

US = 1_000
COSTS = {"checkout": 503 * US, "statement": 407 * US, "ping": 701 * US, "reset": 1103 * US, "close": 2309 * US}
NONE = dict.fromkeys(COSTS, 0)


def work(time, *more):
    return ["session", [["query", time], *more]]


def request(at, *steps, deadline=None):
    return {"at": at, "deadline": deadline, "steps": list(steps)}


def schedule(requests, pool=(), driver=NONE, **more):
    settings = {
        "kind": "queue", "release": "with", "pool_size": 1, "max_overflow": 0, "timeout": 500 * MS, "recycle": None,
        "pre_ping": False, "use_lifo": False, "reset_on_return": "rollback", **dict(pool),
    }  # fmt: skip
    found = {
        "pool": settings, "round_trip": 1 * MS, "connect": 50 * MS, "slots": 1000, "statement_timeout": 0,
        "driver": driver, "faults": [], "requests": sorted(requests, key=lambda each: each["at"]), "end": 300 * S,
    }  # fmt: skip
    return {**found, **more}


def lost_wakeups(release):
    """A waiter sleeps beside a free slot; a newcomer takes it; or the waiter finds it at its deadline."""
    pool = {"release": release}
    down = {"faults": [["restart", 5 * MS, 100 * MS]]}
    first, waiter = request(1 * MS, work(9 * MS)), request(2 * MS, work(9 * MS))
    yield schedule([first, waiter], pool, **down)
    yield schedule([first, waiter, request(200 * MS, work(900 * MS))], pool, **down)
    yield schedule([first, waiter, request(200 * MS, work(50 * MS))], pool, **down)
    if release != "threads":
        cancelled = request(1 * MS, work(9 * MS), deadline=7 * MS)
        yield schedule([cancelled, waiter], pool)
        yield schedule([cancelled, waiter, request(200 * MS, work(50 * MS))], pool)
    slow_close = {**NONE, "close": 80 * MS}
    burst = [request(1 * MS, work(9 * MS)), request(2 * MS, work(19 * MS))]
    during = [request(100 * MS, work(700 * MS)), request(101 * MS, work(5 * MS))]
    for later in ([], [request(300 * MS, work(5 * MS))], [request(300 * MS, work(700 * MS))]):
        yield schedule(burst + during + later, {**pool, "max_overflow": 1}, slow_close)


def tail(release):
    """Who was woken in vain goes to the end of the line, and keeps its deadline."""
    again = request(1 * MS, *[work(9 * MS) for _ in range(6)])
    line = [request(at * MS, work(7 * MS)) for at in (60, 61, 62)]
    for timeout in (500 * MS, 30 * MS, None):
        yield schedule([again, *line], {"release": release, "timeout": timeout})


def initialisation(release):
    """The first connection asks its questions while others wait, is lost, or is cancelled at each step."""
    three = [request(at * MS, work(9 * MS)) for at in (1, 2, 3)]
    pool = {"release": release, "pool_size": 3}
    yield schedule(three, pool)
    yield schedule(three, {**pool, "recycle": 10 * MS})
    yield schedule(three, {**pool, "recycle": 0, "pre_ping": True}, COSTS)
    for at in (52_300, 53_300, 54_300, 55_300, 56_300, 57_300):
        yield schedule(three + [request(200 * MS, work(9 * MS))], pool, faults=[["restart", at * US, 0]])
        if release != "threads":
            for who in (0, 1):
                cut = [dict(each) for each in three]
                cut[who]["deadline"] = at * US - cut[who]["at"]
                yield schedule(cut, pool, COSTS)
    # Only the first is there to be killed, in each of its questions; the other, begun before its death, is not.
    for at in (52_300, 53_300, 54_300, 55_300, 56_300):
        yield schedule([three[0], request(10 * MS, work(9 * MS))], pool, faults=[["kill", at * US]])


def cancellations(release):
    """A request is cancelled a little later each time: in every phase of its life, on every kind of connection."""
    for recycle, ping, overflow in ((None, True, 1), (300 * MS, False, 1), (None, False, 0), (0, True, 1)):
        requests = []
        for turn in range(1, 45):
            start = turn * S
            requests.append(request(start, work(3 * MS + 1), deadline=turn * 307 * US))
            requests.append(request(start + 101 * US, work(5 * MS + 3)))
        pool = {"release": release, "recycle": recycle, "pre_ping": ping, "max_overflow": overflow}
        yield schedule(requests, pool, COSTS, connect=5 * MS)


def cancelled_closes(release):
    """A request is cancelled while the connection that it gives back, one too many, is being closed."""
    requests = []
    for turn in range(1, 61):
        requests.append(request(turn * S, work(3 * MS + 1)))
        requests.append(request(turn * S + 101 * US, work(5 * MS + 3), deadline=turn * 307 * US))
    yield schedule(requests, {"release": release, "max_overflow": 1}, COSTS, connect=5 * MS)


def ages(release):
    """A connection as old as pool_recycle to the nanosecond, in numbers that a float holds exactly, and one that is older."""
    for second in (750 * MS, 751 * MS):
        yield schedule([request(250 * MS, work(9 * MS)), request(second, work(9 * MS))], {"release": release, "recycle": 500 * MS})


def invalidations(release):
    """One connection found dead makes all older ones suspect, those at work included."""
    pool = {"release": release, "pool_size": 3}
    burst = [request(at * MS, work(30 * MS)) for at in (1, 2, 3)]
    later = [request(at * MS, work(9 * MS), ["await", 20 * MS], work(9 * MS)) for at in (400, 402, 404, 500)]
    for ping in (True, False):
        for down in (0, 102 * MS):
            yield schedule(burst + later, {**pool, "pre_ping": ping}, COSTS, faults=[["restart", 300 * MS, down]])
    holds = [request(600 * MS, work(1 * MS, ["await", 90 * MS]))]
    yield schedule(burst + holds, {**pool, "pre_ping": True}, COSTS, faults=[["restart", 650 * MS, 0]])
    yield schedule(burst + holds, {**pool, "reset_on_return": None}, COSTS, faults=[["restart", 650 * MS, 0]])


def known_dead(release):
    """A connection dies while its holder sleeps: the next one in line finds it dead at once, when the holder asks again."""
    for waiters in (1, 2, 4):
        for held in ([["await", 90 * MS]], [["query", 3 * MS], ["await", 90 * MS]]):
            holder = request(1 * MS, ["session", held], work(5 * MS))
            line = [request((60 + number) * MS, work(7 * MS), work(3 * MS)) for number in range(waiters)]
            for ping in (False, True):
                yield schedule([holder, *line], {"release": release, "pre_ping": ping}, faults=[["restart", 80 * MS, 0]])


def no_pool(release):
    """The first connection of a NullPool is lost while others are being opened, or beside another that works."""
    settings = {"kind": "null", "release": release, "reset_on_return": "rollback"}
    three = [request(at * MS, work(9 * MS)) for at in (1, 2, 3)]
    for at in (52_300, 53_300, 54_300, 55_300, 56_300, 57_300):
        yield {**schedule(three + [request(60 * MS, work(9 * MS))], faults=[["restart", at * US, 0]]), "pool": settings}
    yield {**schedule(three, faults=[["kill", 52_300 * US]]), "pool": settings}
    found = schedule([request(1 * MS, work(200 * MS)), request(110 * MS, work(9 * MS))], faults=[["kill", 140 * MS]])
    yield {**found, "pool": settings}


def all_schedules():
    found = []
    for release in ("with", "close", "threads"):
        for family in (lost_wakeups, tail, initialisation, invalidations, known_dead, ages):
            found += family(release)
    for release in ("with", "close"):
        found += cancellations(release)
        found += cancelled_closes(release)
    for release in ("with", "threads"):
        found += no_pool(release)
    return [{"seed": -number, **each} for number, each in enumerate(found, start=1)]
