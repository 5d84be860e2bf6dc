#!/bin/sh
# Runs fresh schedules through the real database/sql and through poolcast, and fails on any difference:
#     tests/oracle/database_sql/compare.sh [--schedules 500] [--seed N]
# Without a seed it takes one from the clock, and prints it. It installs Go from Debian's packages if there is none.
set -eu
schedules=500
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/options.sh"
root=$(cd "$here/../../.." && pwd)
target=$root/target/oracle/database_sql
command -v go > /dev/null || "$root/tests/needs.sh" golang-go
mkdir -p "$target"
GO111MODULE=off GOCACHE=$target/cache go build -tags faketime -o "$target/play" "$here"/*.go
echo "seeds $seed to $((seed + schedules - 1))"
"$target/play" "$target/traces.jsonl" "$schedules" "$seed"
cd "$root"
POOLCAST_DATABASE_SQL_TRACES=$target/traces.jsonl exec cargo test --quiet --test suite virtual_time::every_step_is_that_of_database_sql -- --nocapture
