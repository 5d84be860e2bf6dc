"""Prints validations (the JSON documents of `poolcast validate`) as one table in Markdown: live → simulated."""

import json
import sys
from itertools import groupby
from pathlib import Path

FIGURES = ["latency.mean", "latency.p99", "pool_wait.mean", "pool_wait.p99", "pools.connects", "errors"]
MARKS = {"agrees": "", "differs": " ✗", "too noisy": " ?"}


def amount(metric, value):
    if metric.startswith(("latency", "pool_wait")):
        value *= 1e3
        return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


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
    return [cell(chosen(figure)) for figure in FIGURES] + [counts, ", ".join(off) or "–"]


def place(row):
    varied = ", ".join(f"{path.split('.')[-1]} {value}" for path, value in row["vary"].items())
    return ", ".join(part for part in (row["scenario"], varied) if part)


def main(files):
    print("Times in ms, live → simulated; ✗ differs, ? too noisy for a verdict.\n")
    header = ["experiment", "latency mean", "p99", "pool wait mean", "p99", "connects", "errors", "verdicts", "off"]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for file in map(Path, files):
        document = json.loads(file.read_text())
        for where, rows in groupby(document["metrics"], place):
            name = file.name.removesuffix(".validate.json") + (f": {where}" if where else "")
            print("| " + " | ".join([name, *line(document, list(rows))]) + " |")
        if not document["host"]["fit"]:
            print(f"| {file.name.removesuffix('.validate.json')} | the machine was busy with something else |" + " |" * (len(header) - 2))


main(sys.argv[1:])
