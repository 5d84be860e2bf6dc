//! The house is kept: floors, words that belong to one room, heads and sizes of files, what lies at the top.

use std::path::{Path, PathBuf};

use poolcast::experiment::Experiment;
use poolcast::kernel::rng::Seed;
use poolcast::simulation::model::Model;

use source::{Source, all_sources, files, functions, has, root, sources, without_tests};

mod source;

/// The floors, from the ground up. `main.rs` and `lib.rs` stand on top of all.
const FLOORS: [&str; 8] = ["kernel", "protocol", "parts", "simulation", "measure", "experiment", "answers", "shells"];

/// Files of one family of parts; families do not know each other. A client's arrivals are its own business.
const FAMILIES: [&[&str]; 6] = [&["client", "workload"], &["worker"], &["pool"], &["proxy"], &["database"], &["fault"]];

/// Macros that the kernel defines; Rust puts them at the crate's root.
const KERNEL_MACROS: [&str; 3] = ["copied", "ids", "kinds"];

/// Words that only some rooms may use, outside of tests: (words, up to which floor they are banned, where they are at home, why).
const WORDS: &[(&[&str], &str, &[&str], &str)] = &[
    (&["std::fs", "File::open", "File::create"], "shells", &["src/shells/files"], "files are read and written in shells/files"),
    (
        &["std::net", "TcpStream", "TcpListener", "UdpSocket", "UnixStream", "Command::new"],
        "shells",
        &["src/shells/live", "src/shells/serve"],
        "sockets and processes belong to shells/live and shells/serve",
    ),
    (
        &["std::time", "Instant::", "SystemTime"],
        "shells",
        &["src/shells/live", "src/shells/serve", "src/shells/cli/progress.rs"],
        "the wall clock belongs to shells/live, shells/serve and the progress bar",
    ),
    (&["rayon"], "shells", &["src/answers/runner"], "replications are spread over threads in answers/runner"),
    (&["std::thread", "thread::", "std::env"], "answers", &[], "threads and the environment belong to the shells"),
    (&["println!", "print!", "eprintln!", "eprint!", "dbg!"], "shells", &["src/shells/cli", "src/main.rs"], "shells/cli and main print"),
    (&["HashMap", "HashSet"], "answers", &[], "their order is another in each run: a Vec, a Table or a BTreeMap"),
    (
        &[
            ".ln()",
            ".ln_1p()",
            ".log(",
            ".log2()",
            ".log10()",
            ".exp()",
            ".exp2()",
            ".exp_m1()",
            ".powf(",
            ".powi(",
            ".sin()",
            ".cos()",
            ".tan()",
            ".sinh()",
            ".cosh()",
            ".tanh()",
            ".cbrt()",
            ".hypot(",
            ".atan(",
            ".atan2(",
            ".mul_add(",
            "f64::ln",
            "f64::exp",
            "f64::powf",
            "f64::powi",
        ],
        "answers",
        &[],
        "they differ from platform to platform: libm has them",
    ),
    // deadpool calls its own type so.
    (&["Manager", "Handler", "Helper"], "shells", &["src/shells/live/drivers/rust/deadpool"], "a word from the glossary says more"),
];

const LONGEST_FILE: usize = 450;
const LONGEST_FUNCTION: usize = 70;

#[test]
fn a_floor_imports_only_floors_below_it() {
    let mut wrong = Vec::new();
    for file in sources("src") {
        let Some(mine) = file.floor() else { continue };
        for import in file.imports() {
            let floor = if KERNEL_MACROS.contains(&import[0].as_str()) { "kernel" } else { import[0].as_str() };
            match FLOORS.iter().position(|known| *known == floor) {
                Some(theirs) if theirs <= mine => {}
                Some(_) => wrong.push(format!("{}: {} lies above {}", file.name, import.join("::"), FLOORS[mine])),
                None => wrong.push(format!("{}: {} is on no floor", file.name, import.join("::"))),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_parts_do_not_know_each_other() {
    let family = |name: &str| FAMILIES.iter().position(|family| family.contains(&name));
    let mut wrong = Vec::new();
    for file in sources("src").iter().filter(|file| file.name.starts_with("src/parts/")) {
        let room = file.module()[1].clone();
        let mine = family(&room).unwrap_or_else(|| panic!("{}: {room} belongs to no family of parts", file.name));
        for import in file.imports().iter().filter(|import| import[0] == "parts" && import.len() > 1) {
            if family(&import[1]) != Some(mine) {
                wrong.push(format!("{}: {} is another part", file.name, import.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_stay_in_the_rooms_where_they_are_at_home() {
    let files = sources("src");
    let tests: Vec<PathBuf> = files.iter().flat_map(Source::test_files).collect();
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| !tests.iter().any(|test| Path::new(&file.name).starts_with(test))) {
        let code = without_tests(&file.code);
        for (words, up_to, homes, why) in WORDS {
            let top = FLOORS.iter().position(|floor| floor == up_to).expect("it is a floor");
            if homes.iter().any(|home| file.name.starts_with(home)) || file.floor().is_none_or(|floor| floor > top) {
                continue;
            }
            for (number, line) in code.lines().enumerate() {
                wrong
                    .extend(words.iter().filter(|word| has(line, word)).map(|word| format!("{}:{}: {word}: {why}", file.name, number + 1)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    for file in all_sources() {
        let first = file.text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! ") && first.len() > 12, "{} begins with: {first}", file.name);
        assert!(!file.name.ends_with("/mod.rs"), "{}: a signpost stands beside its folder", file.name);
    }
}

#[test]
fn files_and_functions_can_be_taken_in() {
    let mut wrong = Vec::new();
    for file in all_sources() {
        let lines = file.text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{} has {lines} lines, more than {LONGEST_FILE}", file.name));
        }
        for (name, line, length) in functions(&file.code) {
            if length > LONGEST_FUNCTION {
                wrong.push(format!("{}:{line}: fn {name} has {length} lines, more than {LONGEST_FUNCTION}", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    for file in all_sources() {
        for word in ["todo!", "unimplemented!", "#[ignore", "thread::sleep"] {
            let tells_people = word == "thread::sleep" && file.name == "src/shells/cli/progress.rs";
            assert!(tells_people || !file.code.contains(word), "{} says {word}", file.name);
        }
        for word in [concat!("FIX", "ME"), concat!("XX", "X")] {
            assert!(!file.text.contains(word), "{} says {word}", file.name);
        }
    }
}

#[test]
fn the_top_shows_what_there_is_and_nothing_else() {
    let expected =
        ["CHANGELOG.md", "Cargo.lock", "Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "experiments", "models", "src", "tests"];
    let entries = std::fs::read_dir(root()).expect("it can be listed");
    let mut found: Vec<String> = entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect();
    found.retain(|name| !name.starts_with('.') && name != "target");
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn every_model_says_first_where_its_numbers_come_from() {
    let sources = ["measured", "AWS", "SQLAlchemy", "PgBouncer", "guide", "AMD", "assum", "typical", "chosen", "public"];
    for path in files(&root().join("models"), "ron") {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
        let head = head.join("\n");
        assert!(head.len() > 40, "{} begins with: {head}", path.display());
        assert!(sources.iter().any(|source| head.contains(source)), "{} names no source: {head}", path.display());
    }
}

/// The experiments that come with poolcast.
pub fn experiments() -> Vec<PathBuf> {
    files(&root().join("experiments"), "ron")
}

#[test]
fn every_experiment_asks_a_question_and_its_systems_can_be_built() {
    for path in experiments() {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("// "), "{name} begins with: {first}");
        let beside = |file: &str| std::fs::read_to_string(path.with_file_name(file)).ok();
        let experiment = Experiment::parse(&text, &name, &beside).unwrap_or_else(|problem| panic!("{problem}"));
        assert!(experiment.question.ends_with('?'), "{name} asks: {}", experiment.question);
        let mut plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"));
        plan.load(&beside).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        for point in &plan.points {
            Model::new(&point.blueprint, &Seed::new(plan.seed, 0)).unwrap_or_else(|invalid| panic!("{name}: {invalid}"));
        }
    }
}

#[test]
fn the_readme_names_the_commands_that_are_run() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    for command in ["cargo run --release -- run experiments/movehub.ron", "tests/all.sh"] {
        assert!(readme.lines().any(|line| line.trim() == command), "README.md has no line that is just: {command}");
    }
}
