#!/usr/bin/env bash
# Runs a sweep of a thousand points in four parts with GNU parallel and with Slurm, kills a part of each and starts it
# again, and holds that the merged results have the bytes of a sweep on one machine.
#
# Slurm runs for real, with a controller and one node of its own on this machine, in a directory of its own. Needs root,
# or sudo without a password; what is missing is installed from Debian.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/needs.sh parallel munge slurmctld slurmd slurm-client procps
[ -n "${POOLCAST:-}" ] || { cargo build --release; POOLCAST=${CARGO_TARGET_DIR:-target}/release/poolcast; }
[ "$(id -u)" = 0 ] || exec sudo -n env POOLCAST="$POOLCAST" "$0"
PATH=$(cd "$(dirname "$POOLCAST")" && pwd):$PATH
work=$(mktemp -d)
daemons=()
cleanup() {
    for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null || true; done
    # Slurm saves its state when it is told to end.
    for daemon in "${daemons[@]}"; do wait "$daemon" 2>/dev/null || true; done
    rm -rf "$work" || { sleep 2; rm -rf "$work"; }
}
trap cleanup EXIT
grid=tests/cluster/grid.ron
files=(csv ndjson json txt)

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "$what did not happen in time" >&2; exit 1; }
        sleep 0.05
    done
}
some_points() { [ "$(find "$1/points" -name '*.json' 2>/dev/null | wc -l)" -ge 40 ]; }
kill_one() { # the part of which the command line says so, in the middle of its work
    wait_for 60 "the first points" some_points "$1"
    pkill -KILL --oldest --full "sweep $grid --out $1 $2"
}
same() {
    for ending in "${files[@]}"; do cmp "$work/one/grid.$ending" "$1/grid.$ending"; done
    echo "$2: a killed part included, the same bytes as one machine ($(tail -n 1 "$1/grid.txt"))"
}
incomplete() {
    if poolcast merge "$1" >"$work/said" 2>&1; then echo "a merge of unfinished parts succeeded" >&2; exit 1; fi
    grep -q 'points are missing' "$work/said"
}

poolcast sweep "$grid" --out "$work/one" --quiet >/dev/null

# GNU parallel.
poolcast sweep "$grid" --out "$work/parallel" --shards 4 --plan parallel >"$work/parallel.sh"
sh "$work/parallel.sh" >/dev/null 2>&1 &
started=$!
kill_one "$work/parallel" "--shard 2/4"
if wait "$started"; then echo "parallel does not tell that a part was killed" >&2; exit 1; fi
incomplete "$work/parallel"
sh "$work/parallel.sh" >/dev/null
same "$work/parallel" "GNU parallel"

# Slurm.
node=$(hostname -s)
mkdir -p "$work"/slurm/{state,spool}
chmod 755 "$work" "$work/slurm"
dd if=/dev/urandom of="$work/slurm/key" bs=1024 count=1 status=none
chmod 600 "$work/slurm/key"
munged --foreground --force --key-file="$work/slurm/key" --socket="$work/slurm/munge" --pid-file="$work/slurm/munged.pid" \
    --log-file="$work/slurm/munged.log" --seed-file="$work/slurm/seed" &
daemons+=($!)
wait_for 20 "munge" test -S "$work/slurm/munge"
cat >"$work/slurm/slurm.conf" <<EOF
ClusterName=poolcast
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/slurm/munge
CryptoType=crypto/munge
StateSaveLocation=$work/slurm/state
SlurmdSpoolDir=$work/slurm/spool
SlurmctldPidFile=$work/slurm/slurmctld.pid
SlurmdPidFile=$work/slurm/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
ReturnToService=2
MpiDefault=none
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$node Default=YES OverSubscribe=FORCE:4
EOF
export SLURM_CONF="$work/slurm/slurm.conf"
slurmctld -D -i >"$work/slurm/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D >"$work/slurm/slurmd.log" 2>&1 &
daemons+=($!)
is_up() { [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ]; }
is_done() { [ -z "$(squeue --noheader 2>/dev/null)" ]; }
wait_for 60 "a node that is idle" is_up || { tail "$work"/slurm/*.log >&2; exit 1; }
poolcast sweep "$grid" --out "$work/slurm/results" --shards 4 --plan slurm >"$work/slurm/start.sh"
job=$(sbatch --parsable --output="$work/slurm/job-%a.log" "$work/slurm/start.sh")
wait_for 60 "the first points" some_points "$work/slurm/results"
scancel --signal=KILL --full "${job}_0"
wait_for 300 "the end of the array" is_done
incomplete "$work/slurm/results"
sbatch --wait --quiet --array=0 --output="$work/slurm/again.log" "$work/slurm/start.sh"
poolcast merge "$work/slurm/results" --out "$work/slurm/results" >/dev/null
same "$work/slurm/results" "Slurm"
