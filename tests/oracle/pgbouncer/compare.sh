#!/bin/sh
# Plays every conversation afresh with a real PgBouncer in front of a real PostgreSQL (about three minutes), and holds the
# simulator against that and against the committed recording. Fails if either differs.
#
#   compare.sh            compare
#   compare.sh --record   compare, and make what was played the committed recording
#
# Installs what it needs from Debian if it is missing and this is root. What plays is not pinned to 1.18: the recording
# says what it was, but the simulator is asked to behave as 1.18 does.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export POSTGRES_BIN="${POSTGRES_BIN:-/usr/lib/postgresql/15/bin}"
command -v pgbouncer >/dev/null || "$here/../../needs.sh" pgbouncer
[ -x "$POSTGRES_BIN/postgres" ] || "$here/../../needs.sh" postgresql-15
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
cd "$here/../../.."
cargo test --test suite --no-run
python3 "$here/play.py" "$fresh"
result=0
PGBOUNCER_RECORDING="$fresh" cargo test -q --test suite -- --nocapture pgbouncer || result=1
if [ "${1:-}" = --record ]; then
    cp "$fresh" "$here/recorded.json"
fi
cargo test -q --test suite pgbouncer || result=1
exit $result
