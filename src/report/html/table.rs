//! A table of the page, and the cells in it.

use std::io::{self, Write};

use crate::evidence::{Text, Time};
use crate::report::plain::html;

/// A name from a log or a file; one that may run from right to left is kept apart from the text around it.
pub(super) fn name(bytes: &[u8]) -> String {
    let text = html(bytes);
    if text.is_ascii() {
        return text;
    }
    format!("<bdi>{text}</bdi>")
}

pub(super) fn account(account: Option<&Text>) -> String {
    account.map_or_else(
        || "<span class=\"soft\">(not logged)</span>".to_owned(),
        |text| name(text),
    )
}

/// A column: its head, and what its cells hold.
pub(super) type Column = (&'static str, Cells);

/// What the cells of a column hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cells {
    /// Words and names, which may take several lines.
    Text,
    /// One word.
    Short,
    Number,
    /// A place in a file, which may take several lines and be cut anywhere.
    Place,
}

impl Cells {
    const fn class(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Short => " class=\"short\"",
            Self::Number => " class=\"number\"",
            Self::Place => " class=\"place\"",
        }
    }
}

/// A table that the script makes sortable. Caption and cells are HTML; a column in which nothing stands is left out.
pub(super) fn write_table(
    out: &mut dyn Write,
    caption: &str,
    columns: &[Column],
    rows: Vec<Vec<String>>,
) -> io::Result<()> {
    let shown: Vec<usize> = (0..columns.len())
        .filter(|&column| rows.iter().any(|row| row[column] != NOTHING))
        .collect();
    writeln!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" style=\"--rows:{}\"><table class=\"sortable\">\n<caption>{caption}</caption>\n<thead><tr>",
        rows.len()
    )?;
    for &column in &shown {
        let (head, cells) = columns[column];
        write!(out, "<th scope=\"col\"{}>{head}</th>", cells.class())?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for row in rows {
        write!(out, "<tr>")?;
        for &column in &shown {
            write!(out, "<td{}>{}</td>", columns[column].1.class(), row[column])?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")
}

/// What stands in a cell that has nothing to say.
pub(super) const NOTHING: &str = "-";

pub(super) fn time(time: Option<Time>) -> String {
    time.map_or_else(|| NOTHING.to_owned(), |time| time.to_string())
}

pub(super) fn accounts_in_words(number: usize) -> String {
    crate::report::check::count(number, "account")
}
