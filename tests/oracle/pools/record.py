"""Writes what a real pool does under random schedules: one JSON object a line.

    python record.py psycopg_pool|asyncpg [--schedules N] [--seed FIRST] [--small] > traces.jsonl
    python record.py pg_pool --only-schedules [...] | node pg_pool/record.js > traces.jsonl

A trace is text: for each event the nanoseconds since the one before it (nothing for none), a letter, the request's
number and, after a slash, the connection's. The letters: q asks for a connection, s a connect starts, d is done,
f fails; p a ping, r a rollback or reset, o a connection is lent, c closed, t a request is refused in time, e for
another reason. Counters are [nanoseconds, and three of the pool's own figures] after each instant that changed them.
"""

import argparse
import itertools
import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "common"))

import schedules


def words(events):
    before, found = 0, []
    for at, letter, request, connection in events:
        gap = at - before or ""
        before = at
        found.append(f"{gap}{letter}" + ("" if request is None else str(request)) + ("" if connection is None else f"/{connection}"))
    return " ".join(found)


def record(Side, schedule):
    import machine

    trace = machine.run(Side, schedule)
    counters = " ".join(",".join(map(str, entry)) for entry in trace.counters)
    return {"schedule": schedule, "trace": words(trace.events), "counters": counters, "errors": trace.errors}


def side(library):
    if library == "psycopg_pool":
        import psycopg_side as found
    else:
        import asyncpg_side as found
    return found.Pool


def main():
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("library", choices=schedules.KINDS)
    reader.add_argument("--schedules", type=int, default=0)
    reader.add_argument("--seed", type=int, default=0, help="the first seed; the others follow")
    reader.add_argument("--small", action="store_true", help="pass over schedules of more than 10 requests")
    reader.add_argument("--only-schedules", action="store_true", help="do not play them")
    asked = reader.parse_args()
    drawn = map(lambda seed: schedules.draw(asked.library, seed), itertools.count(asked.seed))
    if asked.small:
        drawn = (schedule for schedule in drawn if len(schedule["requests"]) <= 10)
    for schedule in itertools.islice(drawn, asked.schedules):
        try:
            line = schedule if asked.only_schedules else record(side(asked.library), schedule)
            print(json.dumps(line, separators=(",", ":")))
        except Exception:
            print(f"schedule {schedule['seed']} could not be run", file=sys.stderr)
            raise


if __name__ == "__main__":
    main()
