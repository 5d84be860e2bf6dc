//! The report: one HTML file that needs nothing else, and whose every word and picture comes from one [document](data).
//!
//! # For whoever draws it again
//!
//! The page holds three things: [`STYLE`], [`SCRIPT`] (uPlot, then `charts.js`, `validation.js`, `report.js`) and the document as JSON in
//! `<script id="data" type="application/json">`. The script draws that document into `<main id="report">` when it is
//! loaded. Where there is no `#data`, it draws nothing until somebody calls
//!
//! ```js
//! draw(data, baseline)   // both are documents like the one in #data; baseline may be null
//! ```
//!
//! as often as wanted: everything in `#report` is replaced, the reader's choice of a system is kept. With a baseline its
//! points come first, under their names with "before". [`Data::json`](data::Data::json) writes a document,
//! [`page`] lays out a page around any content with the policy that only these styles and scripts may run.

use sha2::{Digest, Sha256};

use crate::answers::report::html::data::{Data, PointData};
use crate::answers::words::{percent, seconds};

pub mod data;
pub mod film;
pub mod grid;
pub mod points;
pub mod validation;
pub mod verdict;

/// All styles of the page.
pub const STYLE: &str = concat!(include_str!("html/uplot/uPlot.min.css"), "\n", include_str!("html/style.css"));
/// All scripts of the page.
pub const SCRIPT: &str = concat!(
    include_str!("html/uplot/uPlot.iife.min.js"),
    "\n",
    include_str!("html/charts.js"),
    "\n",
    include_str!("html/validation.js"),
    "\n",
    include_str!("html/report.js")
);

/// A report as it stands in its file.
pub fn render(data: &Data) -> String {
    let content = format!(
        "<main id=\"report\"></main>\n<noscript><div class=\"plain-report\">{}</div></noscript>\n\
         <script id=\"data\" type=\"application/json\">{}</script>",
        without_script(data),
        data.json()
    );
    page(&data.question, &content, "", &[SCRIPT], "")
}

/// A page of this content in [`STYLE`] and then `style`, whose scripts run in their order. Nothing else may run, and nothing
/// is fetched, but for what `allowed` adds to the policy (`connect-src 'self'`).
pub fn page(title: &str, content: &str, style: &str, scripts: &[&str], allowed: &str) -> String {
    let styles = [STYLE, style].concat();
    let hashes: String = scripts.iter().map(|script| format!(" 'sha256-{}'", sha256(script))).collect();
    let style = sha256(&styles);
    let policy =
        format!("default-src 'none'; script-src{hashes}; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; {allowed}");
    let scripts: String = scripts.iter().map(|script| format!("<script>{script}</script>\n")).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} · poolcast</title>\n<style>{styles}</style>\n</head>\n<body>\n{content}\n{scripts}</body>\n</html>\n",
        policy.trim_end_matches([' ', ';']),
        escaped(title),
    )
}

/// Text as it stands in a page.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

/// The verdict, the figures and the file, for readers whose browser runs no scripts.
fn without_script(data: &Data) -> String {
    let more: String = data.verdict.more.iter().map(|text| format!("<p>{}</p>", escaped(text))).collect();
    let table = match &data.validation {
        None => plain_table(["", "p50", "p99", "errors", "objectives"], data.points.iter().map(row)),
        Some(validation) => plain_table(["", "live", "simulated", "margin", "verdict"], validation.rows().into_iter()),
    };
    format!(
        "<h1>{}</h1><p>{}</p><p><strong>{}</strong></p>{more}{table}<p>The charts are drawn by a script.</p>\
         <p>The same again: <code>{}</code></p><pre>{}</pre>",
        escaped(&data.question),
        escaped(&data.about),
        escaped(&data.verdict.sentence),
        escaped(&data.reproduce),
        escaped(&data.experiment.text),
    )
}

fn plain_table(heads: [&str; 5], rows: impl Iterator<Item = [String; 5]>) -> String {
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let row = |cells: [String; 5]| {
        let rest: String = cells[1..].iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        format!("<tr><th>{}</th>{rest}</tr>", escaped(&cells[0]))
    };
    format!("<table><thead><tr>{heads}</tr></thead><tbody>{}</tbody></table>", rows.map(row).collect::<String>())
}

fn row(point: &PointData) -> [String; 5] {
    let figure = |path: &str| point.figures.get(path).copied().flatten();
    let time = |path: &str| figure(path).map_or_else(|| "–".to_owned(), seconds);
    let objectives: Vec<String> =
        point.objectives.iter().map(|met| format!("{} {}", if met.met { "✓" } else { "✗" }, met.objective)).collect();
    [
        point.name.clone(),
        time("latency.p50"),
        time("latency.p99"),
        figure("requests.error_rate").map_or_else(|| "–".to_owned(), percent),
        objectives.join(", "),
    ]
}

/// As a policy writes it: in base64.
fn sha256(text: &str) -> String {
    base64(&Sha256::digest(text.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().chain([&0; 3]).take(3).fold(0, |word, byte| word << 8 | u32::from(*byte));
        let letters =
            (0..4).map(|place| if place > three.len() { '=' } else { char::from(LETTERS[(word >> (18 - 6 * place) & 63) as usize]) });
        out.extend(letters);
    }
    out
}

#[cfg(test)]
mod tests;
