//! One peer at one model for a number of requests: prints requests, nanoseconds of processor time, and the mean wait.
//!
//! These are bare queues: no database, no network, no statistics but the sum of all waits, a fast generator and samplers. What
//! a peer has to do for a request is less than poolcast does, so a ratio of one flatters the peer.

mod on_desque;
mod on_simcore;
mod queue;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [peer, model, requests] = words.as_slice() else { panic!("peer, model and number of requests, as run.sh says them") };
    let model = queue::model(model);
    let requests: u64 = requests.parse().expect("a number of requests");
    let begun = processor_time();
    let waited = match peer.as_str() {
        "desque" => on_desque::run(model, requests),
        "simcore" => on_simcore::run(model, requests),
        peer => panic!("{peer} is neither desque nor simcore"),
    };
    let nanos = processor_time() - begun;
    let mean_wait = waited.as_secs_f64() / requests as f64;
    model.check(mean_wait);
    println!("{requests} {nanos} {mean_wait:.9}");
}

/// Nanoseconds that this process has had a processor.
fn processor_time() -> u64 {
    let told = std::fs::read_to_string("/proc/self/schedstat").expect("Linux says how long a process has run");
    told.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).expect("a number of nanoseconds")
}
