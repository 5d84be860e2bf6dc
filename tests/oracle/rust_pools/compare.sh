#!/bin/sh
# Runs fresh schedules through the real deadpool, bb8, sqlx and r2d2 and through poolcast, and fails on any difference:
#     tests/oracle/rust_pools/compare.sh [--schedules 500] [--seed N]
# Each library plays that many. Without a seed it takes one from the clock, and prints it.
set -eu
schedules=500
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/options.sh"
root=$(cd "$here/../../.." && pwd)
target=$root/target/oracle/rust_pools
cargo build --quiet --locked --manifest-path "$here/Cargo.toml" --target-dir "$target"
echo "seeds $seed to $((seed + schedules - 1)), for each of four libraries"
for library in deadpool bb8 sqlx r2d2; do
    "$target/debug/rust_pools" $library "$schedules" "$seed" > "$target/$library.jsonl"
done
cd "$root"
POOLCAST_DEADPOOL_TRACES=$target/deadpool.jsonl POOLCAST_BB8_TRACES=$target/bb8.jsonl \
    POOLCAST_SQLX_TRACES=$target/sqlx.jsonl POOLCAST_R2D2_TRACES=$target/r2d2.jsonl \
    exec cargo test --quiet --test suite virtual_time:: -- --nocapture
