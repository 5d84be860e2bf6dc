#!/bin/sh
# Runs short experiments on real pools, a real PostgreSQL and a real PgBouncer (about a minute), and fails if what happens
# there is not what must happen. Installs what it needs from Debian if it is missing and this is root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v pgbouncer >/dev/null || "$here/../needs.sh" pgbouncer
command -v pg_config >/dev/null || ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 || "$here/../needs.sh" postgresql
command -v openssl >/dev/null || "$here/../needs.sh" openssl
python3 -c 'import ensurepip' 2>/dev/null || "$here/../needs.sh" python3-venv
cd "$here/../.."
# They sleep more than they work.
cargo test --test live -- --test-threads=4

# A short calibration and a short validation, beside each other: half a minute. What they find is about a machine that has
# other things to do, so only that they find something, and that it hangs together, is looked at.
poolcast=${CARGO_TARGET_DIR:-target}/debug/poolcast
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$poolcast" calibrate --local --gentle --repetitions 1 --quiet --format json >"$out/calibrate.json" &
calibration=$!
# 0 agrees, 1 differs, 3 is too noisy for a verdict; anything else is an error.
verdict=0
"$poolcast" validate experiments/live/steady.ron --local --judge-anyway --set warmup=1s --set duration=3s --quiet --format json \
    --report "$out/validate.html" >"$out/validate.json" || verdict=$?
wait "$calibration"
python3 tests/live/looks.py "$out/calibrate.json" "$out/validate.json" "$verdict" "$out/validate.html"
