//! A file of the configuration, cut into entries that cover it exactly.
//!
//! `read` beside this file makes the entries while it reads; nothing here interprets them.

use bstr::BString;

use crate::source::{FileId, Sources, Span};

use super::line::{self, Form, Physical, ValueKind};
use super::names;
use super::scope::ScopeId;
use super::{Config, Family};

/// One file, as often as it may be included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Which one.
    pub file: FileId,
    /// Its entries: each starts where the last ended, the first at 0, and the last ends with the file.
    /// A file that is included more than once shows what its first reading found.
    pub entries: Vec<Entry>,
}

/// A line, or several that continuations join, with the line ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// All of it.
    pub span: Span,
    /// The scope it stands in.
    pub scope: ScopeId,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// White space alone.
    Blank,
    /// A comment.
    Comment,
    /// `key = value`
    Setting,
    /// The line that opens a section.
    Open,
    /// `}`
    Close,
    /// `!include` or `!include_try`
    Include,
    /// A line the daemon refuses; [`Config::problems`] says why.
    Wrong,
    /// Text that ends in a `\` and is thrown away, because a blank line, a comment or the end follows.
    Lost,
    /// Text that ends in a `\` at the end of an included file: the next line of the including file goes on with it.
    Carried,
}

/// A setting that is commented out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentedOut {
    /// The comment, whole line with its ending.
    pub span: Span,
    /// From the `#` up to the key: what to take away to bring the setting to life.
    pub hash_span: Span,
    /// The key in it.
    pub key_span: Span,
    /// The value in it, without quotes.
    pub value_span: Span,
    /// The scope in which the setting would stand.
    pub scope: ScopeId,
}

impl Config {
    /// The commented-out copies of a setting, by any of its names, in reading order.
    pub fn commented_out(&self, sources: &Sources, setting: &str) -> Vec<CommentedOut> {
        let wanted = names::newest(setting.as_bytes(), &[]);
        let entries = self.files.iter().flat_map(|file| &file.entries);
        entries
            .filter(|entry| entry.kind == EntryKind::Comment)
            .filter_map(|entry| revive(entry, sources.text(entry.span), self.family, &wanted))
            .collect()
    }
}

fn revive(entry: &Entry, text: &[u8], family: Family, wanted: &BString) -> Option<CommentedOut> {
    let hash = text.iter().position(|&c| c == b'#')?;
    let start = hash + text[hash..].iter().position(|&c| c != b'#')?;
    let end = text.len()
        - text
            .iter()
            .rev()
            .take_while(|&&c| c == b'\n' || c == b'\r')
            .count();
    let inner = text.get(start..end)?;
    let Physical::Whole(range) = line::physical(inner, family).line else {
        return None;
    };
    let Form::Setting { key, value, kind } = line::form(&inner[range.clone()], family) else {
        return None;
    };
    let base = start + range.start;
    let name = names::newest(&inner[range.start + key.start..range.start + key.end], &[]);
    (name == *wanted).then(|| {
        let span = |from: usize, to: usize| {
            Span::new(
                entry.span.file,
                entry.span.start + from,
                entry.span.start + to,
            )
        };
        let less = usize::from(kind == ValueKind::File);
        CommentedOut {
            span: entry.span,
            hash_span: span(hash, base + key.start),
            key_span: span(base + key.start, base + key.end),
            value_span: span(base + value.start - less, base + value.end),
            scope: entry.scope,
        }
    })
}
