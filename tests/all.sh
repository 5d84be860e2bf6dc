#!/usr/bin/env bash
# All tests: cargo's own, then the comparison of the modelled pool with the real SQLAlchemy on random schedules.
# The comparison installs what it needs into a directory of its own under target/.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo test
tests/oracle/sqlalchemy/compare.sh
