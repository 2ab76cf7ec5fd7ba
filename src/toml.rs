//! TOML read strictly: every key is known, every word is one of a closed list, every complaint has a place.
//!
//! `rule` reads its files with it, `project` reads plainsight.toml.

use std::fmt;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use crate::source;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// Notes that something at `span` is wrong.
    pub fn complain(&mut self, span: Option<Range<usize>>, message: String) {
        let place = source::position(self.text.as_bytes(), span.map_or(0, |span| span.start));
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
            self.complain(
                span,
                format!(
                    "unknown key \"{key}\" in {what}; known are {}",
                    known.join(", ")
                ),
            );
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

    /// A text that has to be there.
    pub fn string(&mut self, table: &dyn TableLike, key: &str) -> Option<String> {
        let Some(item) = table.get(key) else {
            self.complain(None, format!("\"{key}\" is missing"));
            return None;
        };
        let text = item.as_str().map(|text| text.trim().to_owned());
        if text.as_ref().is_none_or(String::is_empty) {
            self.complain(item.span(), format!("\"{key}\" must be a text"));
        }
        text
    }

    /// A text that has to be one of `words`.
    pub fn word(&mut self, table: &dyn TableLike, key: &str, words: &[&str]) -> Option<String> {
        let word = self.string(table, key)?;
        if !words.contains(&word.as_str()) {
            let span = table.get(key).and_then(Item::span);
            self.complain(
                span,
                format!("\"{word}\" is not one of {}", words.join(", ")),
            );
        }
        Some(word)
    }
}
