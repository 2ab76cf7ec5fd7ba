//! Plain text: what files and logs say, made harmless for a terminal.
//!
//! Logs and configurations are hostile input. No control character, no escape sequence and no bidirectional override
//! of theirs reaches the screen; each is shown by its number instead.

use std::path::Path;

use bstr::{ByteSlice, ByteVec};

use crate::source::{Sources, Span};

/// The bytes as printable text on one line.
pub fn plain(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for (start, end, c) in bytes.char_indices() {
        if c == char::REPLACEMENT_CHARACTER && &bytes[start..end] != "\u{fffd}".as_bytes() {
            for byte in &bytes[start..end] {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        } else if is_harmless(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        }
    }
    out
}

/// A path as printable text on one line.
pub fn plain_path(path: &Path) -> String {
    plain(&<Vec<u8>>::from_path_lossy(path))
}

/// `path:line:column` of the start of a span, as printable text.
pub fn plain_place(sources: &Sources, span: Span) -> String {
    let position = sources.position(span);
    let path = plain_path(sources.shown_path(span.file));
    format!("{path}:{}:{}", position.line, position.column)
}

/// Whether a character only puts itself on the screen.
fn is_harmless(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            // Marks and overrides of direction, line and paragraph separators, invisible joiners and tags.
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_or_turns_the_text_is_left() {
        for (bytes, text) in [
            (&b"alice@example.org"[..], "alice@example.org"),
            ("ü アリス".as_bytes(), "ü アリス"),
            (b"\x1b[2Jx\r\n\x07", r"\u{1b}[2Jx\u{d}\u{a}\u{7}"),
            (b"caf\xe9", r"caf\xe9"),
            (
                "a\u{202e}b\u{2066}c\u{9b}d".as_bytes(),
                r"a\u{202e}b\u{2066}c\u{9b}d",
            ),
            ("\u{fffd}".as_bytes(), "\u{fffd}"),
        ] {
            assert_eq!(plain(bytes), text);
        }
    }
}
