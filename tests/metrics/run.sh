#!/usr/bin/env bash
# Metrics of the guide's experiment through the real promtool: Prometheus makes blocks of them, and has every sample.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/needs.sh prometheus
poolcast="${POOLCAST:-${CARGO_TARGET_DIR:-target}/debug/poolcast}"
work=target/metrics
rm -rf "$work"
mkdir -p "$work"

"$poolcast" run experiments/movehub.ron --replications 1 --set duration=60s --metrics "$work/movehub.om" --quiet >/dev/null || [ $? = 1 ]
promtool tsdb create-blocks-from openmetrics --quiet "$work/movehub.om" "$work/blocks"
mkdir "$work/blocks/wal" # where a server would keep what is newest; promtool asks for it
promtool tsdb dump "$work/blocks" >"$work/dump"

# Both as `labels value milliseconds`: promtool writes {__name__="…", label="…"} 1 1767225600000.
sed -n 's/^\([a-z_]*\){\(.*\)} \([^ ]*\) \([0-9]*\)\.\([0-9]*\)$/\1 \3 \4\5/p' "$work/movehub.om" | LC_ALL=C sort >"$work/written"
sed -n 's/^{__name__="\([a-z_]*\)", .*} \([^ ]*\) \([0-9]*\)$/\1 \2 \3/p' "$work/dump" | LC_ALL=C sort >"$work/kept"
python3 - "$work/written" "$work/kept" <<'PY'
import sys
def samples(path):
    with open(path) as file:
        return sorted((name, int(at), float(value)) for name, value, at in (line.split() for line in file))
written, kept = map(samples, sys.argv[1:])
assert written and written == kept, f"{len(written)} samples written, {len(kept)} kept"
names = {name for name, _, _ in written}
print(f"promtool: {len(kept)} samples of {len(names)} metrics, all of them kept")
PY
