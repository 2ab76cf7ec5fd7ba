//! A value: the text of a parameter, and what the programs read from it: a list, a boolean, a number, a time.

use bstr::{BStr, BString, ByteSlice};

use super::line::is_space;
use crate::source::Origin;

/// The effective value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value, expanded.
    pub text: BString,
    /// Where it stands, before expansion.
    pub origin: Origin,
}

impl Value {
    /// The words of a list, cut at commas and whitespace (`CHARS_COMMA_SP` in util/stringops.h).
    pub fn words(&self) -> impl Iterator<Item = &BStr> {
        words(&self.text)
    }

    /// Whether the value is `word` in any case.
    pub fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word.as_bytes())
    }
}

/// Cuts a list at commas and whitespace.
pub fn words(text: &[u8]) -> impl Iterator<Item = &BStr> {
    text.split(|&byte| is_separator(byte))
        .filter(|word| !word.is_empty())
        .map(ByteSlice::as_bstr)
}

/// Cuts a list at commas and whitespace outside of braces (mystrtokq in util/mystrtok.c, for lists since 3.0).
pub fn quoted_words(text: &[u8]) -> impl Iterator<Item = &BStr> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let blanks = rest.iter().take_while(|&&byte| is_separator(byte)).count();
        rest = &rest[blanks..];
        let mut level = 0_usize;
        let end = rest.iter().position(|&byte| {
            match byte {
                b'{' => level += 1,
                b'}' => level = level.saturating_sub(1),
                _ => {}
            }
            level == 0 && is_separator(byte)
        });
        let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        (!word.is_empty()).then(|| word.as_bstr())
    })
}

/// `CHARS_COMMA_SP` in util/stringops.h.
const fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n')
}

/// global/mail_conf_bool.c: `yes` or `no` in any case.
pub(super) fn boolean(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"yes") {
        Some(true)
    } else {
        text.eq_ignore_ascii_case(b"no").then_some(false)
    }
}

/// A whole number as strtol reads it, with nothing behind it (global/mail_conf_int.c).
pub(super) fn number(text: &[u8]) -> Option<i64> {
    let (value, rest) = leading_number(text)?;
    rest.is_empty().then_some(value)
}

/// A number of seconds with an optional unit, of which only the first letter counts (global/conv_time.c).
pub(super) fn time(text: &[u8]) -> Option<i64> {
    let (value, rest) = leading_number(text)?;
    let unit = match rest.first() {
        None | Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86_400,
        Some(b'w') => 604_800,
        Some(_) => return None,
    };
    (value >= 0).then(|| value.checked_mul(unit)).flatten()
}

/// What strtol reads at the start of `text`: a value that fits a C int, and the rest. Without digits that is 0.
fn leading_number(text: &[u8]) -> Option<(i64, &[u8])> {
    if text.is_empty() {
        return None;
    }
    let blanks = text.iter().take_while(|&&byte| is_space(byte)).count();
    let signs = usize::from(matches!(text.get(blanks), Some(b'+' | b'-')));
    let start = blanks + signs;
    let digits = text[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == 0 {
        return Some((0, text));
    }
    let value: i64 = std::str::from_utf8(&text[start..start + digits])
        .ok()?
        .parse()
        .ok()?;
    let value = if signs == 1 && text[blanks] == b'-' {
        -value
    } else {
        value
    };
    Some((value, &text[start + digits..]))
}
