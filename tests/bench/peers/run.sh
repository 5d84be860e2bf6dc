#!/bin/sh
# The same models on other simulators and on poolcast, in one run: nanoseconds of processor time a request, the fastest of
# five, taken in turns, so that whatever else the machine does meets all of them. "x" is poolcast's rate over the peer's.
# SimPy, which is slower by far, gets fewer requests, and has no model of 1,000 workers.
#
#   tests/bench/peers/run.sh [MODEL…]        of m1 m2 m2w m3; all of them if none is named
set -eu
cd "$(dirname "$0")/../../.."
here=tests/bench/peers
target=${CARGO_TARGET_DIR:-target}
venv=$target/peers/simpy
if ! cmp -s "$here/simpy/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$here/simpy/requirements.txt"
    cp "$here/simpy/requirements.txt" "$venv/requirements.txt"
fi
cargo build --release --quiet --locked --manifest-path "$here/Cargo.toml" --target-dir "$target/peers"
cargo bench --quiet --no-run

# once SIMULATOR MODEL: requests, and the nanoseconds they took.
once() {
    case $1 in
        poolcast) cargo bench --quiet --bench engine -- --child "$2" 1 | awk '{ print $2, $3 }' ;;
        simpy) "$venv/bin/python" "$here/simpy/run.py" "$2" 100000 ;;
        *) "$target/peers/release/poolcast-peers" "$1" "$2" 2000000 ;;
    esac
}

printf '%-6s %11s %11s %6s %11s %6s %11s %6s\n' model poolcast desque x simcore x SimPy x
for model in ${@:-m1 m2 m2w m3}; do
    peers="desque simcore"
    [ "$model" = m3 ] || peers="$peers simpy"
    for _ in 1 2 3 4 5; do
        for simulator in poolcast $peers; do
            seen=$(once "$simulator" "$model")
            echo "$simulator $seen"
        done
    done >"$target/peers/times"
    awk -v model="$model" -v peers="$peers" '
        { ns = $3 / $2 }
        !($1 in best) || ns < best[$1] { best[$1] = ns }
        END {
            printf "%-6s %8.0f ns", model, best["poolcast"]
            count = split(peers, peer)
            for (i = 1; i <= count; i++) printf " %8.0f ns %6.2f", best[peer[i]], best[peer[i]] / best["poolcast"]
            print ""
        }' "$target/peers/times"
done
