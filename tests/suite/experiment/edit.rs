//! A changed experiment as a file: values in their places, everything around them kept, and the same system read back.

use poolcast::Experiment;
use poolcast::answers::knobs::knobs;

fn read(text: &str) -> Experiment {
    Experiment::parse(text, "test.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}"))
}

fn edited(text: &str, scenario: Option<&str>, values: &[(&str, &str)]) -> String {
    let values: Vec<(String, String)> = values.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    read(text).edited(scenario, &values, &|_| None).unwrap_or_else(|problem| panic!("{problem}"))
}

const FILE: &str = r#"// Which one?
Experiment(
    question: "Which?", /* (a comment) */
    from: ["database/postgres-15-loopback"],
    system: System(
        workload: [Stream(name: "api", arrivals: Poisson(rate: 100), steps: [Session([
            Query(LogNormal(mean: "4ms", cv: 1.0)), // the long one
            Transaction([Query(Constant("2ms"))]),
        ])])],
        apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5))],
        proxy: PgBouncer(pool_mode: Session),
    ),
    scenarios: {
        "plain": Scenario(),
        "set": Scenario(set: [("apps.api.pool.pool_size", 7)]),
        "laid": Scenario(system: (proxy: Direct), ),
    },
    duration: "10s", seed: 1,
)
"#;

/// The file with this scenario alone.
fn only(scenario: Option<&str>) -> String {
    let names = ["plain", "set", "laid"].iter().filter(|name| Some(**name) != scenario).map(|name| format!("\"{name}\": "));
    let names: Vec<String> = names.collect();
    let lines = FILE.lines().filter(|line| !names.iter().any(|name| line.trim_start().starts_with(name)));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_value_is_replaced_where_it_stands_and_nothing_else_is_touched() {
    let cases = [
        (Some("plain"), "apps.api.pool.pool_size", "9", "pool_size: 5", "pool_size: 9"),
        (Some("set"), "apps.api.pool.pool_size", "9", "pool_size\", 7", "pool_size\", 9"),
        (Some("plain"), "workload.api.arrivals.rate", "250.5", "rate: 100", "rate: 250.5"),
        (Some("plain"), "workload.api.steps.0.0.mean", "\"8ms\"", "mean: \"4ms\"", "mean: \"8ms\""),
        (Some("plain"), "workload.api.steps.0.1.0.Constant", "\"3ms\"", "Constant(\"2ms\")", "Constant(\"3ms\")"),
        (Some("plain"), "proxy.pool_mode", "Transaction", "pool_mode: Session", "pool_mode: Transaction"),
    ];
    for (scenario, path, value, before, after) in cases {
        let file = only(scenario);
        assert_eq!(edited(&file, scenario, &[(path, value)]), file.replace(before, after), "{path}");
    }
}

#[test]
fn what_scenarios_share_becomes_a_change_of_the_one_that_is_meant() {
    let own = "\"plain\": Scenario(set: [(\"apps.api.pool.pool_size\", 9)])";
    assert_eq!(edited(FILE, Some("plain"), &[("apps.api.pool.pool_size", "9")]), FILE.replace("\"plain\": Scenario()", own));
    assert_eq!(edited(FILE, Some("set"), &[("apps.api.pool.pool_size", "9")]), FILE.replace("size\", 7", "size\", 9"));
    let laid = "(proxy: Direct), set: [(\"apps.api.pool.max_overflow\", 3)], ";
    assert_eq!(edited(FILE, Some("laid"), &[("apps.api.pool.max_overflow", "3")]), FILE.replace("(proxy: Direct), ", laid));
    // What is varied lies on top of every scenario.
    let varied = FILE.replace("duration:", "vary: [(\"apps.api.workers\", [2, 4])],\n    duration:");
    assert_eq!(edited(&varied, Some("plain"), &[("apps.api.workers", "3")]), varied.replace("[2, 4]", "[3, 4]"));
}

#[test]
fn a_value_that_was_left_out_goes_where_it_belongs() {
    let cases = [
        (Some("plain"), "apps.api.pool.max_overflow", "3", "pool_size: 5", "pool_size: 5, max_overflow: 3"),
        (Some("laid"), "apps.api.workers", "2", "SqlAlchemy(pool_size: 5))", "SqlAlchemy(pool_size: 5), workers: 2)"),
        // What belongs to a model that the file names cannot be changed there.
        (
            Some("plain"),
            "database.service.cores",
            "8",
            "\"plain\": Scenario()",
            "\"plain\": Scenario(set: [(\"database.service.cores\", 8)])",
        ),
        (Some("set"), "database.max_connections", "50", "size\", 7)]", "size\", 7), (\"database.max_connections\", 50)]"),
        (
            Some("laid"),
            "database.max_connections",
            "50",
            "(proxy: Direct), ",
            "(proxy: Direct), set: [(\"database.max_connections\", 50)], ",
        ),
    ];
    for (scenario, path, value, before, after) in cases {
        let file = only(scenario);
        assert_eq!(edited(&file, scenario, &[(path, value)]), file.replace(before, after), "{path}");
    }
    let alone = FILE.replace("\n    scenarios: {", "\n    /*").replace("\n    },\n    duration", "*/ duration");
    let both = edited(&alone, None, &[("database.service.cores", "8"), ("database.max_connections", "50")]);
    let set = "scenarios: {\"changed\": Scenario(set: [(\"database.service.cores\", 8), (\"database.max_connections\", 50)])}";
    assert!(both.contains(set), "{both}");
}

#[test]
fn every_knob_of_every_experiment_can_be_moved_and_saved_and_gives_that_system() {
    let mut moved = 0;
    for path in crate::tidy::experiments() {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let beside = |file: &str| std::fs::read_to_string(path.with_file_name(file)).ok();
        let experiment = Experiment::parse(&text, "test.ron", &beside).unwrap_or_else(|problem| panic!("{problem}"));
        let scenario = experiment.scenarios.last().map(|scenario| scenario.name.as_str());
        let plan = experiment.alone(scenario).plan(&[], None, None).expect("it is a plan");
        for knob in knobs(&plan.points[0].blueprint) {
            // A little more, where that is a number.
            let text = match knob.text.parse::<f64>() {
                Ok(number) => (number + 1.0).to_string(),
                Err(_) if knob.text.starts_with('"') => "\"7ms\"".to_owned(),
                Err(_) => "Statement".to_owned(),
            };
            let values = [(knob.path.clone(), text)];
            // What cannot be (statement mode with transactions) is refused in both ways.
            let Ok(wanted) = experiment.alone(scenario).plan(&values, None, None) else { continue };
            let text = experiment.edited(scenario, &values, &beside).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
            let read = Experiment::parse(&text, "test.ron", &beside).unwrap_or_else(|problem| panic!("{problem}"));
            let scenario = scenario.or_else(|| read.scenarios.first().map(|scenario| scenario.name.as_str()));
            let found = read.alone(scenario).plan(&[], None, None).expect("it is a plan");
            assert_eq!(found.points[0].blueprint, wanted.points[0].blueprint, "{}: {}", path.display(), knob.path);
            assert_ne!(found.points[0].blueprint, plan.points[0].blueprint, "{}: {}", path.display(), knob.path);
            moved += 1;
        }
    }
    assert!(moved > 60, "{moved} knobs were moved");
}
