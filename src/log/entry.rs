//! An entry: the fields of an object in JSON that matter to a log.
//!
//! Only lines with a needle come here, so that most of a log is never parsed.

use std::borrow::Cow;
use std::fmt;

use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x64};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The fields that matter. Some services write one under two names; then the first that has a value counts.
#[derive(Debug, Default)]
pub(crate) struct Entry<'a> {
    pub(crate) message: Option<Cow<'a, [u8]>>,
    pub(crate) program: Option<Cow<'a, [u8]>>,
    pub(crate) journal_pid: Option<Cow<'a, [u8]>>,
    pub(crate) pid: Option<Cow<'a, [u8]>>,
    pub(crate) host: Option<Cow<'a, [u8]>>,
    pub(crate) micros: Option<Cow<'a, [u8]>>,
    pub(crate) time: Option<Cow<'a, [u8]>>,
}

impl<'a> Entry<'a> {
    /// Reads one object; none where it is none.
    pub(crate) fn read(line: &'a [u8]) -> Option<Self> {
        Self::flat(line).or_else(|| serde_json::from_slice(line).ok())
    }

    /// An object whose values are all texts without escapes, as the journal writes nearly every entry: every second quotation mark
    /// ends a name or a value. None where it may be any other.
    fn flat(line: &'a [u8]) -> Option<Self> {
        let mut marks = dispatch!(Level::new(), simd => quotation_marks(simd, line))?;
        let mut block = 0;
        let mut next = || {
            while *marks.get(block)? == 0 {
                block += 1;
            }
            let at = block * BLOCK + marks[block].trailing_zeros() as usize;
            marks[block] &= marks[block] - 1;
            Some(at)
        };
        let mut quoted = |start: usize| {
            let (open, close) = (next()?, next()?);
            (open == start).then(|| Some((line.get(open + 1..close)?, close + 1)))?
        };
        let mut entry = Self::default();
        let mut at = line.starts_with(b"{").then_some(1)?;
        loop {
            let (name, behind) = quoted(at)?;
            if line.get(behind) != Some(&b':') {
                return None;
            }
            let (value, behind) = quoted(behind + 1)?;
            if let Some(field) = entry.field(name)
                && field.is_none()
            {
                *field = Some(Cow::Borrowed(value));
            }
            at = behind + 1;
            match line.get(behind)? {
                b',' => {}
                b'}' if at == line.len() => return Some(entry),
                _ => return None,
            }
        }
    }

    /// The field that has this name in the journal or in a common log service.
    fn field(&mut self, name: &[u8]) -> Option<&mut Option<Cow<'a, [u8]>>> {
        Some(match name {
            b"MESSAGE" | b"message" | b"msg" | b"log" | b"line" => &mut self.message,
            b"SYSLOG_IDENTIFIER" | b"program" | b"ident" | b"appname" | b"tag" => &mut self.program,
            b"_PID" => &mut self.journal_pid,
            b"SYSLOG_PID" | b"pid" | b"procid" => &mut self.pid,
            b"_HOSTNAME" | b"host" | b"hostname" => &mut self.host,
            b"__REALTIME_TIMESTAMP" => &mut self.micros,
            b"time" | b"timestamp" | b"@timestamp" => &mut self.time,
            _ => return None,
        })
    }
}

/// How many bytes are looked at in one go.
const BLOCK: usize = 64;

/// The most blocks that a flat entry has; most have a tenth.
const BLOCKS: usize = 64;

/// Where quotation marks stand, as a bit for each byte; none where a byte is no printable letter of ASCII or a backslash, or the
/// line is longer than an entry usually is.
#[inline(always)]
fn quotation_marks<S: Simd>(simd: S, line: &[u8]) -> Option<[u64; BLOCKS]> {
    let splat = |byte| u8x64::splat(simd, byte);
    let (blank, tilde) = (splat(b' '), splat(b'~'));
    let (mark, backslash) = (splat(b'"'), splat(b'\\'));
    if line.len() > BLOCK * BLOCKS {
        return None;
    }
    let mut marks = [0; BLOCKS];
    for (bytes, marks) in line.chunks(BLOCK).zip(&mut marks) {
        let mut copy;
        let bytes = match bytes.first_chunk::<BLOCK>() {
            Some(bytes) => bytes,
            None => {
                copy = [b' '; BLOCK];
                copy[..bytes.len()].copy_from_slice(bytes);
                &copy
            }
        };
        let bytes = u8x64::from_slice(simd, bytes);
        let strange = bytes.simd_lt(blank) | bytes.simd_gt(tilde) | bytes.simd_eq(backslash);
        if strange.to_bitmask() != 0 {
            return None;
        }
        *marks = bytes.simd_eq(mark).to_bitmask();
    }
    Some(marks)
}

impl<'de> Deserialize<'de> for Entry<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Entry<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Entry<'de>, A::Error> {
                let mut entry = Entry::default();
                while let Some(Text(name)) = object.next_key()? {
                    let Some(field) = entry.field(&name.unwrap_or_default()) else {
                        object.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let Text(value) = object.next_value()?;
                    if field.is_none() {
                        *field = value;
                    }
                }
                Ok(entry)
            }
        }

        from.deserialize_map(Object)
    }
}

/// A value as text; none where it is none. journald writes what is not printable as an array of byte values.
#[derive(Debug)]
struct Text<'a>(Option<Cow<'a, [u8]>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Value;

        impl<'de> Visitor<'de> for Value {
            type Value = Option<Cow<'de, [u8]>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Borrowed(text.as_bytes())))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(text.into())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string().into_bytes())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string().into_bytes())))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(format!("{number:.6}").into_bytes())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut bytes = Some(Vec::new());
                while let Some(element) = list.next_element()? {
                    match element {
                        Element::Byte(byte) => bytes.iter_mut().for_each(|bytes| bytes.push(byte)),
                        Element::Other(_) => bytes = None,
                    }
                }
                Ok(bytes.map(Cow::Owned))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(None)
            }
        }

        from.deserialize_any(Value).map(Self)
    }
}

/// One of a list of values.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Byte(u8),
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pieces of which objects, and what resembles them, are made.
    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "{",
            "}",
            ",",
            ":",
            "\"",
            "\\",
            "\\\"",
            " ",
            "\t",
            "\u{e4}",
            "1",
            "null",
            "MESSAGE",
            "_PID",
            "x",
            "\"MESSAGE\":\"x\"",
            "\"message\":\"y z\"",
            "\"_PID\":\"12\"",
            "\"a\":\"\"",
            "\"pid\":12",
            "\"host\":{}",
            "\"time\":\"\\u0041\"",
        ])
    }

    proptest! {
        #[test]
        fn what_is_flat_is_read_as_any_other(
            pieces in prop::collection::vec(piece(), 0..8),
            objects in prop::collection::vec(15..22usize, 0..5),
        ) {
            let known = ["\"MESSAGE\":\"x\"", "\"message\":\"y z\"", "\"_PID\":\"12\"", "\"a\":\"\"", "\"pid\":12", "\"host\":{}", "\"time\":\"\\u0041\""];
            let objects: Vec<&str> = objects.iter().map(|at| known[at - 15]).collect();
            for text in [pieces.concat(), format!("{{{}}}", pieces.concat()), format!("{{{}}}", objects.join(","))] {
                if let Some(found) = Entry::flat(text.as_bytes()) {
                    let any: Option<Entry<'_>> = serde_json::from_str(&text).ok();
                    prop_assert_eq!(Some(format!("{found:?}")), any.map(|any| format!("{any:?}")), "{}", text);
                }
            }
        }
    }

    #[test]
    fn an_entry_of_the_journal_is_flat() {
        let entry = br#"{"__CURSOR":"s=0;i=1","__REALTIME_TIMESTAMP":"1772409600374488","_PID":"1001","MESSAGE":"connect from h[192.0.2.9]"}"#;
        let found = Entry::flat(entry).unwrap_or_default();
        assert_eq!(
            found.message.as_deref(),
            Some(&b"connect from h[192.0.2.9]"[..])
        );
        assert_eq!(found.micros.as_deref(), Some(&b"1772409600374488"[..]));
    }
}
