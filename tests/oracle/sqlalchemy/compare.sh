#!/bin/sh
# Runs fresh schedules through the real SQLAlchemy and through poolcast, and fails on any difference:
#     tests/oracle/sqlalchemy/compare.sh [--schedules 500] [--seed N]
# Without a seed it takes one from the clock, and prints it.
set -eu
schedules=500
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/options.sh"
root=$(cd "$here/../../.." && pwd)
venv=$root/target/oracle/sqlalchemy
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
traces=$venv/traces.jsonl
echo "seeds $seed to $((seed + schedules - 1)), and the directed schedules"
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$here/record.py" --directed --schedules "$schedules" --seed "$seed" > "$traces"
cd "$root"
POOLCAST_SQLALCHEMY_TRACES=$traces exec cargo test --quiet --test suite sqlalchemy:: -- --nocapture
