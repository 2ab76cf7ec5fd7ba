//! A logical line of main.cf or master.cf: one physical line and those that continue it.
//!
//! `main_cf` and `master_cf` beside this file cut it into settings and services.
//! The rules are those of `readllines` in util/readlline.c, the same from 2.3 to 3.11:
//! a line that starts with whitespace continues the one before it, and blank and comment lines in between are skipped.

use memchr::memchr;

use crate::source::{FileId, Problem, Span};

/// A piece of a file; the pieces tile it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text that the daemons read.
    Line(Line),
    /// Blank lines, comments, and text that the daemons throw away.
    Ignored(Span),
}

/// A logical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From its first byte to behind its last newline; skipped lines in between are inside.
    pub(super) span: Span,
    /// What the daemon sees: no newlines, no skipped lines, and nothing from a NUL on.
    pub(super) text: Vec<u8>,
    /// Where its parts begin: offset in `text`, offset in the file.
    parts: Vec<(usize, usize)>,
}

impl Line {
    /// The stretch of the file from the first to the last byte of `text[start..end]`.
    pub(super) fn span_of(&self, start: usize, end: usize) -> Span {
        let from = self.file_offset(start);
        let to = if end > start {
            self.file_offset(end - 1) + 1
        } else {
            from
        };
        Span::new(self.span.file, from, to)
    }

    /// The place in the file of the byte at an offset of `text`.
    fn file_offset(&self, offset: usize) -> usize {
        let part = self.parts.partition_point(|&(start, _)| start <= offset);
        self.parts
            .get(part.saturating_sub(1))
            .map_or(self.span.start, |&(start, file)| file + (offset - start))
    }
}

/// Whether Postfix takes a byte for whitespace (`ISSPACE` in the C locale; bytes from 0x80 on never are).
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// `text` without whitespace at either end.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().take_while(|&&byte| is_space(byte)).count();
    let rest = &text[start..];
    &rest[..trimmed_length(rest)]
}

/// The length of `text` without the whitespace at its end.
pub(super) fn trimmed_length(text: &[u8]) -> usize {
    text.len()
        - text
            .iter()
            .rev()
            .take_while(|&&byte| is_space(byte))
            .count()
}

/// Cuts a file into pieces.
pub(super) fn read(file: FileId, bytes: &[u8], problems: &mut Vec<Problem>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        if is_skipped(&bytes[at..end]) {
            match pieces.last_mut() {
                Some(Piece::Ignored(span)) if span.end == at => span.end = end,
                _ => pieces.push(Piece::Ignored(Span::new(file, at, end))),
            }
            at = end;
            continue;
        }
        let line = logical_line(file, bytes, at);
        at = line.span.end;
        let nul = memchr(0, &bytes[line.span.start..line.span.end]);
        if is_space(bytes[line.span.start]) {
            problems.push(Problem {
                span: line.span,
                message: "this line starts with whitespace but nothing before it can be continued, so Postfix ignores it".into(),
            });
            pieces.push(Piece::Ignored(line.span));
            continue;
        }
        if let Some(nul) = nul {
            let place = line.span.start + nul;
            problems.push(Problem {
                span: Span::new(file, place, place + 1),
                message: "Postfix ignores the rest of the setting from this null byte on".into(),
            });
        }
        pieces.push(Piece::Line(line));
    }
    pieces
}

/// The texts of the logical lines of a table such as `cidr:` or the source of `hash:`, which are read in the same way.
pub fn table_lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        if is_skipped(&bytes[at..end]) {
            at = end;
            continue;
        }
        let (text, _, end) = joined(bytes, at);
        at = end;
        if !text.first().is_some_and(|&byte| is_space(byte)) {
            lines.push(text);
        }
    }
    lines
}

/// The logical line that starts at `start`, where a line stands that is not skipped.
fn logical_line(file: FileId, bytes: &[u8], start: usize) -> Line {
    let (text, parts, end) = joined(bytes, start);
    Line {
        span: Span::new(file, start, end),
        text,
        parts,
    }
}

/// The text of the logical line at `start`, where its parts begin in both, and the offset behind it.
fn joined(bytes: &[u8], start: usize) -> (Vec<u8>, Vec<(usize, usize)>, usize) {
    let mut text = Vec::new();
    let mut parts = Vec::new();
    let mut end = start;
    let mut at = start;
    loop {
        let next = line_end(bytes, at);
        let physical = &bytes[at..next];
        if !is_skipped(physical) {
            parts.push((text.len(), at));
            text.extend_from_slice(physical.strip_suffix(b"\n").unwrap_or(physical));
            end = next;
        }
        at = next;
        if !bytes
            .get(at)
            .is_some_and(|&byte| byte == b'#' || is_space(byte))
        {
            break;
        }
    }
    if let Some(nul) = memchr(0, &text) {
        text.truncate(nul);
    }
    (text, parts, end)
}

/// The offset behind the physical line that starts at `start`.
fn line_end(bytes: &[u8], start: usize) -> usize {
    memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |newline| start + newline + 1)
}

/// Whether a physical line is blank or a comment.
fn is_skipped(line: &[u8]) -> bool {
    line.iter()
        .find(|&&byte| !is_space(byte))
        .is_none_or(|&byte| byte == b'#')
}
