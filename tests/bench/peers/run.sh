#!/bin/sh
# The same models on other simulators and on poolcast, in one run: nanoseconds of processor time a request, the fastest of
# five, taken in turns, so that whatever else the machine does meets all of them. "x" is poolcast's rate over the peer's.
#
#   tests/bench/peers/run.sh [MODEL…]        of m1 m2 m2w m3; all of them if none is named
set -eu
cd "$(dirname "$0")/../../.."
target=${CARGO_TARGET_DIR:-target}
cargo build --release --quiet --manifest-path tests/bench/peers/Cargo.toml --target-dir "$target/peers"
cargo bench --quiet --no-run

# ns SIMULATOR MODEL: nanoseconds a request, once.
ns() {
    if [ "$1" = poolcast ]; then
        cargo bench --quiet --bench engine -- --child "$2" 1 | awk '{print $3 / $2}'
    else
        "$target/peers/release/poolcast-peers" "$1" "$2" 2000000 | awk '{print $2 / $1}'
    fi
}

printf '%-6s %12s %12s %8s %12s %8s\n' model poolcast desque x simcore x
for model in ${@:-m1 m2 m2w m3}; do
    for _ in 1 2 3 4 5; do
        for simulator in poolcast desque simcore; do
            echo "$simulator $(ns "$simulator" "$model")"
        done
    done | awk -v model="$model" '
        !($1 in best) || $2 < best[$1] { best[$1] = $2 }
        END {
            ours = best["poolcast"]; desque = best["desque"]; simcore = best["simcore"]
            printf "%-6s %9.0f ns %9.0f ns %8.2f %9.0f ns %8.2f\n", model, ours, desque, desque / ours, simcore, simcore / ours
        }'
done
