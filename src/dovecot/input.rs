//! An input: a file that is being read, line by line.
//!
//! It makes the entries of a [`File`] and hands each whole line to the reading, which may begin another input with it.

use std::path::Path;
use std::rc::Rc;

use bstr::ByteSlice;

use crate::source::{FileId, Sources, Span};
use crate::template;

use super::Family;
use super::file::{Entry, EntryKind, File};
use super::joined::Joined;
use super::line::{self, Form, Physical};
use super::read::Reader;

/// Whether the first setting of a file is the header that 2.4 wants there. A line that cannot be read is none.
pub(super) fn first_is_header(sources: &mut Sources, file: &Path) -> bool {
    let Ok(id) = sources.read(file) else {
        return false;
    };
    for line in sources.bytes(id).split(|&c| c == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Physical::Whole(range) = line::physical(line, Family::V24).line {
            match line::form(&line[range.clone()], Family::V24) {
                Form::Setting { key, .. } => {
                    let key = &line[range.start + key.start..range.start + key.end];
                    return key == b"dovecot_config_version";
                }
                Form::Open { .. } | Form::Group { .. } | Form::Close | Form::Include { .. } => {
                    return false;
                }
                Form::Wrong(_) => {}
            }
        }
    }
    false
}

/// A file that is being read.
pub(super) struct Input {
    pub(super) file: FileId,
    pub(super) bytes: Rc<[u8]>,
    /// The next byte.
    pub(super) at: usize,
    /// Where the entry under way starts.
    pub(super) entry_start: usize,
    /// Whether this is the file's first reading, which makes its entries.
    pub(super) first: bool,
    /// How many files include it, one inside of the other.
    pub(super) depth: usize,
}

impl Reader<'_> {
    /// Begins a file.
    pub(super) fn start(&mut self, file: FileId) {
        self.started += 1;
        self.taken += self.sources.bytes(file).len();
        let first = !self.entries.contains_key(&file);
        if first {
            self.entries.insert(file, self.config.files.len());
            self.config.files.push(File {
                file,
                entries: Vec::new(),
            });
        }
        if let Some(name) = self.sources.daemon_path(file).file_name() {
            self.config
                .read_names
                .push(name.to_string_lossy().into_owned());
        }
        let bytes = self.sources.bytes(file);
        if let Some(range) = template::statement(bytes) {
            let span = Span::new(file, range.start, range.end);
            self.config.statement.get_or_insert(span);
        }
        self.inputs.push(Input {
            file,
            depth: self.depth + 1,
            bytes: self.sources.bytes(file).into(),
            at: 0,
            entry_start: 0,
            first,
        });
    }

    /// Reads all that was begun to its end.
    pub(super) fn run(&mut self) {
        while let Some(input) = self.inputs.last_mut() {
            if input.at == input.bytes.len() {
                self.end_of_file();
                continue;
            }
            self.depth = input.depth;
            let bytes = Rc::clone(&input.bytes);
            let (file, start) = (input.file, input.at);
            let newline = memchr::memchr(b'\n', &bytes[start..]);
            let end = newline.map_or(bytes.len(), |at| start + at + 1);
            input.at = end;
            let line = &bytes[start..newline.map_or(end, |_| end - 1)];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if template::line(line).is_some() {
                self.skip(start, end, EntryKind::Comment);
                continue;
            }
            let cut = line::physical(line, self.family);
            if let Some(at) = cut.ambiguous {
                let span = Span::new(file, start + at, start + at + 1);
                self.note(
                    span,
                    "\"#\" without a space before it starts a comment here".into(),
                );
            }
            // What doveconf -n prints instead of a key or a password, if -P is not given.
            self.hidden = line.contains_str("# hidden, use -P to show it");
            match cut.line {
                Physical::Blank => self.skip(start, end, EntryKind::Blank),
                Physical::Comment => {
                    self.written_by(line);
                    self.skip(start, end, EntryKind::Comment);
                }
                Physical::Continued(range) => {
                    self.config
                        .continued
                        .get_or_insert(Span::new(file, start, end));
                    if !range.is_empty() {
                        if self.awaits_header() {
                            self.config
                                .continued_header
                                .get_or_insert(Span::new(file, start, end));
                        }
                        self.pending
                            .push(&line[range.clone()], file, start + range.start);
                        self.pending.text.push(b' ');
                    }
                }
                Physical::Whole(range) => {
                    let mut text = std::mem::take(&mut self.pending);
                    text.push(&line[range.clone()], file, start + range.start);
                    self.statement(text, end);
                }
            }
        }
    }

    /// A blank line or a comment: it throws away what a `\` before it wanted to continue.
    fn skip(&mut self, start: usize, end: usize, kind: EntryKind) {
        self.close_lost(start);
        self.pending = Joined::default();
        self.entry(end, kind);
    }

    fn close_lost(&mut self, start: usize) {
        let Some(input) = self.inputs.last() else {
            return;
        };
        if input.entry_start < start {
            let span = Span::new(input.file, input.entry_start, start);
            self.note(
                span,
                "the \"\\\" at the end is followed by a blank line or a comment, so this setting is lost".into(),
            );
            self.entry(start, EntryKind::Lost);
        }
    }

    fn end_of_file(&mut self) {
        let Some(input) = self.inputs.last() else {
            return;
        };
        let (file, from, end) = (input.file, input.entry_start, input.bytes.len());
        if from < end {
            if self.inputs.len() > 1 {
                self.entry(end, EntryKind::Carried);
                let span = Span::new(file, from, end);
                self.note(span, "the \"\\\" at the end of this file joins the line with the next one of the including file".into());
            } else {
                self.entry(end, EntryKind::Lost);
                let span = Span::new(file, from, end);
                self.note(
                    span,
                    "the \"\\\" at the end is followed by nothing, so this setting is lost".into(),
                );
            }
        }
        self.inputs.pop();
    }

    /// Ends the entry under way at `end`.
    pub(super) fn entry(&mut self, end: usize, kind: EntryKind) {
        let scope = self.scope();
        let Some(input) = self.inputs.last_mut() else {
            return;
        };
        let span = Span::new(input.file, input.entry_start, end);
        input.entry_start = end;
        if input.first
            && let Some(file) = self
                .entries
                .get(&input.file)
                .and_then(|&at| self.config.files.get_mut(at))
        {
            file.entries.push(Entry { span, scope, kind });
        }
    }

    /// `# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf` heads what doveconf -n prints.
    fn written_by(&mut self, line: &[u8]) {
        let first = self.inputs.len() == 1 && self.config.assignments.is_empty();
        if first
            && self.config.written_by.is_none()
            && let Some(rest) = line.strip_prefix(b"# ")
            && rest.first().is_some_and(u8::is_ascii_digit)
            && rest.contains_str("): /")
            && let Ok(rest) = rest.to_str()
        {
            self.config.written_by = rest.parse().ok();
        }
    }
}
