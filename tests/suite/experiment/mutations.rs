//! Whatever is done to an experiment's text, it is read or refused with a place; nothing panics.

use poolcast::experiment::Experiment;
use poolcast::experiment::tokens::tokens;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{MOVEHUB, POOL_SIZE, RESTART};

/// One change to a text.
#[derive(Clone, Debug)]
pub enum Mutation {
    /// This character in the place of one.
    Replace(usize, char),
    /// One character more.
    Insert(usize, char),
    /// Characters taken out.
    Cut(usize, usize),
    /// One line taken out.
    CutLine(usize),
    /// One line put elsewhere again.
    CopyLine(usize, usize),
    /// One token in the place of another.
    SwapToken(usize, usize),
    /// One token taken out.
    CutToken(usize),
    /// A word that means something in the place of a token.
    Word(usize, usize),
    /// Nothing after here.
    End(usize),
}

const WORDS: [&str; 28] = [
    "None",
    "Some",
    "inf",
    "-inf",
    "NaN",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "-9223372036854775808",
    "0.5",
    "\"\"",
    "\"0s\"",
    "\"300000d\"",
    "\"é\\u{1F600}\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "/*",
    "r#\"",
    "'",
    "\\",
    "#![enable(implicit_some)]",
    "5..=50",
    "\u{feff}",
];

pub fn mutation() -> impl Strategy<Value = Mutation> {
    let place = 0..10_000_usize;
    let character = prop_oneof![any::<char>(), proptest::sample::select("()[]{}:,\"'\\/*#-.0159aeN_ \n".chars().collect::<Vec<_>>())];
    prop_oneof![
        (place.clone(), character.clone()).prop_map(|(at, c)| Mutation::Replace(at, c)),
        (place.clone(), character).prop_map(|(at, c)| Mutation::Insert(at, c)),
        (place.clone(), 1..40_usize).prop_map(|(at, length)| Mutation::Cut(at, length)),
        place.clone().prop_map(Mutation::CutLine),
        (place.clone(), place.clone()).prop_map(|(from, to)| Mutation::CopyLine(from, to)),
        (place.clone(), place.clone()).prop_map(|(from, to)| Mutation::SwapToken(from, to)),
        place.clone().prop_map(Mutation::CutToken),
        (place.clone(), 0..WORDS.len()).prop_map(|(at, word)| Mutation::Word(at, word)),
        place.prop_map(Mutation::End),
    ]
}

pub fn mutated(text: &str, mutation: &Mutation) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.lines().collect();
    let all = tokens(text);
    if characters.is_empty() || lines.is_empty() || all.is_empty() {
        return "(".to_owned();
    }
    let token = |at: usize| all[at % all.len()].span.clone();
    let put = |at: usize, new: &str| format!("{}{new}{}", &text[..token(at).start], &text[token(at).end..]);
    let (length, height) = (characters.len(), lines.len());
    match mutation {
        Mutation::Replace(at, c) => characters[at % length] = *c,
        Mutation::Insert(at, c) => characters.insert(at % length, *c),
        Mutation::Cut(at, size) => drop(characters.drain(at % length..(at % length + size).min(length))),
        Mutation::End(at) => characters.truncate(at % length),
        Mutation::CutLine(at) => {
            lines.remove(at % height);
            return lines.join("\n");
        }
        Mutation::CopyLine(from, to) => {
            lines.insert(to % height, lines[from % height]);
            return lines.join("\n");
        }
        Mutation::SwapToken(from, to) => return put(*to, &text[token(*from)]),
        Mutation::CutToken(at) => return put(*at, ""),
        Mutation::Word(at, word) => return put(*at, WORDS[*word]),
    }
    characters.into_iter().collect()
}

fn try_all(text: &str, json: bool) {
    let file = if json { "test.json" } else { "test.ron" };
    let planned = Experiment::parse(text, file, &|_| None).and_then(|experiment| {
        let set = [("apps.api.pool.pool_size".to_owned(), "7".to_owned())];
        experiment.plan(&[], None, None).and(experiment.plan(&set, None, Some(2)))
    });
    if let Err(problem) = planned {
        assert!(!problem.to_string().is_empty());
        assert!(problem.render(true).contains("error"));
    }
}

/// How many cases of a search: as many as `POOLCAST_FUZZ_CASES` says, or these.
pub fn cases(usual: u32) -> u32 {
    std::env::var("POOLCAST_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// As many cases as `POOLCAST_FUZZ_CASES` says; each is one of the three files after one to four mutations.
#[test]
fn a_mutated_experiment_is_read_or_refused_and_nothing_panics() {
    let cases = cases(3000);
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let strategy = (0..3_usize, proptest::collection::vec(mutation(), 1..5));
    let outcome = runner.run(&strategy, |(file, mutations)| {
        let text = [MOVEHUB, POOL_SIZE, RESTART][file].to_owned();
        let text = mutations.iter().fold(text, |text, mutation| mutated(&text, mutation));
        try_all(&text, false);
        try_all(&text, true);
        Ok(())
    });
    outcome.unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn a_text_nested_beyond_measure_is_refused() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{\"a\":", "}"), ("Some(", ")"), ("/*", "*/")] {
        let nested = format!("{}1{}", open.repeat(5_000), close.repeat(5_000));
        try_all(&nested, false);
        try_all(&nested, true);
        for field in ["question", "vary", "warmup", "from", "system"] {
            try_all(&format!("Experiment({field}: {nested})"), false);
        }
        let experiment = Experiment::parse(POOL_SIZE, "test.ron", &|_| None).expect("the file is right");
        experiment.plan(&[("proxy".to_owned(), nested)], None, None).expect_err("it is no proxy");
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_and_nothing_panics(text in any::<String>(), path in any::<String>(), value in any::<String>()) {
        try_all(&text, false);
        let experiment = Experiment::parse(POOL_SIZE, "test.ron", &|_| None).expect("the file is right");
        for path in [path.as_str(), "apps.api.pool.pool_size", "proxy", "workload", "workload.api", "database", "apps.api.name"] {
            if let Err(problem) = experiment.plan(&[(path.to_owned(), value.clone())], None, None) {
                prop_assert!(!problem.to_string().is_empty());
            }
        }
    }

    #[test]
    fn the_places_of_tokens_are_in_order_and_cut_no_character(text in any::<String>()) {
        let mut last = 0;
        for token in tokens(&text) {
            prop_assert!(token.span.start >= last && token.span.end > token.span.start);
            prop_assert!(text.get(token.span.clone()).is_some());
            last = token.span.end;
        }
    }
}
