# Sourced by the comparisons, which begin with three lines of what they are for: reads --schedules into $schedules, which
# stays what it was if it is not given, and --seed into $seed, else from the clock.
usage() { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
seed=$(date +%s)
while [ $# -gt 1 ]; do
    case $1 in
        --schedules) schedules=$2 ;;
        --seed) seed=$2 ;;
        *) usage ;;
    esac
    shift 2
done
[ $# = 0 ] || usage
