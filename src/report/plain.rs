//! Plain text: what files and logs say, made harmless for each kind of output. This is the one place that decides how.
//!
//! Logs and configurations are hostile input. No control character, no escape sequence and no bidirectional override
//! of theirs reaches the screen; each is shown by its number instead.

use std::borrow::Cow;
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
    without_commands(out)
}

/// The text with nothing in it that the log of a GitHub workflow would act on: `##[error]` anywhere in a line, or `::error::`
/// at its beginning (actions/runner, ActionCommand.cs). An address such as `::1` is none of these.
fn without_commands(mut text: String) -> String {
    if text.contains("##[") {
        text = text.replace("##[", "#\\u{23}[");
    }
    let indent = text.len() - text.trim_start().len();
    if let Some(rest) = text[indent..].strip_prefix("::") {
        let end = rest.find(|c: char| !(c.is_ascii_alphabetic() || c == '-'));
        let name = &rest[..end.unwrap_or(rest.len())];
        let after = &rest[name.len()..];
        if !name.is_empty()
            && (after.is_empty() || after.starts_with(' ') || after.starts_with("::"))
        {
            text.replace_range(indent..=indent, "\\u{3a}");
        }
    }
    text
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
    // What GitHub makes a link of without being asked (GFM, autolinks).
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
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

/// The bytes as the message of a command to a workflow: nothing in it ends the command (actions/toolkit, core/src/command.ts).
pub fn message(bytes: &[u8]) -> String {
    plain(bytes).replace('%', "%25")
}

/// The bytes as the value of a property of such a command: nothing in it ends the value either.
///
/// A name of a file has to be the very one, or GitHub finds no file to show the annotation at. So what can be escaped is:
/// the runner turns these five back (`escapeProperty` there), and no other.
pub fn property(bytes: &[u8]) -> String {
    let mut value = String::new();
    for part in bytes.split_inclusive(|byte| b":,%\r\n".contains(byte)) {
        let (body, escaped) = match part.split_last() {
            Some((b':', body)) => (body, "%3A"),
            Some((b',', body)) => (body, "%2C"),
            Some((b'%', body)) => (body, "%25"),
            Some((b'\r', body)) => (body, "%0D"),
            Some((b'\n', body)) => (body, "%0A"),
            Some(_) | None => (part, ""),
        };
        value.push_str(&plain(body));
        value.push_str(escaped);
    }
    value
}

/// A JSON document in which a terminal finds nothing to act on: such characters stand only within its strings, where
/// `\u202e` means the same.
pub fn json(document: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n') && byte != b'#';
    if document.bytes().all(is_plain) {
        return document.into();
    }
    let mut out = String::with_capacity(document.len());
    // Only a string can hold it (see `without_commands`).
    for c in document.replace("##[", "#\\u0023[").chars() {
        if c == '\n' || is_harmless(c) {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out.into()
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
            // Marks and overrides of direction, line and paragraph separators, invisible hyphens, joiners and tags.
            '\u{ad}' | '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
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
    fn nothing_is_a_command_to_a_workflow() {
        for (bytes, text) in [
            (&b"::error file=x::y"[..], r"\u{3a}:error file=x::y"),
            (b" ::add-mask::x", r" \u{3a}:add-mask::x"),
            (b"a ##[error]x", r"a #\u{23}[error]x"),
            (b"::1", "::1"),
            (b"::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            (b"::/0", "::/0"),
            (b"a ::error::x", "a ::error::x"),
        ] {
            assert_eq!(plain(bytes), text);
        }
    }

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(message(b"100%\n::error::x"), r"100%25\u{a}::error::x");
        assert_eq!(property(b"a:b,c%3A\r"), r"a%3Ab%2Cc%253A%0D");
        assert_eq!(property(b"::error::x\n"), r"%3A%3Aerror%3A%3Ax%0A");
        assert_eq!(property(b"\x1b[2J##[error]"), r"\u{1b}[2J#\u{23}[error]");
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
