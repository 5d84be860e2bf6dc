#!/bin/sh
# Runs fresh schedules through a real pool and through poolcast, and fails on any difference:
#     tests/oracle/pools/compare.sh psycopg_pool|asyncpg|pg_pool [--schedules 1000] [--seed N]
# Without a seed it takes one from the clock, and prints it.
set -eu
library=${1-}
[ $# = 0 ] || shift
schedules=1000
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/options.sh"
case $library in
    psycopg_pool|asyncpg|pg_pool) ;;
    *) usage ;;
esac
root=$(cd "$here/../../.." && pwd)
made=$root/target/oracle/pools
mkdir -p "$made"
traces=$made/$library.jsonl
export PYTHONDONTWRITEBYTECODE=1

python() {
    if ! cmp -s "$here/requirements.txt" "$made/venv/requirements.txt"; then
        python3 -m venv "$made/venv"
        "$made/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
        cp "$here/requirements.txt" "$made/venv/requirements.txt"
    fi
    "$made/venv/bin/python" "$here/record.py" "$library" --schedules "$schedules" --seed "$seed"
}

node_side() {
    if ! cmp -s "$here/pg_pool/package-lock.json" "$made/node/package-lock.json"; then
        mkdir -p "$made/node"
        cp "$here/pg_pool/package.json" "$here/pg_pool/package-lock.json" "$made/node"
        npm ci --silent --legacy-peer-deps --prefix "$made/node"
    fi
    python3 "$here/record.py" pg_pool --only-schedules --schedules "$schedules" --seed "$seed" > "$made/schedules.jsonl"
    NODE_PATH=$made/node/node_modules node "$here/pg_pool/record.js" < "$made/schedules.jsonl"
}

echo "$library, seeds $seed to $((seed + schedules - 1))"
if [ "$library" = pg_pool ]; then node_side > "$traces"; else python > "$traces"; fi
cd "$root"
variable=POOLCAST_$(echo "$library" | tr a-z A-Z)_TRACES
exec env "$variable=$traces" cargo test --quiet --test suite "pools::recorded::every_step_is_that_of_$library" -- --nocapture
