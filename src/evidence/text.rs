//! A text: bytes that a log holds, kept together with all the others.
//!
//! The same account, client and service stand in many rows; each of these costs a pointer and a number, and the bytes are there once.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use bstr::BStr;

/// Texts, one behind the other, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each ends; it starts where the one before ends.
    ends: Vec<usize>,
}

impl Texts {
    /// The text with this number; empty where there is none.
    pub(crate) fn get(&self, number: usize) -> &[u8] {
        let Some(&end) = self.ends.get(number) else {
            return &[];
        };
        let start = number
            .checked_sub(1)
            .and_then(|before| self.ends.get(before).copied())
            .unwrap_or(0);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Adds a text, which gets the next number.
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All of them in one.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Bytes that a log holds; nearly always UTF-8.
#[derive(Clone)]
pub struct Text {
    texts: Arc<Texts>,
    number: u32,
}

impl Text {
    /// One of these.
    pub(crate) const fn of(texts: Arc<Texts>, number: u32) -> Self {
        Self { texts, number }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.texts.get(self.number as usize)
    }
}

impl Deref for Text {
    type Target = BStr;

    fn deref(&self) -> &BStr {
        BStr::new(self.as_slice())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::of(Arc::default(), 0)
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        let mut texts = Texts::default();
        texts.push(bytes);
        Self::of(Arc::new(texts), 0)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.as_bytes().into()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
