"""Writes what the real pool does under random or directed schedules: one JSON object a line.

    python record.py [--directed] [--schedules N] [--seed FIRST] [--small] > traces.jsonl

A trace is text: for each event the nanoseconds since the one before it (nothing for none), a letter, the request's
number and, after a slash, the connection's. Counters are lists of [nanoseconds, idle, checked out, overflow], one for
each instant after which they had changed.
"""

import argparse
import itertools
import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "common"))

import directed
import machine
import schedules

LETTERS = {
    "request": "q", "wait": "w", "wake": "k", "connect_start": "s", "connect_done": "d", "connect_fail": "f",
    "ping": "p", "reset": "r", "checkout": "o", "checkin": "i", "invalidate": "v", "close": "c", "timeout": "t",
    "error": "e",
}  # fmt: skip


def words(events):
    before, found = 0, []
    for at, name, request, connection in events:
        gap = at - before or ""
        before = at
        found.append(f"{gap}{LETTERS[name]}{request}" + ("" if connection is None else f"/{connection}"))
    return " ".join(found)


def record(schedule):
    trace = machine.run(schedule)
    counters = " ".join(",".join(map(str, entry)) for entry in trace.counters)
    return {"schedule": schedule, "trace": words(trace.events), "counters": counters}


def main():
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--schedules", type=int, default=0)
    reader.add_argument("--seed", type=int, default=0, help="the first seed; the others follow")
    reader.add_argument("--directed", action="store_true", help="the directed schedules too")
    reader.add_argument("--small", action="store_true", help="pass over schedules of more than 14 requests")
    asked = reader.parse_args()
    wanted = directed.all_schedules() if asked.directed else []
    drawn = map(schedules.draw, itertools.count(asked.seed))
    if asked.small:
        drawn = (schedule for schedule in drawn if len(schedule["requests"]) <= 14)
    wanted += itertools.islice(drawn, asked.schedules)
    for schedule in wanted:
        try:
            print(json.dumps(record(schedule), separators=(",", ":")))
        except Exception:
            print(f"schedule {schedule['seed']} could not be run", file=sys.stderr)
            raise
    print(f"{len(wanted)} schedules, {machine.version()}", file=sys.stderr)


if __name__ == "__main__":
    main()
