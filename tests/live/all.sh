#!/usr/bin/env bash
# Validates every experiment in experiments/live on this machine and prints one table of them all: for the guide, and to
# see how far the model is off. Half an hour; nothing else should run meanwhile, not even another
# of these: it would spoil both.
#   tests/live/all.sh               all of them
#   tests/live/all.sh queue burst   these
# REPETITIONS (3) live runs of each point; OUT (target/live) keeps the answers and recordings.
set -euo pipefail
cd "$(dirname "$0")/../.."

poolcast=${POOLCAST:-${CARGO_TARGET_DIR:-target}/release/poolcast}
out=${OUT:-target/live}
[ -x "$poolcast" ] || cargo build --release --quiet
if [ $# = 0 ]; then
    for file in experiments/live/*.ron; do set -- "$@" "$(basename "$file" .ron)"; done
fi
mkdir -p "$out"
for name in "$@"; do
    echo "$name: $(date +%T)" >&2
    # 1: a figure differs, 3: no verdict; both are results here. Anything else is not.
    result=0
    "$poolcast" validate "experiments/live/$name.ron" --local --repetitions "${REPETITIONS:-3}" --out "$out" ${ARGUMENTS:-} >"$out/$name.log" 2>&1 ||
        result=$?
    if [ "$result" = 2 ] || [ ! -f "$out/$name.validate.json" ]; then
        tail -n 20 "$out/$name.log" >&2
        exit "$result"
    fi
done
python3 tests/live/table.py $(printf "$out/%s.validate.json " "$@")
