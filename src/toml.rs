//! TOML read strictly: every key is known, every word is one of a closed list, every complaint has a place.
//!
//! `rule` reads its files with it, `project` reads plainsight.toml.

use std::fmt;
use std::ops::Range;

use jiff::civil::Date;
use toml_edit::{Document, InlineTable, Item, Table, TableLike, Value};

use crate::source::{Lines, Position};
use crate::spelling;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TomlError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for TomlError {}

/// The text being read and the complaints so far.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    lines: Lines,
    /// What is wrong, in the order in which it was looked at.
    pub errors: Vec<TomlError>,
}

impl<'a> Reader<'a> {
    /// Parses a text; the reader then looks at what is in it.
    ///
    /// # Errors
    /// The place where it stops being TOML.
    pub fn parse(text: &'a str) -> Result<(Self, Document<&'a str>), Vec<TomlError>> {
        let mut reader = Self {
            text,
            lines: Lines::of(text.as_bytes()),
            errors: Vec::new(),
        };
        match Document::parse(text) {
            Ok(document) => Ok((reader, document)),
            Err(error) => {
                reader.complain(error.span(), error.message().to_owned());
                Err(reader.errors)
            }
        }
    }

    /// What was read, if nothing in it was wrong.
    ///
    /// # Errors
    /// Every complaint, in the order of the text.
    pub fn finish<T>(mut self, read: T) -> Result<T, Vec<TomlError>> {
        self.errors.sort();
        if self.errors.is_empty() {
            Ok(read)
        } else {
            Err(self.errors)
        }
    }

    /// The line, from 1, on which something stands.
    pub fn line(&self, span: Option<Range<usize>>) -> usize {
        self.position(span).line
    }

    fn position(&self, span: Option<Range<usize>>) -> Position {
        let offset = span.map_or(0, |span| span.start);
        self.lines.position(self.text.as_bytes(), offset)
    }

    /// Notes that something at `span` is wrong.
    pub fn complain(&mut self, span: Option<Range<usize>>, message: String) {
        let place = self.position(span);
        self.errors.push(TomlError {
            line: place.line,
            column: place.column,
            message,
        });
    }

    /// Complains about every key that is not one of `known`.
    pub fn only(&mut self, table: &dyn TableLike, what: &str, known: &[&str]) {
        let unknown: Vec<(String, Option<Range<usize>>)> = table
            .iter()
            .filter(|(key, _)| !known.contains(key))
            .map(|(key, item)| {
                let place = table.key(key).and_then(toml_edit::Key::span);
                (key.to_owned(), place.or_else(|| item.span()))
            })
            .collect();
        for (key, span) in unknown {
            let meant = spelling::nearest(&key, known.iter().copied());
            let help = match meant {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("known are {}", known.join(", ")),
            };
            self.complain(span, format!("unknown key \"{key}\" in {what}; {help}"));
        }
    }

    /// A table, where there is one.
    pub fn table<'t>(&mut self, parent: &'t dyn TableLike, key: &str) -> Option<&'t dyn TableLike> {
        let item = parent.get(key)?;
        let table = item.as_table_like();
        if table.is_none() {
            self.complain(item.span(), format!("\"{key}\" must be a table, [{key}]"));
        }
        table
    }

    /// The tables of a list, `[[key]]`; none where there is no such list.
    pub fn tables<'t>(&mut self, parent: &'t dyn TableLike, key: &str) -> Vec<&'t dyn TableLike> {
        let tables = self.placed_tables(parent, key).into_iter();
        tables.map(|(table, _)| table).collect()
    }

    /// The tables of a list, each with the place of its `[[key]]`.
    pub fn placed_tables<'t>(
        &mut self,
        parent: &'t dyn TableLike,
        key: &str,
    ) -> Vec<(&'t dyn TableLike, Option<Range<usize>>)> {
        let Some(item) = parent.get(key) else {
            return Vec::new();
        };
        if let Some(tables) = item.as_array_of_tables() {
            let placed = |table: &'t Table| (table as &dyn TableLike, table.span());
            return tables.iter().map(placed).collect();
        }
        let inline = item.as_array().and_then(|array| {
            let placed = |table: &'t InlineTable| (table as &dyn TableLike, table.span());
            let tables = array.iter().map(Value::as_inline_table);
            tables.map(|table| table.map(placed)).collect()
        });
        inline.unwrap_or_else(|| {
            self.complain(
                item.span(),
                format!("\"{key}\" must be a list of tables, each under [[{key}]]"),
            );
            Vec::new()
        })
    }

    /// A text that has to be there.
    pub fn string(&mut self, table: &dyn TableLike, key: &str) -> Option<String> {
        if !table.contains_key(key) {
            self.complain(place(table), format!("\"{key}\" is missing"));
            return None;
        }
        self.optional(table, key)
    }

    /// A text, where there is one.
    pub fn optional(&mut self, table: &dyn TableLike, key: &str) -> Option<String> {
        let item = table.get(key)?;
        let text = item.as_str().map(|text| text.trim().to_owned());
        let wrong = match text.as_deref() {
            None => "must be a text",
            Some("") => "must not be empty",
            Some(_) => return text,
        };
        self.complain(item.span(), format!("\"{key}\" {wrong}"));
        None
    }

    /// Complains where a key holds an empty list, which would mean nothing.
    pub fn not_empty(&mut self, table: &dyn TableLike, key: &str) {
        let list = table.get(key).and_then(|item| item.as_array());
        if let Some(list) = list.filter(|list| list.is_empty()) {
            self.complain(list.span(), format!("\"{key}\" is an empty list"));
        }
    }

    /// One text or a list of texts, each with its place; empty where there is none.
    pub fn texts(
        &mut self,
        table: &dyn TableLike,
        key: &str,
    ) -> Vec<(String, Option<Range<usize>>)> {
        let Some(item) = table.get(key) else {
            return Vec::new();
        };
        if let Some(text) = item.as_str() {
            return vec![(text.to_owned(), item.span())];
        }
        let Some(array) = item.as_array() else {
            self.complain(
                item.span(),
                format!("\"{key}\" must be a text or a list of texts"),
            );
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in array {
            match value.as_str() {
                Some(text) => texts.push((text.to_owned(), value.span())),
                None => self.complain(value.span(), format!("\"{key}\" holds texts in quotes")),
            }
        }
        texts
    }

    /// A day, `until = 2027-01-31`, where there is one; quotes around it do no harm.
    pub fn date(&mut self, table: &dyn TableLike, key: &str) -> Option<Date> {
        let item = table.get(key)?;
        let text = match item.as_value() {
            Some(Value::Datetime(day)) => day.value().to_string(),
            Some(Value::String(text)) => text.value().clone(),
            Some(_) | None => String::new(),
        };
        let day = day(&text);
        if day.is_none() {
            self.complain(
                item.span(),
                format!("\"{key}\" must be a day such as 2027-01-31"),
            );
        }
        day
    }

    /// A whole number from 1 to `most`, where there is one.
    pub fn number(&mut self, table: &dyn TableLike, key: &str, most: i64) -> Option<i64> {
        let item = table.get(key)?;
        let number = item.as_integer();
        let number = number.filter(|number| (1..=most).contains(number));
        if number.is_none() {
            self.complain(
                item.span(),
                format!("\"{key}\" must be a whole number from 1 to {most}"),
            );
        }
        number
    }

    /// A text that has to be one of `words`.
    pub fn word(&mut self, table: &dyn TableLike, key: &str, words: &[&str]) -> Option<String> {
        let word = self.string(table, key)?;
        if words.contains(&word.as_str()) {
            return Some(word);
        }
        let span = table.get(key).and_then(Item::span);
        self.complain(
            span,
            format!("\"{word}\" is not one of {}", words.join(", ")),
        );
        None
    }
}

/// Where a table begins: its first key.
pub fn place(table: &dyn TableLike) -> Option<Range<usize>> {
    let (key, item) = table.iter().next()?;
    let key = table.key(key).and_then(toml_edit::Key::span);
    key.or_else(|| item.span())
}

/// A day written as 2027-01-31 and nothing else.
pub fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}
