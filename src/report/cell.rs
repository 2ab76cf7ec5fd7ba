//! A cell of a table, and the column that it stands in.

use super::screen::{Screen, Tone};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers, which stand at the right and are not cut.
    Number,
    /// Times, which are not cut either.
    Time,
    /// What a row is known by.
    Name,
    /// What may stand below the row.
    Aside,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub(super) head: &'static str,
    pub(super) kind: Kind,
}

impl Column {
    /// A column that tells what a row is about.
    pub const fn name(head: &'static str) -> Self {
        let kind = Kind::Name;
        Self { head, kind }
    }

    /// A column of numbers.
    pub const fn number(head: &'static str) -> Self {
        let kind = Kind::Number;
        Self { head, kind }
    }

    /// A column of times.
    pub const fn time(head: &'static str) -> Self {
        let kind = Kind::Time;
        Self { head, kind }
    }

    /// A column that stands below the row where there is no room beside it.
    pub const fn aside(head: &'static str) -> Self {
        let kind = Kind::Aside;
        Self { head, kind }
    }
}

/// Text in a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    pub(super) text: String,
    tone: Tone,
    address: Option<String>,
}

impl Cell {
    /// A cell in the colour of its tone; the text is harmless already.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
            address: None,
        }
    }

    /// A cell that leads to an address, if there is one.
    pub fn linked(text: impl Into<String>, address: Option<String>) -> Self {
        Self {
            text: text.into(),
            tone: Tone::Neutral,
            address,
        }
    }

    /// Some of its text as the screen shows it.
    pub(super) fn shown(&self, screen: &Screen, text: &str) -> String {
        let text = screen.paint(self.tone, text);
        screen.link(self.address.as_deref(), &text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::toned(text, Tone::Neutral)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::toned(text, Tone::Neutral)
    }
}
