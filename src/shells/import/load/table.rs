//! Tables as consoles and exports print them: CSV, or columns between bars.

/// A table: names of columns in lower case, and rows with the line on which each stands, from 1.
pub struct Table {
    pub names: Vec<String>,
    pub rows: Vec<(usize, Vec<String>)>,
}

impl Table {
    /// Reads a table whose header has a column of this name; nothing if there is none.
    pub fn read(text: &str, column: &str) -> Option<Table> {
        let text = text.trim_start_matches('\u{feff}');
        if text.lines().any(|line| line.contains('|') && bars(line).iter().any(|cell| cell == column)) {
            return Table::of_bars(text, column);
        }
        let delimiter = if text.lines().next().is_some_and(|line| line.contains('\t')) { b'\t' } else { b',' };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
        let names: Vec<String> = reader.headers().ok()?.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        names.iter().any(|name| name == column).then_some(())?;
        let rows = reader.records().filter_map(Result::ok).map(|record| {
            let line = record.position().map_or(1, |position| position.line() as usize);
            (line, record.iter().map(|cell| cell.trim().to_owned()).collect())
        });
        Some(Table { rows: rows.collect(), names })
    }

    /// The cell of a row under this name.
    pub fn cell<'a>(&self, row: &'a [String], name: &str) -> Option<&'a str> {
        let index = self.names.iter().position(|known| known == name)?;
        row.get(index).map(String::as_str).filter(|cell| !cell.is_empty())
    }

    /// The same as a number that is 0 or more.
    pub fn number(&self, row: &[String], names: &[&str]) -> Option<f64> {
        let cell = names.iter().find_map(|name| self.cell(row, name))?;
        cell.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
    }

    /// The columns of psql: `a | b`, a rule below the header, a count of rows at the end.
    fn of_bars(text: &str, column: &str) -> Option<Table> {
        let mut lines = text.lines().enumerate();
        let names = lines.find_map(|(_, line)| Some(bars(line)).filter(|names| names.iter().any(|name| name == column)))?;
        let rows = lines.filter(|(_, line)| line.contains('|')).map(|(index, line)| (index + 1, bars(line)));
        let rows = rows.filter(|(_, row)| row.len() == names.len() && *row != names).collect();
        Some(Table { names, rows })
    }
}

fn bars(line: &str) -> Vec<String> {
    line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}
