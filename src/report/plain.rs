//! Plain text: what files and logs say, made harmless for each kind of output. This is the one place that decides how.
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

/// The bytes as text in an HTML element or a quoted attribute, kept from changing the direction of what follows.
pub fn html(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for c in plain(bytes).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The bytes as text on one line of Markdown, in a table cell too: everything that Markdown or HTML could read is escaped.
pub fn markdown(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for c in plain(bytes).chars() {
        match c {
            // As references, since not every reader of tables knows a backslash there, nor every one of HTML.
            '|' | '<' | '>' | '&' | '@' => out.push_str(&format!("&#{};", u32::from(c))),
            // CommonMark, backslash escapes: any ASCII punctuation may be escaped.
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '~'
            | '$' | '"' | '\'' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// The bytes as a code span of Markdown, in which nothing is read as anything; a dash for none.
pub fn code(bytes: &[u8]) -> String {
    let text = plain(bytes).replace('`', "\\u{60}").replace('|', "\\u{7c}");
    if text.trim().is_empty() {
        "-".to_owned()
    } else {
        format!("`{text}`")
    }
}

/// A JSON document in which a terminal finds nothing to act on: such characters stand only within its strings, where
/// `\u202e` means the same.
pub fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if c == '\n' || is_harmless(c) {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// The bytes as a cell of a spreadsheet: text that begins like a formula gets an apostrophe in front (OWASP, CSV injection).
pub fn cell(bytes: &[u8]) -> String {
    let text = plain(bytes);
    match text.chars().find(|c| !c.is_whitespace()) {
        Some('=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}') => {
            format!("'{text}")
        }
        Some(_) | None => text,
    }
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
    fn html_has_no_markup_of_strangers() {
        assert_eq!(
            html(b"</td><script a='\"'>&"),
            "&lt;/td&gt;&lt;script a=&#39;&quot;&#39;&gt;&amp;"
        );
    }

    #[test]
    fn markdown_has_no_markup_of_strangers() {
        assert_eq!(
            markdown(b"a|b `x` <i> [l](u) *e* \\"),
            r"a&#124;b \`x\` &#60;i&#62; \[l\]\(u\) \*e\* \\"
        );
    }

    #[test]
    fn cells_are_no_formulas() {
        for (bytes, text) in [
            (&b"=cmd|' /C calc'!A0"[..], "'=cmd|' /C calc'!A0"),
            (b" +1", "' +1"),
            (b"@SUM(A1)", "'@SUM(A1)"),
            (b"anna@example.org", "anna@example.org"),
            (b"\t=1", r"\u{9}=1"),
        ] {
            assert_eq!(cell(bytes), text);
        }
    }

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
