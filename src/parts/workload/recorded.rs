//! Reads recorded requests from CSV: when each came, and what each asked of the database.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::kernel::time::{SimTime, Span};

/// Recorded requests in the order of their arrival; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    at: Vec<SimTime>,
    /// The demands of all requests, one request after the other; nothing if the file has no such columns.
    demands: Option<Demands>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Demands {
    spans: Vec<Span>,
    /// Where each request's demands end.
    ends: Vec<usize>,
}

/// Which column is what.
struct Columns {
    at: usize,
    /// In the order of the statements.
    queries: Vec<usize>,
}

impl Recorded {
    /// Reads CSV; the error begins with the line, made to follow the file's name.
    pub(super) fn parse(text: &str) -> Result<Recorded, String> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
        let columns = Columns::find(reader.headers().map_err(|error| format!(": {error}"))?)?;
        let mut recorded = Recorded { at: Vec::new(), demands: (!columns.queries.is_empty()).then(Demands::default) };
        for row in reader.records() {
            let row = row.map_err(|error| format!(": {error}"))?;
            recorded.add(&row, &columns).map_err(|why| format!(", line {}: {why}", line_of(&row, text)))?;
        }
        if recorded.at.is_empty() {
            return Err(" holds no requests: expected a row for each under the heading, at least one".to_owned());
        }
        Ok(recorded)
    }

    pub(super) fn count(&self) -> usize {
        self.at.len()
    }

    pub(super) fn at(&self, number: usize) -> Option<SimTime> {
        self.at.get(number).copied()
    }

    pub(super) fn last(&self) -> SimTime {
        *self.at.last().expect("there is at least one request")
    }

    pub(super) fn demands(&self, number: usize) -> Option<&[Span]> {
        let Demands { spans, ends } = self.demands.as_ref()?;
        let start = if number == 0 { 0 } else { ends[number - 1] };
        spans.get(start..*ends.get(number)?)
    }

    fn add(&mut self, row: &StringRecord, columns: &Columns) -> Result<(), String> {
        let at = row.get(columns.at).unwrap_or_default();
        let time = SimTime::ZERO + parse_seconds(at).ok_or_else(|| format!("at is a number of seconds such as 12.5, found \"{at}\""))?;
        if self.at.is_empty() && time > LATEST_FIRST {
            return Err(format!(
                "at counts from the start of the run, but the first is {at} s: subtract the time at which recording began"
            ));
        }
        if self.at.last().is_some_and(|last| time < *last) {
            let last = self.last().seconds();
            return Err(format!("{at} s lies before {last} s in the row above: the rows must be in the order of at"));
        }
        if row.len() > columns.queries.len() + 1 {
            return Err(format!("{} values, but the heading names {} columns", row.len(), columns.queries.len() + 1));
        }
        self.at.push(time);
        self.demands.as_mut().map_or(Ok(()), |demands| demands.add(row, &columns.queries))
    }
}

impl Demands {
    /// A request may have fewer known demands than there are columns: those at the end are left empty then.
    fn add(&mut self, row: &StringRecord, queries: &[usize]) -> Result<(), String> {
        let cell = |column: &usize| row.get(*column).unwrap_or_default();
        let filled = queries.iter().rposition(|column| !cell(column).is_empty()).map_or(0, |last| last + 1);
        for (i, column) in queries[..filled].iter().enumerate() {
            let text = cell(column);
            let demand = parse_seconds(text).ok_or_else(|| {
                format!("query{} is a number of seconds such as 0.004, or empty together with all after it, found \"{text}\"", i + 1)
            })?;
            self.spans.push(demand);
        }
        self.ends.push(self.spans.len());
        Ok(())
    }
}

impl Columns {
    fn find(heading: &StringRecord) -> Result<Columns, String> {
        let expected = "expected a heading with the columns at and, if they are known, query1, query2 …";
        let place = |name: &str| heading.iter().position(|column| column == name);
        let at = place("at").ok_or_else(|| format!(" has no column at: {expected}"))?;
        let queries: Vec<usize> = (1..).map_while(|i| place(&format!("query{i}"))).collect();
        let unknown = |i: &usize| *i != at && !queries.contains(i);
        match (0..heading.len()).find(unknown) {
            Some(i) => Err(format!(" has a column \"{}\": {expected}, each once and none left out", &heading[i])),
            None => Ok(Columns { at, queries }),
        }
    }
}

/// Thirty years: a first arrival after that is a calendar time, counted from 1970.
const LATEST_FIRST: SimTime = SimTime::from_nanos(946_080_000_000_000_000);

/// The line of a row, from 1. The reader gives the place where it began to look for the row: before empty lines and comments.
fn line_of(row: &StringRecord, text: &str) -> u64 {
    let from = row.position().expect("a row that was read has a position");
    let passed_over = text[from.byte() as usize..].lines().take_while(|line| line.is_empty() || line.starts_with('#'));
    from.line() + passed_over.count() as u64
}

/// Reads a number of seconds; plain decimals exactly, with the tenth digit after the point rounded half up.
fn parse_seconds(text: &str) -> Option<Span> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole) || !is_plain(fraction) {
        let seconds: f64 = text.parse().ok()?;
        return (0.0..=Span::MAX.seconds()).contains(&seconds).then(|| Span::from_seconds(seconds));
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digit = |i: usize| fraction.as_bytes().get(i).map_or(0, |byte| u64::from(byte - b'0'));
    let below = (0..9).fold(0, |ns, i| ns * 10 + digit(i)) + u64::from(digit(9) >= 5);
    whole.checked_mul(1_000_000_000)?.checked_add(below).filter(|ns| *ns <= Span::MAX.nanos()).map(Span::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<u64> {
        parse_seconds(text).map(Span::nanos)
    }

    fn refused(text: &str) -> String {
        Recorded::parse(text).expect_err("should be refused")
    }

    #[test]
    fn seconds_are_read_exactly() {
        let cases = [
            ("0", 0),
            ("12", 12_000_000_000),
            (".5", 500_000_000),
            ("7.", 7_000_000_000),
            ("0.000000001", 1),
            ("123456789.123456789", 123_456_789_123_456_789),
            ("0.0000000014", 1),
            ("0.0000000015", 2),
            ("0.9999999999", 1_000_000_000),
            ("1.5e-05", 15_000),
            ("2E1", 20_000_000_000),
        ];
        for (text, ns) in cases {
            assert_eq!(nanos(text), Some(ns), "{text}");
        }
        for text in ["", ".", "-1", "1,5", "nan", "inf", "1e300", "99999999999", "99999999999999999999", "5ms", "1.2.3"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn rows_give_times_and_demands_by_number() {
        let text = "\u{feff}# recorded in June\nquery1, at, query2\n0.004, 0.5, 0.001\n\n0.002, 0.5,\n, 1.25\n";
        let recorded = Recorded::parse(text).expect("right");
        assert_eq!(
            (0..4).map(|i| recorded.at(i).map(SimTime::nanos)).collect::<Vec<_>>(),
            [Some(500_000_000), Some(500_000_000), Some(1_250_000_000), None]
        );
        assert_eq!(recorded.demands(0), Some(&[Span::from_millis(4), Span::from_millis(1)][..]));
        assert_eq!(recorded.demands(1), Some(&[Span::from_millis(2)][..]));
        assert_eq!(recorded.demands(2), Some(&[][..]));
        assert_eq!(recorded.demands(3), None);
        assert_eq!(Recorded::parse("at\n1\n").expect("right").demands(0), None);
    }

    #[test]
    fn a_wrong_row_is_refused_with_its_line_and_the_remedy() {
        assert_eq!(refused("at\n1\n# a pause\n\nsoon\n"), ", line 5: at is a number of seconds such as 12.5, found \"soon\"");
        assert!(refused("at\r\n1\r\n2\r\n\r\nsoon\r\n").starts_with(", line 5:"));
        assert!(refused("at\nsoon").starts_with(", line 2:"));
        assert_eq!(refused("at\n2\n1.5\n"), ", line 3: 1.5 s lies before 2 s in the row above: the rows must be in the order of at");
        assert!(refused("at,query1,query2\n1,,0.5\n").starts_with(", line 2: query1 is a number of seconds such as 0.004"));
        assert!(refused("at,query1\n1,fast\n").ends_with("found \"fast\""));
        assert_eq!(refused("at,query1\n1,2,3\n"), ", line 2: 3 values, but the heading names 2 columns");
        assert!(refused("at\n1790000000.5\n").contains("subtract the time at which recording began"));
    }

    #[test]
    fn a_wrong_heading_is_refused_with_the_remedy() {
        for text in ["", "1.5\n2.5\n", "time\n1\n", "at,query2\n1,2\n", "at,user\n1,2\n", "at,at\n1,2\n", "at,query1,query1\n1,2,3\n"] {
            assert!(refused(text).contains("expected a heading with the columns at and"), "{text}");
        }
        assert!(refused("at\n").contains("holds no requests"));
    }
}
