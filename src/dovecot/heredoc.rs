//! A heredoc: a value that is the lines behind `key = <<MARK`, up to one that is the mark.
//!
//! 2.4.5 knows them first (parse_until_eod in src/config/config-parser.c). `line` beside this file finds its beginning.

use std::rc::Rc;

use bstr::ByteSlice;

use crate::source::Problem;

use super::Family;
use super::file::EntryKind;
use super::joined::Joined;
use super::line;
use super::read::Reader;

impl Reader<'_> {
    /// Takes the lines of a heredoc and its mark into the text of its line, and says where they end. If no line is the
    /// mark, the daemon refuses them all (parse_until_eod in config-parser.c, 2.4.5).
    pub(super) fn heredoc(&mut self, text: &mut Joined, value: usize) -> Option<usize> {
        let whole = text.span(0, text.text.len());
        let value_span = text.span(value, text.text.len());
        let file_name = self.relative(&text.text[value + 1..]);
        let mark = mark(&text.text[value..]).to_vec();
        let input = self.inputs.last_mut()?;
        let bytes = Rc::clone(&input.bytes);
        let (file, start) = (input.file, input.at);
        while input.at < bytes.len() {
            let rest = &bytes[input.at..];
            let newline = memchr::memchr(b'\n', rest);
            let line = &rest[..newline.unwrap_or(rest.len())];
            let visible = line.strip_suffix(b"\r").unwrap_or(line).len();
            let end = input.at + visible;
            input.at += newline.map_or(rest.len(), |at| at + 1);
            if raw(line) == mark {
                let after = input.at;
                text.text.push(b'\n');
                text.push(&bytes[start..end], file, start);
                self.config.heredoc.get_or_insert_with(|| Problem {
                    span: value_span,
                    message: format!(
                        "Can't open file {}: No such file or directory",
                        file_name.display()
                    ),
                });
                return Some(after);
            }
        }
        self.entry(bytes.len(), EntryKind::Wrong);
        self.refuse(whole, format!("Missing {}", mark.as_bstr()));
        None
    }
}

/// The mark of a heredoc, given from its `<<` on: the rest of the line, white space before it left out.
fn mark(heredoc: &[u8]) -> &[u8] {
    let line = memchr::memchr(b'\n', heredoc).map_or(heredoc, |newline| &heredoc[..newline]);
    &line[line::skip_white(line, 2, Family::V24)..]
}

/// The lines of a heredoc, given from its `<<` to its mark, as they are (parse_until_eod in config-parser.c, 2.4.5).
pub(super) fn body(heredoc: &[u8]) -> Vec<u8> {
    let mut lines = heredoc.split(|&c| c == b'\n').skip(1).peekable();
    let mut body = Vec::new();
    while let Some(line) = lines.next() {
        if lines.peek().is_some() {
            body.extend_from_slice(raw(line));
            body.push(b'\n');
        }
    }
    body
}

/// A line of a heredoc, given without its newline: the daemon's lines are C strings.
fn raw(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    memchr::memchr(0, line).map_or(line, |nul| &line[..nul])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heredoc_keeps_its_lines() {
        let text = b"<< \tE D\n # x \\\n\n$y\r\nz\0z\nE D";
        assert_eq!(mark(text), b"E D");
        assert_eq!(body(text), b" # x \\\n\n$y\nz\n");
        assert_eq!(body(b"<<E\nE"), b"");
    }
}
