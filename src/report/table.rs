//! A table of text whose columns line up on a screen, whatever script its cells are in.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// Rows of cells under a head.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns of numbers, which stand at the right.
    right: Vec<usize>,
}

impl Table {
    /// A table with these column heads; the columns in `right` hold numbers.
    pub fn new(head: &[&str], right: &[usize]) -> Self {
        Self {
            rows: vec![head.iter().map(ToString::to_string).collect()],
            right: right.to_vec(),
        }
    }

    /// Adds a row; its cells are already harmless text.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether there is no row below the head.
    pub const fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// Writes the table, each line after `indent`.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, out: &mut dyn Write, indent: &str) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.width()).max().unwrap_or(0)
            })
            .collect();
        for row in &self.rows {
            let mut line = indent.to_owned();
            for (column, cell) in row.iter().enumerate() {
                let space = " ".repeat(widths[column].saturating_sub(cell.width()));
                if column > 0 {
                    line.push_str("  ");
                }
                if self.right.contains(&column) {
                    line.push_str(&space);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&space);
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_combining_characters_do_not_break_a_column() {
        let mut table = Table::new(&["account", "n"], &[1]);
        table.row(vec!["アリス".to_owned(), "1".to_owned()]);
        table.row(vec!["e\u{301}va".to_owned(), "10".to_owned()]);
        let mut out = Vec::new();
        table
            .write(&mut out, " ")
            .expect("a vector takes every byte");
        assert_eq!(
            String::from_utf8(out).expect("all cells are text"),
            " account   n\n アリス    1\n e\u{301}va      10\n"
        );
    }
}
