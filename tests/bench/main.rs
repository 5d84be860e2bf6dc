//! `cargo bench`: what an event and a request cost, with the digest beside it. Instructions are counted by valgrind, if it
//! is there. `-- --instructions` does nothing else; `-- m2 guide` runs only these.
//!
//! Each model runs in a process of its own, so that its peak memory is its own. Statistics are on, as in any run.

use std::process::{Command, ExitCode};
use std::sync::LazyLock;
use std::time::Instant;

use poolcast::answers::runner::SLICES;
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::SimTime;
use poolcast::measure::outcome::Counter;
use poolcast::simulation::model::Model;
use poolcast::simulation::run::simulate;

use models::{MODELS, Measured, model};

mod models;

/// The child's half: runs one model for a share of its time and prints what it saw.
const CHILD: &str = "--child";
/// Runs of each model; the fastest counts, since whatever else the machine does can only slow one down.
const REPEAT: usize = 3;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [flag, name, share] = words.as_slice()
        && flag == CHILD
    {
        child(name, share.parse().expect("a share of the model's time"));
        return ExitCode::SUCCESS;
    }
    let (flags, names): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.starts_with('-'));
    let unknown = flags.iter().filter(|flag| **flag != "--instructions").chain(names.iter().filter(|name| model(name).is_none()));
    if let Some(word) = unknown.into_iter().next() {
        eprintln!("{word} is neither --instructions nor one of {}", MODELS.map(|model| model.name).join(", "));
        return ExitCode::from(2);
    }
    let chosen = || MODELS.iter().filter(|model| names.is_empty() || names.iter().any(|name| *name == model.name));
    HEAD.iter().for_each(|line| println!("{line}"));
    for measured in chosen() {
        println!("{}", row(measured, if flags.is_empty() { time(measured) } else { None }, instructions(measured)));
    }
    chosen().for_each(|measured| println!("{:6} {}", measured.name, measured.says));
    ExitCode::SUCCESS
}

const HEAD: [&str; 2] = [
    "        events   ns per     instr.  requests   ns per     instr.",
    "model      M/s    event   an event       M/s  request  a request     MB  digest",
];

/// One line of the table; what was not measured is a dash.
fn row(measured: &Measured, timed: Option<Seen>, instructions: Option<(f64, f64)>) -> String {
    let dash = || "–".to_owned();
    let figure = |of: &dyn Fn(&Seen) -> f64, digits: usize| timed.as_ref().map_or_else(dash, |seen| format!("{:.digits$}", of(seen)));
    let (an_event, a_request) = instructions.map_or_else(|| (dash(), dash()), |(e, r)| (format!("{e:.0}"), format!("{r:.0}")));
    format!(
        "{:6} {:>7} {:>8} {:>10} {:>9} {:>8} {:>10} {:>6}  {}",
        measured.name,
        figure(&|seen| seen.events as f64 / seen.nanos as f64 * 1e3, 1),
        figure(&|seen| seen.nanos as f64 / seen.events as f64, 1),
        an_event,
        figure(&|seen| seen.requests as f64 / seen.nanos as f64 * 1e3, 2),
        figure(&|seen| seen.nanos as f64 / seen.requests as f64, 0),
        a_request,
        figure(&|seen| seen.kilobytes as f64 / 1e3, 1),
        timed.as_ref().map_or_else(dash, |seen| seen.digest.clone()),
    )
}

/// Runs a model and prints: events, requests, nanoseconds, digest.
fn child(name: &str, share: f64) {
    let measured = model(name).expect("the parent knows its models");
    let (mut events, mut requests, mut nanos, mut digest) = (0, 0, 0, 0);
    for blueprint in (measured.blueprints)() {
        let end = SimTime::ZERO + measured.lasts(share);
        let mut model = Model::new(&blueprint, &Seed::new(1, 0)).expect("the blueprint is in order");
        let mut counter = Counter::new(blueprint.workload.len(), blueprint.apps.len(), SimTime::ZERO, end, SLICES);
        let begun = processor_time();
        counter.begin(&mut model);
        let handled = simulate(&mut model, end, &mut counter);
        counter.close(&model.world);
        let outcome = counter.finish(handled);
        nanos += processor_time() - begun;
        events += handled;
        requests += outcome.streams.iter().map(|stream| stream.arrived).sum::<u64>();
        digest ^= outcome.digest;
    }
    println!("{events} {requests} {nanos} {digest:016x} {}", peak_memory());
}

/// Nanoseconds that this process has had a processor, where the system says that; else since it was first asked. A clock on
/// the wall would count what other processes do as well.
fn processor_time() -> u128 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    told.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or_else(|| BEGUN.elapsed().as_nanos())
}

/// Kilobytes that this process held at most, or 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// The fastest of some runs.
fn time(measured: &Measured) -> Option<Seen> {
    let runs: Vec<Seen> = (0..REPEAT).map(|_| Seen::of(Command::new(myself()).args([CHILD, measured.name, "1"]))).collect();
    assert!(runs.iter().all(|seen| seen.digest == runs[0].digest), "the same model gives the same digest");
    runs.into_iter().min_by_key(|seen| seen.nanos)
}

/// Instructions an event and a request, where there is a valgrind: the difference between a short run and a longer one, so
/// that starting and building the model cancel out.
fn instructions(measured: &Measured) -> Option<(f64, f64)> {
    let under = |share: &str| {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(myself()).args([CHILD, measured.name, share]);
        let output = valgrind.output().ok()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let collected = told.lines().find_map(|line| line.split_once("Collected : ")).expect("callgrind says what it collected").1;
        Some((collected.trim().parse::<u64>().expect("a number"), Seen::read(&String::from_utf8_lossy(&output.stdout))))
    };
    let ((few, short), (many, long)) = (under("0.01")?, under("0.05")?);
    let per = |what: u64| (many - few) as f64 / what as f64;
    Some((per(long.events - short.events), per(long.requests - short.requests)))
}

fn myself() -> std::path::PathBuf {
    std::env::current_exe().expect("a running program has a file")
}

/// What a child printed.
struct Seen {
    events: u64,
    requests: u64,
    nanos: u64,
    digest: String,
    kilobytes: u64,
}

impl Seen {
    fn of(command: &mut Command) -> Seen {
        let output = command.output().expect("a child can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Seen::read(&String::from_utf8_lossy(&output.stdout))
    }

    fn read(line: &str) -> Seen {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| words[index].parse().expect("a number");
        Seen { events: number(0), requests: number(1), nanos: number(2), digest: words[3].to_owned(), kilobytes: number(4) }
    }
}
