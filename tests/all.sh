#!/usr/bin/env bash
# All tests: cargo's own, then the models against the real programs. Each comparison installs what it needs by itself, into
# target/ or from Debian's packages, and fails if anything differs.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target/oracle

cargo test
POOLCAST="${CARGO_TARGET_DIR:-target}/debug/poolcast" tests/cluster/run.sh
tests/metrics/run.sh
tests/live/run.sh
tests/browser/run.sh

# Real sockets and real seconds: it sleeps most of its time, so it goes beside the others.
tests/oracle/pgbouncer/compare.sh >target/oracle/pgbouncer.log 2>&1 &
pgbouncer=$!
trap 'kill "$pgbouncer" 2>/dev/null || true' EXIT

tests/oracle/sqlalchemy/compare.sh --schedules 500
# The others play the same schedules each time, so that a rare tie that a recorder overlooks does not decide on a change;
# without --seed they play fresh ones. (HikariCP in real time: its threads may come in either order, microseconds apart.)
tests/oracle/rust_pools/compare.sh --schedules 500 --seed 1
tests/oracle/database_sql/compare.sh --schedules 500 --seed 1
tests/oracle/hikari/compare.sh --schedules 40 --seed 5000
tests/oracle/pools/compare.sh psycopg_pool --schedules 300 --seed 1
tests/oracle/pools/compare.sh asyncpg --schedules 500 --seed 1
tests/oracle/pools/compare.sh pg_pool --schedules 500 --seed 1

result=0
wait "$pgbouncer" || result=$?
trap - EXIT
echo "tests/oracle/pgbouncer/compare.sh:"
if [ "$result" = 0 ]; then tail -n 12 target/oracle/pgbouncer.log; else cat target/oracle/pgbouncer.log; fi
exit "$result"
