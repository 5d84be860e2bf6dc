//! Lines for a terminal: colours, wrapping, columns, and a curve of one line.

use anstyle::{AnsiColor, Style};

/// Widest line that is wrapped to, unless a terminal is known to be wider.
pub const WIDTH: usize = 80;
/// No line is wider, however wide the terminal: eyes lose their way back.
const WIDEST: usize = 160;
/// Width of a label at the start of a line, with what stands before it.
pub const LABEL: usize = 11;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How something is to look on a terminal. What is said is never said by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// To be looked at.
    Key,
}

/// What is written on: so many columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    columns: usize,
}

impl Sheet {
    /// Where nothing is known of the reader's terminal.
    pub const USUAL: Sheet = Sheet { columns: WIDTH };

    /// A terminal of so many columns.
    pub fn of(columns: usize) -> Sheet {
        Sheet { columns: columns.clamp(WIDTH, WIDEST) }
    }

    /// How many columns it has.
    pub fn columns(self) -> usize {
        self.columns
    }

    /// Columns beyond the usual ones.
    pub fn more(self) -> usize {
        self.columns - WIDTH
    }

    /// A label and a text beside it, wrapped.
    pub fn labelled(self, label: &str, look: Look, text: &str) -> String {
        let mut out = String::new();
        for (index, line) in wrapped(text, self.columns - LABEL).into_iter().enumerate() {
            let head = if index == 0 { format!("  {}", paint(look, &left(label, LABEL - 2))) } else { " ".repeat(LABEL) };
            out += &format!("{head}{line}\n");
        }
        out
    }
}

/// `text` with the escapes for `look`; whoever prints it to something other than a terminal takes them out.
pub fn paint(look: Look, text: &str) -> String {
    let style = match look {
        Look::Strong => Style::new().bold(),
        Look::Faint => Style::new().dimmed(),
        Look::Good => AnsiColor::Green.on_default(),
        Look::Bad => AnsiColor::Red.on_default().bold(),
        Look::Key => AnsiColor::Cyan.on_default(),
    };
    format!("{style}{text}{style:#}")
}

/// Columns that plain text takes: one each, for the characters used here.
pub fn width(text: &str) -> usize {
    text.chars().count()
}

/// `text` at the left of `columns`, cut with an ellipsis if it is longer.
pub fn left(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return format!("{text:<columns$}");
    }
    let mut cut: String = text.chars().take(columns.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// A label and a text beside it, wrapped as usual.
pub fn labelled(label: &str, look: Look, text: &str) -> String {
    Sheet::USUAL.labelled(label, look, text)
}

/// Lines of at most `columns`; a word that is longer has a line of its own.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a last line");
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A series as bars from zero to its largest value, averaged into `columns`.
pub fn sparkline(series: &[f64], columns: usize) -> String {
    let columns = columns.min(series.len());
    let mean = |column: usize| {
        let part = &series[column * series.len() / columns..(column + 1) * series.len() / columns];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let means: Vec<f64> = (0..columns).map(mean).collect();
    let top = means.iter().copied().fold(0.0, f64::max);
    let bar = |value: &f64| if top > 0.0 { BARS[((value / top) * 7.0).round() as usize] } else { BARS[0] };
    means.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_of_one_line_goes_from_nothing_to_the_largest() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 40), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[0.0, 0.0, 4.0, 4.0, 8.0, 8.0], 3), "▁▅█");
        assert_eq!(sparkline(&[0.0; 4], 2), "▁▁");
        assert_eq!(sparkline(&[], 40), "");
    }

    #[test]
    fn lines_are_wrapped_at_words_and_long_words_stay_whole() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a extraordinarily b", 4), ["a", "extraordinarily", "b"]);
        let text = labelled("why", Look::Key, &"word ".repeat(40));
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert!(plain.lines().all(|line| width(line) <= WIDTH), "{plain}");
        assert!(plain.starts_with("  why      word") && plain.lines().nth(1).is_some_and(|line| line.starts_with("           word")));
    }

    #[test]
    fn a_wide_terminal_is_used_and_a_narrow_one_gets_the_usual_lines() {
        let text = "word ".repeat(60);
        let widest = |sheet: Sheet| {
            let plain = anstream::adapter::strip_str(&sheet.labelled("why", Look::Key, &text)).to_string();
            plain.lines().map(width).max().unwrap_or(0)
        };
        assert_eq!((Sheet::of(40), Sheet::of(500).columns(), Sheet::of(120).more()), (Sheet::USUAL, 160, 40));
        assert!((76..=80).contains(&widest(Sheet::USUAL)) && (156..=160).contains(&widest(Sheet::of(160))));
    }

    #[test]
    fn what_is_too_long_for_its_column_is_cut_visibly() {
        assert_eq!((left("api", 5), left("reporting", 5)), ("api  ".into(), "repo…".into()));
    }
}
