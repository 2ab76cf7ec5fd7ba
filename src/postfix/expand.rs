//! `$` expansion: `$name`, `${name?text}`, `${{a} == {b} ? {c} : {d}}` and the rest of the little language in values.
//!
//! `view` beside this file says what a name stands for. The grammar is that of util/mac_parse.c and util/mac_expand.c:
//! before 3.0 without braces inside, without comparison and without `?:` together; `<level` and its like since 3.6.
//! An error here is fatal for every daemon ("macro processing error", dict_eval in util/dict.c).

use std::borrow::Cow;

use bstr::ByteSlice;

use super::line::{is_space, trim};
use crate::version::Version;

/// mac_expand_callback gives up behind this many levels; comparisons count anew there, but not here.
const DEEPEST: usize = 100;
/// A value that grows beyond this has run away: the daemon would use up memory.
const LONGEST: usize = 1 << 20;
/// How many references are followed before a value has run away.
const MOST_STEPS: usize = 50_000;

/// Expands `text`, asking `lookup` what a name stands for.
///
/// # Errors
/// The reason in words, close to those of the daemon's warning.
pub(super) fn expand<'a>(
    text: &'a [u8],
    version: Version,
    lookup: &dyn Fn(&[u8]) -> Option<&'a [u8]>,
) -> Result<Cow<'a, [u8]>, String> {
    if !text.contains(&b'$') {
        return Ok(Cow::Borrowed(text));
    }
    let mut expansion = Expansion {
        version,
        lookup,
        steps: 0,
    };
    let mut out = Vec::with_capacity(2 * text.len());
    expansion.text(text, 0, &mut out)?;
    Ok(Cow::Owned(out))
}

struct Expansion<'l, 'a> {
    version: Version,
    lookup: &'l dyn Fn(&[u8]) -> Option<&'a [u8]>,
    steps: usize,
}

impl Expansion<'_, '_> {
    /// Splits text into literals and references (mac_parse) and writes what they stand for.
    fn text(&mut self, text: &[u8], level: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let mut at = 0;
        while at < text.len() {
            let literal = text[at..].find_byte(b'$').map_or(text.len(), |d| at + d);
            out.extend_from_slice(&text[at..literal]);
            if out.len() > LONGEST {
                return Err("the value grows without end".into());
            }
            at = literal;
            let Some(&after) = text.get(at + 1) else {
                if at < text.len() {
                    return Err(format!("empty macro name: \"{}\"", text.as_bstr()));
                }
                break;
            };
            at += match after {
                b'$' => {
                    out.push(b'$');
                    2
                }
                b'(' => self.delimited(&text[at..], b'(', b')', level, out)?,
                b'{' => self.delimited(&text[at..], b'{', b'}', level, out)?,
                _ => {
                    let name = text[at + 1..]
                        .iter()
                        .take_while(|&&byte| is_word(byte))
                        .count();
                    self.reference(&text[at + 1..=at + name], level, out)?;
                    1 + name
                }
            };
        }
        Ok(())
    }

    /// The reference at the start of `text`, written with `open` and `close`; how many bytes it has.
    fn delimited(
        &mut self,
        text: &[u8],
        open: u8,
        close: u8,
        level: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, String> {
        let length = balanced(&text[1..], open, close)
            .ok_or_else(|| format!("truncated macro reference: \"{}\"", text.as_bstr()))?;
        self.reference(&text[2..length], level, out)?;
        Ok(1 + length)
    }

    /// What stands between the delimiters of a reference (mac_expand_callback).
    fn reference(&mut self, text: &[u8], level: usize, out: &mut Vec<u8>) -> Result<(), String> {
        self.steps += 1;
        if text.is_empty() {
            return Err("empty macro name".into());
        }
        if level > DEEPEST || self.steps > MOST_STEPS {
            return Err(format!(
                "unreasonable macro call nesting: \"{}\"",
                text.as_bstr()
            ));
        }
        let braces = self.version >= Version::new(3, 0);
        let start = if braces { skip_space(text) } else { text };
        if braces && start.first() == Some(&b'{') {
            let (holds, rest) = self.comparison(start, level)?;
            return match rest.split_first() {
                None => {
                    if holds {
                        out.extend_from_slice(b"true");
                    }
                    Ok(())
                }
                Some((&operator @ (b'?' | b':'), operand)) => {
                    self.choose(holds, operator, operand, level, out)
                }
                Some(_) => Err(format!(
                    "\"?\" or \":\" expected at: \"{}\"",
                    rest.as_bstr()
                )),
            };
        }
        let name = &start[..start.iter().take_while(|&&byte| is_word(byte)).count()];
        let rest = &start[name.len()..];
        let rest = if braces { skip_space(rest) } else { rest };
        match rest.split_first() {
            None => match (self.lookup)(name) {
                Some(value) => self.text(value, level + 1, out),
                None => Ok(()),
            },
            Some((&operator @ (b'?' | b':'), operand)) => {
                let set = (self.lookup)(name).is_some_and(|value| !value.is_empty());
                self.choose(set, operator, operand, level, out)
            }
            Some(_) => Err(format!(
                "attribute name syntax error at: \"{}\"",
                rest.as_bstr()
            )),
        }
    }

    /// `?text`, `:text`, or since 3.0 `?{text}:{text}`: writes the side that `condition` chooses.
    fn choose(
        &mut self,
        condition: bool,
        operator: u8,
        operand: &[u8],
        level: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let (mine, rest) = self.operand(operand)?;
        if condition == (operator == b'?') {
            self.text(mine, level + 1, out)?;
        }
        match rest.split_first() {
            None => Ok(()),
            Some((b':', operand)) if operator == b'?' => {
                let (other, rest) = self.operand(operand)?;
                if !condition {
                    self.text(other, level + 1, out)?;
                }
                if rest.is_empty() {
                    Ok(())
                } else {
                    Err(format!("unexpected input at: \"{}\"", rest.as_bstr()))
                }
            }
            Some(_) if operator == b'?' => {
                Err(format!("\":\" expected at: \"{}\"", rest.as_bstr()))
            }
            Some(_) => Err(format!("unexpected input at: \"{}\"", rest.as_bstr())),
        }
    }

    /// One side of a choice, and what follows it: the text in braces since 3.0, otherwise all of it.
    fn operand<'t>(&self, text: &'t [u8]) -> Result<(&'t [u8], &'t [u8]), String> {
        let start = skip_space(text);
        if self.version >= Version::new(3, 0) && start.first() == Some(&b'{') {
            payload(start)
        } else {
            Ok((text, b""))
        }
    }

    /// `{a} == {b}`: whether it holds, and what follows (mac_exp_parse_relational).
    fn comparison<'t>(&mut self, text: &'t [u8], level: usize) -> Result<(bool, &'t [u8]), String> {
        let (left, rest) = payload(text)?;
        let length = rest
            .iter()
            .take_while(|byte| b"<>!=?+-*/~&|%".contains(byte))
            .count();
        let (operator, rest) = rest.split_at(length);
        let holds: fn(std::cmp::Ordering) -> bool = match operator {
            b"==" => std::cmp::Ordering::is_eq,
            b"!=" => std::cmp::Ordering::is_ne,
            b"<" => std::cmp::Ordering::is_lt,
            b"<=" => std::cmp::Ordering::is_le,
            b">=" => std::cmp::Ordering::is_ge,
            b">" => std::cmp::Ordering::is_gt,
            _ => {
                return Err(format!(
                    "a comparison such as \"==\" expected at: \"{}\"",
                    text.as_bstr()
                ));
            }
        };
        let by_level = self.version >= Version::new(3, 6)
            && rest.first().is_some_and(u8::is_ascii_alphanumeric);
        let rest = if by_level {
            rest.strip_prefix(b"level")
                .filter(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric))
                .ok_or_else(|| format!("bad operator suffix at: \"{}\"", rest.as_bstr()))?
        } else {
            rest
        };
        let rest = skip_space(rest);
        if rest.first() != Some(&b'{') {
            return Err(format!(
                "\"{{expression}}\" expected at: \"{}\"",
                text.as_bstr()
            ));
        }
        let (right, rest) = payload(rest)?;
        let mut sides = [Vec::new(), Vec::new()];
        self.text(left, level + 1, &mut sides[0])?;
        self.text(right, level + 1, &mut sides[1])?;
        let order = if by_level {
            compatibility_level(&sides[0])?.cmp(&compatibility_level(&sides[1])?)
        } else {
            compare(&sides[0], &sides[1])
        };
        Ok((holds(order), rest))
    }
}

/// Numbers by their value, all else by bytes (mac_exp_eval).
fn compare(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}

/// The value of a text that is all digits.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads `major[.minor[.patch]]` (compat_level_from_string in global/compat_level.c, 3.6).
///
/// # Errors
/// What every program says before it dies.
pub fn compatibility_level(text: &[u8]) -> Result<[u16; 3], String> {
    let bad = || {
        format!(
            "malformed compatibility level syntax: \"{}\"",
            text.as_bstr()
        )
    };
    let mut level = [0; 3];
    let parts = std::str::from_utf8(trim(text)).map_err(|_| bad())?;
    for (index, part) in parts.split('.').enumerate() {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *level.get_mut(index).ok_or_else(bad)? =
            part.parse().ok().filter(|_| digits).ok_or_else(bad)?;
    }
    Ok(level)
}

/// The text between the `{` that `text` starts with and its `}`, and what follows behind whitespace.
fn payload(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let length = balanced(text, b'{', b'}').ok_or_else(|| {
        format!(
            "unbalanced {{}} in attribute expression: \"{}\"",
            text.as_bstr()
        )
    })?;
    Ok((&text[1..length - 1], skip_space(&text[length..])))
}

/// How long the stretch is from the `open` that `text` starts with to the `close` that belongs to it.
fn balanced(text: &[u8], open: u8, close: u8) -> Option<usize> {
    let mut level = 0_usize;
    for (index, &byte) in text.iter().enumerate() {
        if byte == open {
            level += 1;
        } else if byte == close {
            level = level.checked_sub(1)?;
            if level == 0 {
                return Some(index + 1);
            }
        }
    }
    None
}

fn skip_space(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&byte| is_space(byte)).count()..]
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning<'a>(name: &[u8]) -> Option<&'a [u8]> {
        match name {
            b"yes_" => Some(b"yes"),
            b"empty" => Some(b""),
            b"loop" => Some(b"$loop"),
            b"nine" => Some(b"9"),
            b"compatibility_level" => Some(b"3.6"),
            b"double" => Some(b"$double$double"),
            _ => None,
        }
    }

    fn ask(text: &str, version: Version) -> Result<String, String> {
        expand(text.as_bytes(), version, &meaning)
            .map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    /// Expected values from `postconf -x` and daemons of 3.7.11 and 3.10.13 (reference to util/mac_expand.c).
    #[test]
    fn expands_as_the_daemons_do() {
        for (text, value) in [
            ("a $yes_ b", "a yes b"),
            ("$(yes_)/${yes_}/$yes_.", "yes/yes/yes."),
            ("$$yes_", "$yes_"),
            ("${yes_?on}${empty?on}${gone?on}", "on"),
            ("${yes_:off}${empty:off}${gone:off}", "offoff"),
            ("${yes_?yes:no}", "yes:no"),
            ("${yes_?{a}:{b}}${empty ? {a} : {b}}", "ab"),
            ("${yes_?{ a }:b}", " a "),
            ("${{$yes_} == {yes} ? {same} : {other}}", "same"),
            ("${{ yes } == {yes} ? {same} : {other}}", "other"),
            ("${{} == {}}", "true"),
            ("${{a} == {b}}", ""),
            ("${{2x} < {10} ? {less} : {more}}", "more"),
            ("${{$nine} < {10} ? {less} : {more}}", "less"),
            (
                "${{$compatibility_level} <level {3.10} ? {old} : {new}}",
                "old",
            ),
            ("$gone", ""),
        ] {
            assert_eq!(ask(text, Version::new(3, 10)), Ok(value.into()), "{text}");
        }
    }

    #[test]
    fn dies_where_the_daemons_die() {
        for text in [
            "$",
            "a$ b",
            "${",
            "${yes_",
            "$(yes_}",
            "${}",
            "${foo-bar}",
            "$loop",
            "$double",
            "${{a} = {b}}",
            "${{a} == b}",
            "${{a} == {b} x}",
            "${yes_?{a}x}",
            "${{a} <lev {b}}",
            "${{a} <level {b}}",
        ] {
            assert!(ask(text, Version::new(3, 10)).is_err(), "{text}");
        }
    }

    #[test]
    fn old_releases_have_no_braces_inside() {
        let old = Version::new(2, 11);
        assert_eq!(ask("${yes_?{a}:{b}}", old), Ok("{a}:{b}".into()));
        assert!(ask("${ yes_ ?a}", old).is_err());
        assert!(ask("${{a} == {b} ? {c} : {d}}", old).is_err());
        assert!(ask("${{3} <level {4} ? {c} : {d}}", Version::new(3, 5)).is_err());
    }
}
