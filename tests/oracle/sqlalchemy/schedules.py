"""Schedules: what poolcast and SQLAlchemy are both given. All times are whole nanoseconds."""

import random

from draws import MS, S, US, faults, request, some, span


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
