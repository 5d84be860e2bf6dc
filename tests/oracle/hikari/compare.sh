#!/bin/sh
# Runs fresh schedules through the real HikariCP, in real time, and through poolcast, and fails if one differs:
#     tests/oracle/hikari/compare.sh [--schedules 40] [--seed N]
# Without a seed it takes one from the clock, and prints it. It installs what it needs from Debian's packages.
set -eu
schedules=40
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/options.sh"
root=$(cd "$here/../../.." && pwd)
target=$root/target/oracle/hikari
jars=/usr/share/java/HikariCP.jar:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar
"$root/tests/needs.sh" default-jdk-headless libhikaricp-java libslf4j-java
mkdir -p "$target"
javac -d "$target" -cp "$jars" "$here"/*.java
echo "seeds $seed to $((seed + schedules - 1))"
java -Dcom.zaxxer.hikari.aliveBypassWindowMs=200 -cp "$target:$jars" Play "$schedules" "$seed" > "$target/traces.jsonl"
cd "$root"
POOLCAST_HIKARI_TRACES=$target/traces.jsonl exec cargo test --quiet --test suite hikari_recorded:: -- --nocapture
