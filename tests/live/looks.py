"""Looks whether the documents of a short calibration and a short validation hang together."""

import json
import sys

calibration = json.load(open(sys.argv[1]))
means = {one["what"]: one["mean"] for one in calibration["operations"]}
for what in ("round trip to the database", "opening a connection", "checkout", "giving back and closing"):
    assert means[what] > 0, what
assert means["opening a connection"] > means["round trip to the database"]
assert "System(" in calibration["model"] and calibration["service"] is None

validation = json.load(open(sys.argv[2]))
exits = {"agrees": 0, "differs": 1, "too noisy": 3}
assert exits[validation["verdict"]] == int(sys.argv[3]), (validation["verdict"], sys.argv[3])
metrics = {one["metric"]: one for one in validation["metrics"]}
# The same requests came and were answered on both sides, whatever the machine was doing.
throughput = metrics["requests.throughput"]
assert abs(throughput["difference"]) < 0.1 * throughput["live"], throughput
for metric in metrics.values():
    low, high = metric["live_spread"]
    assert low <= metric["live"] * (1 + 1e-9) and metric["live"] <= high * (1 + 1e-9), metric
assert validation["host"]["foreign"] >= 0 and len(validation["ingredients"]) == 6
# The page shows the same figures.
_, page = open(sys.argv[4]).read().split('<script id="data" type="application/json">')
page = json.loads(page.split("</script>")[0])
shown = page["validation"]["points"][0]["figures"]
assert [one["verdict"] for one in shown] == [one["verdict"] for one in validation["metrics"]]
assert page["reproduce"].startswith("poolcast validate experiments/live/steady.ron --local --repetitions 3 --judge-anyway --set"), page["reproduce"]
print(f"calibrate and validate hang together; validate: {validation['verdict']}")
