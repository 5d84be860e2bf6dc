#!/bin/sh
# Runs short experiments on real pools, a real PostgreSQL and a real PgBouncer (about a minute), and fails if what happens
# there is not what must happen. Installs what it needs from Debian if it is missing and this is root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v pgbouncer >/dev/null || "$here/../needs.sh" pgbouncer
command -v pg_config >/dev/null || ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 || "$here/../needs.sh" postgresql
python3 -c 'import ensurepip' 2>/dev/null || "$here/../needs.sh" python3-venv
cd "$here/../.."
# They sleep more than they work.
exec cargo test --test live -- --test-threads=4
