//! What a page promises whatever stands in it.

use super::*;
use crate::answers::report::html::data::{File, Tone, Verdict};

fn page_about(text: &str) -> (Data, String) {
    let data = Data {
        command: "run",
        poolcast: "0",
        question: text.to_owned(),
        about: text.to_owned(),
        digest: String::new(),
        reproduce: text.to_owned(),
        verdict: Verdict { tone: Tone::Open, sentence: text.to_owned(), more: vec![text.to_owned()] },
        points: Vec::new(),
        comparisons: None,
        size: None,
        grid: None,
        validation: None,
        is_part: false,
        experiment: File { name: text.to_owned(), text: text.to_owned() },
    };
    let page = render(&data);
    (data, page)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let from = text.find(before).expect("it is there") + before.len();
    &text[from..from + text[from..].find(after).expect("it ends")]
}

#[test]
fn hashes_are_as_a_browser_computes_them() {
    assert_eq!(sha256(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(sha256("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    assert_eq!((base64(b"a").as_str(), base64(b"ab").as_str()), ("YQ==", "YWI="));
}

#[test]
fn uplot_is_the_published_one() {
    let hash = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let script = hash(include_bytes!("uplot/uPlot.iife.min.js"));
    assert_eq!(script, "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f");
    let style = hash(include_bytes!("uplot/uPlot.min.css"));
    assert_eq!(style, "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04");
    assert!(include_str!("uplot/LICENSE").contains("MIT License"));
}

#[test]
fn only_what_the_page_brings_may_run_and_nothing_is_fetched() {
    let (_, page) = page_about("Which?");
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\">");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let script = page.rfind("<script>").expect("there is a script") + "<script>".len();
    let script = &page[script..page.rfind("</script>").expect("it ends")];
    assert!(policy.contains(&sha256(script)), "the script is let run");
    assert!(policy.contains(&sha256(between(&page, "<style>", "</style>"))), "the styles are let apply");
    // Names and a comment, which nobody fetches.
    let names = ["http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot (v1.6.32)"];
    let urls = page.match_indices("http").filter(|(at, _)| page[*at..].starts_with("http://") || page[*at..].starts_with("https://"));
    for (at, _) in urls {
        assert!(names.iter().any(|name| page[at..].starts_with(name)), "{}", &page[at..at + 60]);
    }
    assert!(!page.contains("@import") && !page.contains("url(") && !page.contains(" src=") && !page.contains("<link"));
}

#[test]
fn a_page_without_data_is_small() {
    let (_, page) = page_about("Which?");
    assert!(page.len() < 150_000, "{} bytes", page.len());
}

#[test]
fn what_stands_in_a_file_never_becomes_part_of_the_page() {
    let evil = "</script><script>alert(1)</script><img src=x onerror=\"a\"> & 'quoted' \u{2028}";
    let (data, page) = page_about(evil);
    assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (2, 0));
    let json = between(&page, "type=\"application/json\">", "</script>");
    assert!(!json.contains('<') && !json.contains('&'));
    let read: serde_json::Value = serde_json::from_str(json).expect("it is JSON");
    assert_eq!(read["experiment"]["text"], data.experiment.text.as_str(), "the data is what it was");
    assert!(page.contains("&lt;/script&gt;"), "the plain page has it as text");
}
