#!/usr/bin/env bash
# Validates every experiment in experiments/live on this machine and prints one table of them all: for the guide, and to
# see how far the model is off. About half an hour; nothing else should run meanwhile.
#   tests/live/all.sh               all of them
#   tests/live/all.sh queue burst   these
# REPETITIONS (3) live runs of each point; TOGETHER (1) experiments at a time, as long as their statements only sleep; OUT
# (target/live) keeps the answers and recordings.
set -euo pipefail
cd "$(dirname "$0")/../.."

poolcast=${POOLCAST:-${CARGO_TARGET_DIR:-target}/release/poolcast}
out=${OUT:-target/live}
[ -x "$poolcast" ] || cargo build --release --quiet
if [ $# = 0 ]; then
    for file in experiments/live/*.ron; do set -- "$@" "$(basename "$file" .ron)"; done
fi
mkdir -p "$out"
export poolcast out

one() {
    echo "$1: $(date +%T)" >&2
    # 1: a figure differs, 3: no verdict; both are results here. Anything else is not.
    result=0
    "$poolcast" validate "experiments/live/$1.ron" --local --repetitions "${REPETITIONS:-3}" --out "$out" ${ARGUMENTS:-} >"$out/$1.log" 2>&1 ||
        result=$?
    if [ "$result" = 2 ] || [ ! -f "$out/$1.validate.json" ]; then
        tail -n 20 "$out/$1.log" >&2
        return 255
    fi
}
export -f one

# Whoever computes has the machine to itself; statements that sleep leave it to others.
printf '%s\n' "$@" | grep -vx -e cores -e nullpool | xargs -r -P "${TOGETHER:-1}" -I NAME bash -euo pipefail -c 'one NAME'
printf '%s\n' "$@" | { grep -x -e cores -e nullpool || true; } | xargs -r -I NAME bash -euo pipefail -c 'one NAME'
python3 tests/live/table.py $(printf "$out/%s.validate.json " "$@")
