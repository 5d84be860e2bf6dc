//! Numbers as people read them: few digits, a unit, thousands apart.

/// A time: "0 ms", "0.35 ms", "12.1 ms", "9.8 s", "41 s", "12 min", "2.5 h".
pub fn seconds(value: f64) -> String {
    let (divisor, name) = unit(value);
    format!("{} {name}", digits(value / divisor, name))
}

/// A time and half the length of its interval in the same unit: "61 s ± 2".
pub fn seconds_within(value: f64, interval: [f64; 2]) -> String {
    let (divisor, name) = unit(value);
    let half = 0.5 * (interval[1] - interval[0]).abs() / divisor;
    format!("{} {name} ± {}", digits(value / divisor, name), short(half))
}

/// A span of the run: "5 min", "90 s", "1 h".
pub fn span(value: f64) -> String {
    let whole = |divisor: f64| value >= divisor && value % divisor == 0.0;
    match value {
        v if whole(3600.0) => format!("{} h", v / 3600.0),
        v if whole(60.0) => format!("{} min", v / 60.0),
        v => seconds(v),
    }
}

/// An instant of the counted span, as minutes and seconds: "4:52".
pub fn clock(value: f64) -> String {
    let whole = value as u64;
    if whole < 3600 {
        format!("{}:{:02}", whole / 60, whole % 60)
    } else {
        format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
    }
}

/// A count with its thousands apart: "1 893".
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// An average number of things: "41.0", "3.1", "1 209".
pub fn mean(value: f64) -> String {
    if value.abs() >= 1000.0 { count(value.round() as u64) } else { format!("{value:.1}") }
}

/// A fraction: "34 %", "1.3 %", "0.02 %", "0 %".
pub fn percent(fraction: f64) -> String {
    let value = fraction * 100.0;
    match value {
        v if v == 0.0 || v >= 9.95 => format!("{v:.0} %"),
        v if v >= 0.95 => format!("{v:.1} %"),
        v if v >= 0.001 => format!("{} %", short(v)),
        _ => "< 0.001 %".to_owned(),
    }
}

/// "1 worker", "4 workers".
pub fn plural(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// One or two digits that count, without trailing noise: "2", "0.4", "0.03".
fn short(value: f64) -> String {
    match value {
        v if v >= 10.0 => format!("{v:.0}"),
        v if v >= 0.095 => trimmed(format!("{v:.1}")),
        v if v >= 0.0095 => trimmed(format!("{v:.2}")),
        v => trimmed(format!("{v:.3}")),
    }
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn unit(value: f64) -> (f64, &'static str) {
    match value.abs() {
        v if v < 0.9995 => (1e-3, "ms"),
        v if v < 600.0 => (1.0, "s"),
        v if v < 7200.0 => (60.0, "min"),
        _ => (3600.0, "h"),
    }
}

fn digits(value: f64, unit: &str) -> String {
    match (value.abs(), unit) {
        (v, "ms") if v < 0.0005 => "0".to_owned(),
        (v, "ms") if v < 0.995 => format!("{value:.2}"),
        (v, "ms") if v < 99.95 => format!("{value:.1}"),
        (v, _) if v < 9.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_few_digits_and_the_unit_that_fits() {
        let cases = [
            (0.0, "0 ms"),
            (0.000_000_1, "0 ms"),
            (0.000_35, "0.35 ms"),
            (0.0121, "12.1 ms"),
            (0.5, "500 ms"),
            (0.9996, "1.0 s"),
            (9.81, "9.8 s"),
            (41.2, "41 s"),
            (119.4, "119 s"),
            (720.0, "12 min"),
            (9000.0, "2.5 h"),
        ];
        for (value, text) in cases {
            assert_eq!(seconds(value), text);
        }
        assert_eq!(seconds_within(61.3, [59.0, 63.0]), "61 s ± 2");
        assert_eq!(seconds_within(0.0081, [0.00808, 0.00812]), "8.1 ms ± 0.02");
        assert_eq!((span(300.0), span(90.0), span(3600.0)), ("5 min".into(), "90 s".into(), "1 h".into()));
        assert_eq!((clock(292.7), clock(3725.0)), ("4:52".into(), "1:02:05".into()));
    }

    #[test]
    fn counts_and_fractions_read_at_a_glance() {
        assert_eq!((count(7), count(1893), count(10_123_456)), ("7".into(), "1 893".into(), "10 123 456".into()));
        assert_eq!((mean(41.02), mean(1208.6)), ("41.0".into(), "1 209".into()));
        for (fraction, text) in [
            (0.0, "0 %"),
            (0.34, "34 %"),
            (0.0131, "1.3 %"),
            (0.0002, "0.02 %"),
            (0.001, "0.1 %"),
            (0.000_000_3, "< 0.001 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(fraction), text);
        }
        assert_eq!((plural(1, "worker"), plural(4, "worker")), ("1 worker".into(), "4 workers".into()));
    }
}
