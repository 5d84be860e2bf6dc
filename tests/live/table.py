"""Prints validations (the JSON documents of `poolcast validate`) as one table in Markdown: live → simulated."""

import json
import sys
from itertools import groupby
from pathlib import Path

FIGURES = ["latency.mean", "latency.p99", "pool_wait.mean", "pool_wait.p99", "pools.connects", "errors", "recovery.failing"]
# A model may be off by such a share of the live mean, or by as much as live runs are apart.
NEAR = {"requests.throughput": 0.01, "latency.mean": 0.05, "latency.p50": 0.05, "latency.p90": 0.05, "latency.p99": 0.1}
NEAR_ERRORS, NEAR_REST = 0.05, 0.1
MARKS = {"agrees": "", "differs": " ✗", "too noisy": " ?"}


def amount(metric, value):
    if metric.startswith(("latency", "pool_wait", "recovery")):
        value *= 1e3
        return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def is_near(row):
    errors = row["metric"].startswith("requests.errors.")
    share = NEAR_ERRORS if errors else NEAR.get(row["metric"], NEAR_REST)
    low, high = row["live_spread"]
    off = abs(row["difference"])
    # One connection or failure is no difference, nor is less than half a millisecond of a wait: clocks blur that much.
    least = 1 if errors or row["metric"].startswith("pools.") else 5e-4 if row["metric"].startswith("pool_wait") else 0
    return off <= max(share * row["live"], high - low, least)


def cell(rows):
    if not rows:
        return "–"
    metric = rows[0]["metric"]
    live, simulated = (sum(row[side] for row in rows) for side in ("live", "simulated"))
    worst = max((row["verdict"] for row in rows), key=["agrees", "too noisy", "differs"].index)
    return f"{amount(metric, live)} → {amount(metric, simulated)}{MARKS[worst]}"


def line(document, rows):
    def chosen(figure):
        if figure == "errors":
            return [row for row in rows if row["metric"].startswith("requests.errors.")]
        return [row for row in rows if row["metric"] == figure]

    verdicts = [row["verdict"] for row in rows]
    counts = ", ".join(f"{verdicts.count(verdict)} {words}" for verdict, words in [("agrees", "agree"), ("differs", "differ"), ("too noisy", "noisy")])
    off = [one["what"] for one in document["ingredients"] if one["off"] and place(one) == place(rows[0])]
    far = [row["metric"] for row in rows if not is_near(row)]
    near = f"{len(rows) - len(far)} of {len(rows)}" + (f"; not {', '.join(far)}" if far else "")
    return [cell(chosen(figure)) for figure in FIGURES] + [counts, near, ", ".join(off) or "–"]


def place(row):
    varied = ", ".join(f"{path.split('.')[-1]} {value}" for path, value in row["vary"].items())
    return ", ".join(part for part in (row["scenario"], varied) if part)


def main(files):
    print("Times in ms, live → simulated; ✗ differs, ? too noisy for a verdict. Near: the means are no further apart than 1 % of")
    print("the throughput, 5 % of mean, p50, p90 latency and of errors, 10 % of the rest (or one connection, one error, 0.5 ms of a wait), or than the live runs themselves.\n")
    header = ["experiment", "latency mean", "p99", "pool wait mean", "p99", "connects", "errors", "failing for", "verdicts", "near", "off"]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for file in map(Path, files):
        document = json.loads(file.read_text())
        for where, rows in groupby(document["metrics"], place):
            name = file.name.removesuffix(".validate.json") + (f": {where}" if where else "")
            print("| " + " | ".join([name, *line(document, list(rows))]) + " |")
        if not document["host"]["fit"]:
            print(f"| {file.name.removesuffix('.validate.json')} | the machine was busy with something else |" + " |" * (len(header) - 2))


main(sys.argv[1:])
