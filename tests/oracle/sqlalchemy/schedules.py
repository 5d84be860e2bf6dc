"""Schedules: what poolcast and SQLAlchemy are both given. All times are whole nanoseconds.

Arrivals lie on microseconds and costs on odd nanoseconds, so that two things rarely happen in one instant unless one
causes the other.
"""

import random

US, MS, S = 1_000, 1_000_000, 1_000_000_000


def span(dice, low, high):
    """A length between two times, log-uniform, that no sum of others is likely to meet."""
    return round(low * (high / low) ** dice.random()) | 1


def some(dice, probability, low, high):
    return span(dice, low, high) if dice.random() < probability else 0


def statement(dice):
    return ["query", some(dice, 0.95, 50 * US, 400 * MS)]


def session(dice, depth):
    steps = []
    kind = dice.random()
    if kind < 0.15:
        steps.append(["await", span(dice, 1 * MS, 2 * S)])
    elif kind < 0.5:
        for _ in range(dice.choice((1, 1, 2))):
            steps.append(["transaction", [statement(dice) for _ in range(dice.choice((0, 1, 1, 2)))]])
        if dice.random() < 0.2:
            steps.append(statement(dice))
    else:
        steps += [statement(dice) for _ in range(dice.choice((1, 1, 1, 2)))]
    if dice.random() < 0.5:
        steps.insert(dice.randrange(len(steps) + 1), ["await", span(dice, 1 * MS, 800 * MS)])
    if all(step == ["transaction", []] for step in steps):
        steps.insert(0, ["await", span(dice, 1 * MS, 20 * MS)])
    if depth == 0 and dice.random() < 0.03:
        steps.append(["session", session(dice, 1)])
    return steps


def request(dice, at, deadline):
    steps = []
    for number in range(dice.choice((1, 1, 1, 2, 3))):
        if number and dice.random() < 0.5:
            steps.append(["await", span(dice, 1 * MS, 300 * MS)])
        steps.append(["session", session(dice, 0)])
    return {"at": at, "deadline": deadline, "steps": steps}


def pool(dice):
    release = dice.choice(("with", "with", "close", "threads"))
    if dice.random() < 0.04:
        return {"kind": "null", "release": "with" if release == "close" else release, "reset_on_return": "rollback"}
    return {
        "kind": "queue",
        "release": release,
        "pool_size": dice.choice((0, 1, 1, 2, 2, 3, 4, 5)),
        "max_overflow": dice.choice((-1, 0, 0, 0, 1, 1, 2, 3, 10)),
        "timeout": dice.choice((None, 0, *[span(dice, 20 * MS, 30 * S) for _ in range(6)])),
        "recycle": dice.choice((None, None, 0, span(dice, 1 * MS, 200 * MS), span(dice, 50 * MS, 5 * S))),
        "pre_ping": dice.random() < 0.5,
        "use_lifo": dice.random() < 0.4,
        "reset_on_return": dice.choice(("rollback", "rollback", "rollback", "commit", None)),
    }


def faults(dice, length, one_connection):
    found = []
    if dice.random() < 0.5:
        for _ in range(dice.choice((1, 1, 2, 3))):
            at = dice.randrange(length // US) * US + 1
            down = dice.choice((0, span(dice, 1 * MS, 1 * S)))
            if one_connection and down == 0:
                found.append(["kill", at])
            else:
                found.append(["restart", at, down])
    return sorted(found, key=lambda fault: fault[1])


def draw(seed):
    """The schedule of a seed."""
    dice = random.Random(f"poolcast {seed}")
    settings = pool(dice)
    one = settings["kind"] == "queue" and (settings["pool_size"], settings["max_overflow"]) == (1, 0)
    length = span(dice, 200 * MS, 8 * S)
    patient = settings["release"] == "threads" or dice.random() < 0.4
    arrivals = sorted(dice.sample(range(length // US), dice.randint(4, 26)))
    deadline = lambda: None if patient or dice.random() < 0.4 else span(dice, 2 * MS, 3 * S)
    costs = {name: some(dice, 0.5, 1 * US, 20 * MS) for name in ("checkout", "statement", "ping", "reset", "close")}
    wanted = [request(dice, at * US, deadline()) for at in arrivals]
    return {
        "seed": seed,
        "pool": settings,
        "round_trip": 2 * span(dice, 20 * US, 10 * MS),
        "connect": some(dice, 0.95, 1 * MS, 400 * MS),
        "slots": dice.choice((1000, 1000, 1000, 2, 3)),
        "statement_timeout": some(dice, 0.1, 20 * MS, 400 * MS),
        "driver": costs,
        "faults": faults(dice, length, one),
        "requests": wanted,
        "end": 100 * S,
    }
