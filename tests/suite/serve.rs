//! The served page without a browser: who is turned away, what can be asked, what a look shows.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use poolcast::Experiment;
use poolcast::answers::look::{Level, levels, look};
use poolcast::answers::report::html::points::Asked;
use poolcast::answers::runner::{Course, PATIENCE, replicate, replicate_while};
use poolcast::kernel::time::Span;
use serde_json::{Value, json};

const FILE: &str = include_str!("../../experiments/movehub.ron");

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_poolcast"));
        let mut child = command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it is built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is a pipe")).read_line(&mut line).expect("it says where it is");
        let port = line.trim().strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix('/'));
        Server { port: port.unwrap_or_else(|| panic!("{line}")).parse().expect("a port"), child }
    }

    /// Status and body of what `method path` answers.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    fn post(&self, path: &str, question: &Value) -> (u16, String) {
        let headers = format!("Host: 127.0.0.1:{}\r\nContent-Type: application/json\r\n", self.port);
        self.ask("POST", path, &headers, &question.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn only_this_machine_under_its_own_name_is_answered() {
    let server = Server::start();
    let port = server.port;
    let get = |headers: &str| server.ask("GET", "/", headers, "").0;
    assert_eq!(get(&format!("Host: 127.0.0.1:{port}\r\n")), 200);
    assert_eq!(get(&format!("Host: localhost:{port}\r\n")), 200);
    assert_eq!(get(&format!("Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n")), 200);
    for headers in [
        "Host: example.org\r\n".to_owned(),
        format!("Host: example.org:{port}\r\n"),
        "Host: 127.0.0.1\r\n".to_owned(),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: http://example.org\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: null\r\n"),
    ] {
        assert_eq!(get(&headers), 403, "{headers}");
    }
    // A form of another site cannot say that it sends JSON.
    let headers = format!("Host: 127.0.0.1:{port}\r\nContent-Type: text/plain\r\n");
    assert_eq!(server.ask("POST", "/look", &headers, "{}").0, 415);
    assert!(TcpStream::connect(("127.0.0.2", port)).is_err(), "it listens on one address only");
}

#[test]
fn the_page_asks_for_knobs_looks_and_the_changed_file() {
    let server = Server::start();
    let (status, start) = server.ask("GET", "/start", &format!("Host: 127.0.0.1:{}\r\n", server.port), "");
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&start).expect("JSON")["text"], FILE);
    let (status, knobs) = server.post("/knobs", &json!({"name": "a.ron", "text": FILE}));
    assert_eq!(status, 200, "{knobs}");
    let knobs: Value = serde_json::from_str(&knobs).expect("JSON");
    let paths = |scenario: usize| -> Vec<&str> {
        let knobs = knobs["scenarios"][scenario]["knobs"].as_array().expect("a list");
        knobs.iter().map(|knob| knob["path"].as_str().expect("a path")).collect()
    };
    for path in [
        "apps.api.pool.pool_size",
        "apps.api.pool.max_overflow",
        "workload.bookings.arrivals.rate",
        "workload.bookings.steps.1.0.mean",
        "database.service.cores",
    ] {
        assert!(paths(0).contains(&path), "{path} is not among {:?}", paths(0));
    }
    assert!(paths(3).contains(&"proxy.pool_mode") && !paths(0).contains(&"proxy.pool_mode"));
    let values = json!([["apps.api.pool.pool_size", "3"]]);
    let question = json!({"name": "a.ron", "text": FILE, "scenario": "direct", "values": values, "level": 0});
    let (status, seen) = server.post("/look", &question);
    assert_eq!(status, 200, "{seen}");
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    assert_eq!((seen["level"].as_u64(), seen["last"].as_u64()), (Some(0), Some(5)));
    assert_eq!(seen["words"], "a look at the first 4.7 s of 5 min, 1 of 10 replications");
    assert_eq!(seen["data"]["reproduce"], "poolcast run a.ron --scenario direct --set apps.api.pool.pool_size=3");
    assert!(seen["data"]["points"][0]["figures"]["latency.p99"].as_f64().is_some_and(|p99| p99 > 0.0));
    let (status, saved) = server.post("/save", &json!({"name": "a.ron", "text": FILE, "scenario": "direct", "values": values}));
    // Other scenarios stay what they are.
    let own = "(system: (proxy: Direct), set: [(\"apps.api.pool.pool_size\", 3)])";
    assert_eq!((status, saved), (200, FILE.replace("(system: (proxy: Direct))", own)));
    let (status, refused) = server.post("/look", &json!({"name": "a.ron", "text": "Experiment(question: 3)"}));
    assert!(status == 422 && refused.contains("--> a.ron:1:22"), "{status} {refused}");
}

#[test]
fn the_last_look_is_the_whole_experiment_and_the_first_is_quick() {
    let experiment: Experiment = FILE.replace("5min", "16s").replace("warmup: \"30s\"", "warmup: \"2s\"").parse().expect("it is right");
    let plan = experiment.alone(Some("direct")).plan(&[], None, Some(6)).expect("it is a plan");
    let levels = levels(&plan);
    let parts: Vec<(u64, u64)> = levels.iter().map(|level| (level.part, level.replications)).collect();
    assert_eq!(parts, [(64, 1), (16, 1), (4, 1), (1, 1), (1, 4), (1, 6)]);
    let asked = Asked { command: "serve", reproduce: String::new(), source: &experiment.source, file: "a.ron" };
    let at = |level: Level| look(&plan, level, &asked, 2, &|| true).expect("nobody stops it");
    let whole = at(levels[5]);
    let answers = poolcast::answers::runner::run(&plan, &poolcast::answers::runner::RunOptions { jobs: 1, status_every: None }, &|_| {});
    assert_eq!(whole.data.points[0].figures["latency.p99"], answers[0].point.latency.p99);
    assert_eq!(whole.words, "the whole experiment");
    assert_eq!(at(levels[0]).words, "a look at the first 250 ms of 16 s, 1 of 6 replications");
    // What happens at fixed times cannot be cut short.
    let restart: Experiment = include_str!("../../experiments/restart.ron").parse().expect("it is right");
    let levels = poolcast::answers::look::levels(&restart.alone(None).plan(&[], None, None).expect("it is a plan"));
    assert_eq!(levels[0], Level { part: 1, replications: 1 });
}

#[test]
fn a_look_says_what_it_did_not_wait_for_and_what_it_does_not_reach() {
    let plan = |text: &str, scenario: &str| {
        let experiment: Experiment = text.parse().expect("it is right");
        (experiment.alone(Some(scenario)).plan(&[], None, None).expect("it is a plan"), experiment)
    };
    let said = |text: &str, scenario: &str, last: bool| {
        let (plan, experiment) = plan(text, scenario);
        let levels = levels(&plan);
        let level = if last { levels[levels.len() - 1] } else { levels[0] };
        let asked = Asked { command: "serve", reproduce: String::new(), source: &experiment.source, file: "a.ron" };
        let look = look(&plan, level, &asked, 2, &|| true).expect("nobody stops it");
        (look.words, look.data.verdict.more.join(" "), look.data.is_part)
    };
    let starving = FILE.replace("mean: \"4ms\"", "mean: \"40ms\"");
    let (_, more, is_part) = said(&starving, "session, as in the guide", false);
    assert!(is_part && more.contains(" requests had not ended 4.7 s after that, and were followed no further"), "{more}");
    let short = FILE.replace("5min", "2s").replace("warmup: \"30s\"", "warmup: \"0s\"");
    let precise = short.replace("replications: 10", "replications: Precise(relative: 0.02, at_most: 200)");
    let (words, more, is_part) = said(&precise, "direct", true);
    assert_eq!((words.as_str(), is_part), ("32 replications of the whole experiment", false));
    assert!(more.contains("a precision of 2.0 % in up to 200 replications; this page stops after 32"), "{more}");
}

#[test]
fn a_look_that_nobody_waits_for_stops_and_one_that_is_cut_into_pieces_sees_the_same() {
    let experiment: Experiment = FILE.parse().expect("it is right");
    let plan = experiment.alone(Some("transaction")).plan(&[], None, None).expect("it is a plan");
    let blueprint = &plan.points[0].blueprint;
    let course = Course { seed: 1, warmup: Span::from_secs(2), duration: Span::from_secs(10) };
    let pieces = std::sync::atomic::AtomicU32::new(0);
    let go_on = |most: u32| {
        pieces.store(0, std::sync::atomic::Ordering::Relaxed);
        replicate_while(blueprint, course, course.duration + PATIENCE, 3, &|| {
            pieces.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < most
        })
    };
    let whole = replicate(blueprint, course, 3);
    let cut = go_on(u32::MAX).expect("nobody stops it");
    assert_eq!((cut.digest, cut.events, cut.windows.len()), (whole.digest, whole.events, whole.windows.len()));
    assert!(go_on(5).is_none() && pieces.load(std::sync::atomic::Ordering::Relaxed) == 6, "it stops at once");
}
