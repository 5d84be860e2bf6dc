//! An access log as CSV: when requests came.

use super::table::Table;
use super::{Load, rounded};
use crate::experiment::diagnose::Source;
use crate::shells::import::found::Found;

/// Names of the column with the time.
const TIMES: [&str; 11] =
    ["at", "time", "timestamp", "ts", "time_iso8601", "time_local", "date", "datetime", "msec", "@timestamp", "start"];

/// What the log says: requests a second, and how much more there are in the busiest minute.
pub fn read(name: &str, text: &str) -> Result<Load, String> {
    let wanted =
        || format!("{name} needs a header with a column {} or \"{}\"", TIMES[..TIMES.len() - 1].join(", "), TIMES[TIMES.len() - 1]);
    let (table, column) = TIMES.iter().find_map(|column| Some((Table::read(text, column)?, column))).ok_or_else(wanted)?;
    let times = table.rows.iter().filter_map(|(_, row)| instant(table.cell(row, column)?));
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Err(format!("{name} has no times that can be read")) };
    let took = last - first;
    if took <= 0.0 {
        return Err(format!("all requests of {name} came in one instant: no rate can be said"));
    }
    let rate = (times.len() - 1) as f64 / took;
    let busiest = busiest(&times, 60.0);
    let found = Found::new(&Source::new(name, text.lines().next().unwrap_or_default()), 0..0, "access log", "");
    let mut decided = Vec::new();
    if took > 120.0 && busiest > 1.2 * rate {
        decided.push(format!(
            "{name} has {}/s on average but {}/s in its busiest minute: --set workload.requests.arrivals.rate={} asks about that",
            rounded(rate),
            rounded(busiest),
            rounded(busiest)
        ));
    }
    let unread = table.rows.len() - times.len();
    if unread > 0 {
        decided.push(format!("{unread} rows of {name} have no time that can be read and are left out"));
    }
    Ok(Load { rate: Some((rounded(rate), found)), decided, ..Load::default() })
}

/// The most requests a second over any window of so many seconds.
fn busiest(times: &[f64], window: f64) -> f64 {
    let mut from = 0;
    let mut most = 0;
    for (to, time) in times.iter().enumerate() {
        while time - times[from] > window {
            from += 1;
        }
        most = most.max(to - from + 1);
    }
    most as f64 / window
}

/// Seconds since 1970, of a number of seconds or milliseconds, or of ISO 8601, or of `10/Oct/2000:13:55:36 -0700`.
fn instant(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        let seconds = if number > 1e11 { number / 1e3 } else { number };
        return (number.is_finite() && number >= 0.0).then_some(seconds);
    }
    let numbers =
        |text: &str, separator: &[char]| -> Option<Vec<f64>> { text.split(separator).map(|part| part.trim().parse().ok()).collect() };
    let (day, rest) = match text.trim_start_matches('[').split_once(['T', ' ', ':'])? {
        (day, rest) if day.contains('/') => (named_day(day)?, rest),
        (day, rest) => match numbers(day, &['-'])?.as_slice() {
            [year, month, day] => (days(*year as i64, *month as i64, *day as i64)?, rest),
            _ => return None,
        },
    };
    let end = rest.find(['Z', '+', '-', ' ', ']']).unwrap_or(rest.len());
    let clock = numbers(&rest[..end], &[':'])?;
    let [hours, minutes, seconds] = clock.as_slice() else { return None };
    Some(day as f64 * 86_400.0 + hours * 3600.0 + minutes * 60.0 + seconds - zone(&rest[end..]))
}

/// `+02:00` or `-0700` in seconds.
fn zone(text: &str) -> f64 {
    let text = text.trim().trim_end_matches(']');
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let digits: String = text.chars().filter(char::is_ascii_digit).take(4).collect();
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<f64>().ok()).unwrap_or(0.0);
    sign * (part(0, 2) * 3600.0 + part(2, 4) * 60.0)
}

fn named_day(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = text.split('/').collect();
    let [day, month, year] = parts.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| name == month)? as i64 + 1;
    days(year.parse().ok()?, month, day.parse().ok()?)
}

/// Days since 1970 of a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that the odd day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_logs_write_them() {
        let same = [
            "971211336",
            "971211336000",
            "2000-10-10T13:55:36-07:00",
            "2000-10-10 20:55:36Z",
            "[10/Oct/2000:13:55:36 -0700]",
            "2000-10-10T20:55:36.0",
        ];
        for text in same {
            assert_eq!(instant(text), Some(971_211_336.0), "{text}");
        }
        for text in ["", "yesterday", "2000-13-10T00:00:00", "2000-10-10", "10/Okt/2000:13:55:36", "-5", "NaN"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_log_gives_its_rate_and_its_busiest_minute() {
        let quiet = (0..600).map(|second| format!("{second},200\n"));
        let busy = (0..600).map(|tenth| format!("{}.{},200\n", 300 + tenth / 10, tenth % 10));
        let log: String = std::iter::once("timestamp,status\n".to_owned()).chain(quiet).chain(busy).collect();
        let load = read("log.csv", &log).expect("it is one");
        let rate = load.rate.expect("a rate").0;
        assert!((rate - 2.0).abs() < 0.01, "{rate}");
        assert!(load.decided[0].contains("in its busiest minute"), "{:?}", load.decided);
        assert!(read("log.csv", "status\n200\n").expect_err("no time").contains("timestamp"));
    }
}
