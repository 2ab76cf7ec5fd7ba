//! A line of RFC 5424: `<22>1 2025-11-27T16:26:19.150Z HOST APP PID MSGID SD MSG`.

use memchr::memchr;

use super::prefix::{Line, digits, token, trim};
use super::writer;

/// Whether a log is in the form of RFC 5424, by its first line: `<22>1 2025-…`.
pub(crate) fn is_of(text: &[u8]) -> bool {
    let end = memchr(b'>', &text[..text.len().min(5)]);
    text.first() == Some(&b'<')
        && end.is_some_and(|end| matches!(text[end + 1..], [b'1'..=b'9', b' ', ..]))
}

/// `2025-11-27T16:26:19.150Z HOST APP PID MSGID SD MSG`, behind the version.
pub(crate) fn cut(line: &[u8]) -> Option<Line<'_>> {
    let (stamp, rest) = token(line)?;
    let (host, rest) = token(rest)?;
    let (name, rest) = token(rest)?;
    let (pid, rest) = token(rest)?;
    let (_, rest) = token(rest)?;
    let message = trim(structured_data(rest)?);
    let message = message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message);
    let [stamp, host] = [stamp, host].map(|field| if field == b"-" { &[] } else { field });
    writer::line_of(stamp, host, name, digits(pid), message)
}

/// What follows `-` or `[id name="value"]…`.
fn structured_data(text: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = text.strip_prefix(b"-") {
        return Some(rest);
    }
    let mut quoted = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b']' if !quoted && text.get(at + 1) != Some(&b'[') => return text.get(at + 1..),
            _ => {}
        }
        at += 1;
    }
    None
}
