#!/usr/bin/env bash
# All tests: cargo's own, then the comparison of the modelled pool with the real SQLAlchemy on random schedules.
# The comparison installs what it needs into a directory of its own under target/.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo test
# One seed, so that the same tree gives the same result; by itself the script takes fresh schedules from the clock.
tests/oracle/sqlalchemy/compare.sh --schedules 500 --seed 300000
