"""Schedules: what poolcast and a real pool are both given."""

import random

from draws import MS, S, US, faults, request, some, span


def ns(span):
    """A time as poolcast's files write it."""
    return f"{span}ns"


def psycopg_pool(dice):
    min_size = dice.choice((0, 1, 1, 2, 2, 3, 4, 5))
    max_size = dice.choice((None, min_size + 1, min_size + 2, min_size + 4)) if min_size else dice.choice((1, 2, 3, 5))
    return {
        "min_size": min_size,
        "max_size": max_size,
        "timeout": ns(dice.choice((30 * S, *[span(dice, 20 * MS, 30 * S) for _ in range(4)]))),
        "max_waiting": dice.choice((0, 0, 0, 0, 1, 2, 4)),
        "max_lifetime": ns(dice.choice((3600 * S, 3600 * S, span(dice, 50 * MS, 500 * MS), span(dice, 200 * MS, 10 * S)))),
        "max_idle": ns(dice.choice((600 * S, span(dice, 100 * MS, 2 * S), span(dice, 1 * S, 60 * S)))),
        "reconnect_timeout": ns(dice.choice((300 * S, span(dice, 100 * MS, 20 * S)))),
        "num_workers": dice.choice((1, 2, 3, 3, 3, 4)),
        "check": dice.random() < 0.4,
    }


def asyncpg(dice):
    max_size = dice.choice((1, 1, 2, 2, 3, 4, 6))
    min_size = dice.randint(0, max_size)
    return {
        "min_size": min_size,
        "max_size": max_size,
        "init_size": dice.choice((None, dice.randint(min_size, max_size))),
        "max_queries": dice.choice((50000, 50000, dice.randint(1, 12))),
        "max_inactive_connection_lifetime": ns(dice.choice((0, 300 * S, span(dice, 10 * MS, 500 * MS), span(dice, 100 * MS, 5 * S)))),
        "timeout": dice.choice((None, *[ns(span(dice, 20 * MS, 10 * S)) for _ in range(2)])),
    }


def pg_pool(dice):
    most = dice.choice((1, 1, 2, 2, 3, 4, 6))
    return {
        "max": most,
        "min": dice.choice((0, 0, dice.randint(0, most))),
        "idleTimeoutMillis": ns(dice.choice((0, 10 * S, span(dice, 10 * MS, 500 * MS), span(dice, 100 * MS, 5 * S)))),
        "connectionTimeoutMillis": ns(dice.choice((0, span(dice, 20 * MS, 1 * S), span(dice, 200 * MS, 10 * S)))),
        "maxUses": dice.choice((None, None, dice.randint(1, 5))),
        "maxLifetimeSeconds": ns(dice.choice((0, 0, span(dice, 20 * MS, 1 * S), span(dice, 100 * MS, 10 * S)))),
    }


KINDS = {"psycopg_pool": ("PsycopgPool", psycopg_pool), "asyncpg": ("AsyncpgPool", asyncpg), "pg_pool": ("NodePostgres", pg_pool)}
"""By the library's name: poolcast's kind, and its settings."""

FREE = {"psycopg_pool": {"close": 0}}
"""What takes a library no time: psycopg's close waits for nobody."""


def draw(library, seed):
    """The schedule of a seed."""
    dice = random.Random(f"poolcast {library} {seed}")
    kind, settings = KINDS[library]
    pool = settings(dice)
    # Who gets the last slot when several connects begin in one instant is nobody's rule.
    opens_at_once = pool.get("num_workers", 1) > 1 or library == "asyncpg"
    length = span(dice, 200 * MS, 8 * S)
    patient = dice.random() < 0.4 or library == "pg_pool"
    arrivals = sorted(dice.sample(range(length // US), dice.randint(4, 26)))
    deadline = lambda: None if patient or dice.random() < 0.4 else span(dice, 2 * MS, 3 * S)
    costs = {name: some(dice, 0.5, 1 * US, 20 * MS) for name in ("checkout", "statement", "ping", "reset", "close")}
    round_trip, connect = 2 * span(dice, 20 * US, 10 * MS), span(dice, 1 * MS, 400 * MS)
    # Nobody asks asyncpg's pool while it starts, which takes two connect times.
    start = (2 * (connect + round_trip) // US + 1) * US if library == "asyncpg" else 0
    struck = [[kind, at + start, *down] for kind, at, *down in faults(dice, length, False)]
    return {
        "seed": seed,
        "pool": {kind: pool},
        "round_trip": round_trip,
        "connect": connect,
        "slots": 1000 if opens_at_once else dice.choice((1000, 1000, 1000, 2, 3)),
        "statement_timeout": some(dice, 0.1, 20 * MS, 400 * MS),
        "driver": costs | FREE.get(library, {}),
        "faults": struck,
        "requests": [request(dice, start + at * US, deadline()) for at in arrivals],
        "end": 100 * S,
    }
