//! A table of text whose columns line up on a screen, whatever script its cells are in.
//!
//! On a screen that is too narrow for a row, cells are cut into several lines, and what matters less stands below its
//! row. In a file or a pipe a row is one line.

use std::io::{self, Write};

use super::cell::Kind;
use super::screen::{Screen, Tone, columns, cut};

pub use super::cell::{Cell, Column};

/// Two columns are as far apart.
const GAP: usize = 2;

/// A column is not made narrower than this for the sake of others.
const LEAST: usize = 20;

/// Rows of cells under a head.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// Which columns stand beside each other, each with its width; the others stand below.
struct Layout(Vec<(usize, usize)>);

impl Table {
    /// A table with these columns; where none has a head, there is no line for them.
    pub const fn new(columns: Vec<Column>) -> Self {
        let rows = Vec::new();
        Self { columns, rows }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Whether there is no row below the head.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, each line after `indent`.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, out: &mut dyn Write, screen: &Screen, indent: usize) -> io::Result<()> {
        self.write_with(out, screen, indent, |_, _| Ok(()))
    }

    /// Writes the table, and below each row what `more` has to say about the one of that number.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_with(
        &self,
        out: &mut dyn Write,
        screen: &Screen,
        indent: usize,
        mut more: impl FnMut(&mut dyn Write, usize) -> io::Result<()>,
    ) -> io::Result<()> {
        let room = screen.width.map(|width| width.saturating_sub(indent));
        let layout = self.layout(room);
        let heads = self.columns.iter();
        let heads: Vec<Cell> = heads
            .map(|column| Cell::toned(column.head, Tone::Heading))
            .collect();
        if self.columns.iter().any(|column| !column.head.is_empty()) {
            self.write_row(out, screen, indent, &layout, &heads)?;
        }
        let (same, below) = self.below(&layout);
        for column in same {
            let head = self.columns[column].head.to_lowercase();
            let cell = self.rows.first().and_then(|row| row.get(column));
            let shown = cell.map_or_else(String::new, |cell| cell.shown(screen, &cell.text));
            screen.line(out, indent + 4, &format!("{head} (all rows): {shown}"))?;
        }
        for (number, row) in self.rows.iter().enumerate() {
            self.write_row(out, screen, indent, &layout, row)?;
            self.write_below(out, screen, indent, &below, row)?;
            more(out, number)?;
        }
        Ok(())
    }

    fn write_row(
        &self,
        out: &mut dyn Write,
        screen: &Screen,
        indent: usize,
        layout: &Layout,
        row: &[Cell],
    ) -> io::Result<()> {
        let empty = Cell::default();
        let cells: Vec<(usize, &Cell, Vec<String>, bool)> = layout
            .0
            .iter()
            .map(|&(column, width)| {
                let cell = row.get(column).unwrap_or(&empty);
                let lines = match columns(&cell.text) > width {
                    true => cut(&cell.text, width),
                    false => vec![cell.text.clone()],
                };
                let right = self.columns[column].kind == Kind::Number;
                (width, cell, lines, right)
            })
            .collect();
        let height = cells.iter().map(|(_, _, lines, _)| lines.len()).max();
        for at in 0..height.unwrap_or(0) {
            let mut line = String::new();
            // Blanks are put down when something follows, so that no line ends in any.
            let mut blanks = indent;
            for (width, cell, lines, right) in &cells {
                let text = lines.get(at).map_or("", String::as_str);
                let free = width.saturating_sub(columns(text));
                if *right {
                    blanks += free;
                }
                if !text.is_empty() {
                    line.push_str(&" ".repeat(blanks));
                    line.push_str(&cell.shown(screen, text));
                    blanks = 0;
                }
                blanks += GAP;
                if !*right {
                    blanks += free;
                }
            }
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    /// The columns that have no room: those that say the same in every row, which is said once, and the others.
    fn below(&self, layout: &Layout) -> (Vec<usize>, Vec<usize>) {
        let is_beside = |column: &usize| layout.0.iter().any(|(one, _)| one == column);
        (0..self.columns.len())
            .filter(|column| !is_beside(column))
            .partition(|&column| {
                let mut texts = self.rows.iter().map(|row| text(row, column));
                let first = texts.next().unwrap_or_default();
                self.rows.len() > 1
                    && is_said(first)
                    && !self.columns[column].head.is_empty()
                    && texts.all(|text| text == first)
            })
    }

    /// Writes what has no room beside its row: `name: host.example.org, why: uses TLS already`.
    fn write_below(
        &self,
        out: &mut dyn Write,
        screen: &Screen,
        indent: usize,
        below: &[usize],
        row: &[Cell],
    ) -> io::Result<()> {
        let below: Vec<String> = below
            .iter()
            .filter_map(|&column| Some((&self.columns[column], row.get(column)?)))
            .filter(|(_, cell)| is_said(&cell.text))
            .map(|(column, cell)| {
                let shown = cell.shown(screen, &cell.text);
                match column.head {
                    "" => shown,
                    head => format!("{}: {shown}", head.to_lowercase()),
                }
            })
            .collect();
        if below.is_empty() {
            return Ok(());
        }
        screen.line(out, indent + 4, &below.join(", "))
    }

    /// How wide each column would like to be.
    fn wishes(&self) -> Vec<usize> {
        let wish = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(|cell| columns(&cell.text)).max().unwrap_or(0);
            widest.max(columns(column.head))
        };
        self.columns.iter().enumerate().map(wish).collect()
    }

    /// What has room: asides go first, the last one before the others, then everything but the first column.
    fn layout(&self, room: Option<usize>) -> Layout {
        let wishes = self.wishes();
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let Some(room) = room else {
            return Layout(all.into_iter().zip(wishes).collect());
        };
        let mut beside = all.clone();
        let (asides, others): (Vec<usize>, Vec<usize>) = all
            .iter()
            .skip(1)
            .rev()
            .partition(|&&column| self.columns[column].kind == Kind::Aside);
        let mut leaving = asides.into_iter().chain(others);
        while self.fit(&beside, &wishes, room).is_none() {
            let Some(column) = leaving.next() else { break };
            beside.retain(|one| *one != column);
        }
        // Behind a wide one that had to go there may be room for a narrow one.
        let (asides, names): (Vec<usize>, Vec<usize>) = all
            .into_iter()
            .partition(|&column| self.columns[column].kind == Kind::Aside);
        for column in names.into_iter().chain(asides) {
            let mut more = beside.clone();
            more.push(column);
            more.sort_unstable();
            if !beside.contains(&column) && self.fit(&more, &wishes, room).is_some() {
                beside = more;
            }
        }
        let widths = self.fit(&beside, &wishes, room);
        Layout(widths.unwrap_or_else(|| vec![(0, room.max(1))]))
    }

    /// The columns with their widths, if they have room beside each other.
    fn fit(&self, beside: &[usize], wishes: &[usize], room: usize) -> Option<Vec<(usize, usize)>> {
        let room = room.checked_sub(GAP * beside.len().saturating_sub(1))?;
        let least = |column: usize| match self.columns[column].kind {
            Kind::Number | Kind::Time => wishes[column],
            Kind::Name | Kind::Aside => wishes[column].min(LEAST),
        };
        let widths = |most: usize| {
            let width =
                move |&column: &usize| (column, wishes[column].min(most).max(least(column)));
            beside.iter().map(width).collect::<Vec<_>>()
        };
        let total = |most: usize| widths(most).iter().map(|(_, width)| width).sum::<usize>();
        // The widest columns give way, all to the same width.
        let widest = wishes.iter().copied().max().unwrap_or(0).min(room);
        let most = (LEAST.min(widest)..=widest)
            .rev()
            .find(|&most| total(most) <= room)?;
        Some(widths(most))
    }
}

fn text(row: &[Cell], column: usize) -> &str {
    row.get(column).map_or("", |cell| &cell.text)
}

/// Whether a cell says anything.
fn is_said(text: &str) -> bool {
    !text.is_empty() && text != "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(table: &Table, width: Option<usize>) -> String {
        let screen = Screen {
            width,
            ..Screen::default()
        };
        let mut out = Vec::new();
        table
            .write(&mut out, &screen, 1)
            .expect("a vector takes every byte");
        String::from_utf8(out).expect("all cells are text")
    }

    #[test]
    fn no_script_breaks_a_column() {
        let mut table = Table::new(vec![Column::name("account"), Column::number("n")]);
        for (account, n) in [
            ("アリス", "1"),
            ("e\u{301}va", "10"),
            ("خالد", "2"),
            ("นิสิต", "3"),
            ("👍", "4"),
        ] {
            table.row(vec![account.into(), n.into()]);
        }
        let wanted = " account   n\n アリス    1\n e\u{301}va      10\n خالد      2\n นิสิต       3\n 👍        4\n";
        assert_eq!(shown(&table, None), wanted);
        assert_eq!(shown(&table, Some(80)), wanted);
    }

    fn wide() -> Table {
        let mut table = Table::new(vec![
            Column::name("ACCOUNT"),
            Column::aside("NAME"),
            Column::number("LOGINS"),
            Column::aside("WHY"),
        ]);
        table.row(vec![
            "anna".into(),
            "laptop-of-anna.example.org".into(),
            "7".into(),
            "logs in without TLS".into(),
        ]);
        table.row(vec!["ben".into(), "-".into(), "12".into(), "-".into()]);
        table
    }

    #[test]
    fn what_has_room_stands_in_columns() {
        let wanted = " ACCOUNT  NAME                        LOGINS  WHY\n \
                      anna     laptop-of-anna.example.org       7  logs in without TLS\n \
                      ben      -                               12  -\n";
        assert_eq!(shown(&wide(), None), wanted);
        assert_eq!(shown(&wide(), Some(80)), wanted);
    }

    #[test]
    fn what_has_no_room_and_is_the_same_in_every_row_is_said_once() {
        let mut table = wide();
        table.rows[1][3] = "logs in without TLS".into();
        assert_eq!(
            shown(&table, Some(38)),
            " ACCOUNT  NAME                  LOGINS\n     \
                  why (all rows): logs in without\n       \
                    TLS\n \
              anna     laptop-of-anna.            7\n          \
                       example.org\n \
              ben      -                         12\n"
        );
    }

    #[test]
    fn long_names_are_cut_before_anything_goes_below() {
        assert_eq!(
            shown(&wide(), Some(59)),
            " ACCOUNT  NAME                  LOGINS  WHY\n \
              anna     laptop-of-anna.            7  logs in without TLS\n          \
                       example.org\n \
              ben      -                         12  -\n"
        );
    }

    #[test]
    fn a_time_is_not_cut() {
        let mut table = Table::new(vec![
            Column::name("ACCOUNT"),
            Column::aside("NAME"),
            Column::time("LAST"),
        ]);
        let cells = [
            "anna",
            "laptop-of-anna.example.org",
            "2026-10-29T07:00:01+01:00",
        ];
        table.row(cells.map(Cell::from).to_vec());
        assert_eq!(
            shown(&table, Some(60)),
            " ACCOUNT  NAME                     LAST\n anna     laptop-of-anna.example.  2026-10-29T07:00:01+01:00\n          org\n"
        );
        assert_eq!(
            shown(&table, Some(40)),
            " ACCOUNT  LAST\n anna     2026-10-29T07:00:01+01:00\n     name: laptop-of-anna.example.org\n"
        );
    }

    #[test]
    fn what_has_no_room_stands_below() {
        assert_eq!(
            shown(&wide(), Some(38)),
            " ACCOUNT  NAME                  LOGINS\n \
              anna     laptop-of-anna.            7\n          \
                       example.org\n     \
                  why: logs in without TLS\n \
              ben      -                         12\n"
        );
        assert_eq!(
            shown(&wide(), Some(20)),
            " ACCOUNT  LOGINS\n \
              anna          7\n     \
                  name:\n       \
                    laptop-of-anna.example.org,\n       \
                    why: logs in\n       \
                    without TLS\n \
              ben          12\n"
        );
        assert!(shown(&wide(), Some(1)).contains("12"));
    }

    #[test]
    fn colours_and_links_do_not_move_a_column() {
        let mut table = Table::new(vec![Column::name("A"), Column::name("B")]);
        table.row(vec![
            Cell::toned("no", Tone::Bad),
            Cell::linked("f", Some("file://mx/f".to_owned())),
        ]);
        let screen = Screen {
            width: Some(40),
            coloured: true,
            links: Some("mx".to_owned()),
        };
        let mut out = Vec::new();
        table
            .write(&mut out, &screen, 0)
            .expect("a vector takes every byte");
        let text = String::from_utf8(out).expect("all cells are text");
        let plain = anstyle_free(&text);
        assert_eq!(plain, "A   B\nno  f\n");
    }

    /// The text without its escape sequences.
    fn anstyle_free(text: &str) -> String {
        let sequences = regex::Regex::new("\u{1b}(\\[[0-9;]*m|\\]8;;[^\u{1b}]*\u{1b}\\\\)");
        let sequences = sequences.expect("the expression is compiled in");
        sequences.replace_all(text, "").into_owned()
    }
}
