#!/usr/bin/env bash
# All tests: cargo's own, then the comparison of the modelled pool with the real SQLAlchemy on random schedules.
# The comparison installs what it needs into a directory of its own under target/.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo test
# Fresh schedules every time; the script prints their seeds, and takes them with --seed to run them again.
tests/oracle/sqlalchemy/compare.sh --schedules 500
