//! A test: what a rule asks of one value.
//!
//! ```toml
//! setting.smtpd_tls_security_level = "encrypt"
//! setting.ssl_min_protocol = { at-least = "TLSv1.2" }
//! ```

use bstr::ByteSlice;
use regex::bytes::Regex;

use super::truth::Truth;
use crate::tls::{Release, words};

/// What is asked of a value; all of it has to hold.
#[derive(Clone, Debug, Default)]
pub struct Test {
    /// It is one of these, in any case.
    pub is: Option<Vec<String>>,
    /// It matches.
    pub matches: Option<Regex>,
    /// One of its words is one of these, in any case.
    pub has: Option<Vec<String>>,
    /// Each of its words matches.
    pub every: Option<Regex>,
    /// It is no smaller or older than this.
    pub at_least: Option<Rank>,
    /// Whether there is nothing in it.
    pub empty: Option<bool>,
    /// Whether a file sets it.
    pub set: Option<bool>,
    /// The name of the file that sets it matches.
    pub written_in: Option<Regex>,
}

impl Test {
    /// Whether a value passes; `file` is the one that sets it, if one does.
    pub fn of(&self, value: &[u8], file: Option<&[u8]>) -> Truth {
        let value = value.trim_ascii();
        let one_of = |word: &[u8], words: &[String]| {
            words
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
        };
        let mut holds = true;
        if let Some(words) = &self.is {
            holds &= one_of(value, words);
        }
        if let Some(pattern) = &self.matches {
            holds &= pattern.is_match(value);
        }
        if let Some(wanted) = &self.has {
            holds &= words(value).any(|word| one_of(word, wanted));
        }
        if let Some(pattern) = &self.every {
            holds &= words(value).all(|word| pattern.is_match(word));
        }
        if let Some(empty) = self.empty {
            holds &= value.is_empty() == empty;
        }
        if let Some(set) = self.set {
            holds &= file.is_some() == set;
        }
        if let Some(pattern) = &self.written_in {
            holds &= file.is_some_and(|file| pattern.is_match(file));
        }
        let ranked = self.at_least.as_ref().map(|bound| bound.covers(value));
        Truth::from(holds).and(ranked.unwrap_or(Truth::Yes))
    }
}

/// Something that can be smaller or older than something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// A number.
    Number(i64),
    /// A release of TLS.
    Protocol(Release),
}

impl Rank {
    /// Reads a bound as a rule writes it.
    pub fn read(text: &str) -> Option<Self> {
        let number = text.parse().ok().map(Self::Number);
        number.or_else(|| Release::named(text.as_bytes()).map(Self::Protocol))
    }

    /// Whether a value is no smaller: a number, a release of TLS, or a list of which the oldest release counts.
    fn covers(self, value: &[u8]) -> Truth {
        let least = match self {
            Self::Number(least) => {
                let number = value
                    .to_str()
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok());
                number.map(|number| number >= least)
            }
            Self::Protocol(least) => Release::oldest_of(value).map(|oldest| oldest >= least),
        };
        least.map_or_else(
            || Truth::Unknown(format!("what \"{}\" comes to", value.as_bstr())),
            Truth::from,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_tls_have_an_order() {
        let test = Test {
            at_least: Rank::read("TLSv1.2"),
            ..Test::default()
        };
        for (value, holds) in [
            ("TLSv1.2", Some(true)),
            ("tlsv1.3", Some(true)),
            ("LATEST", Some(true)),
            ("TLSv1", Some(false)),
            ("ANY", Some(false)),
            ("", Some(false)),
            (">=TLSv1.2", Some(true)),
            (">=TLSv1", Some(false)),
            ("!SSLv2, !SSLv3", Some(false)),
            ("!SSLv2, !SSLv3, !TLSv1, !TLSv1.1", Some(true)),
            ("!SSLv2:!SSLv3:!TLSv1:!TLSv1.1", Some(true)),
            ("TLSv1.3 TLSv1.2", Some(true)),
            ("nonsense", None),
        ] {
            let found = match test.of(value.as_bytes(), None) {
                Truth::Yes => Some(true),
                Truth::No => Some(false),
                Truth::Unknown(_) => None,
            };
            assert_eq!(found, holds, "{value}");
        }
    }

    #[test]
    fn everything_asked_has_to_hold() {
        let test = Test {
            has: Some(vec!["plain".to_owned()]),
            set: Some(true),
            ..Test::default()
        };
        assert_eq!(test.of(b"LOGIN, PLAIN", Some(b"main.cf")), Truth::Yes);
        assert_eq!(test.of(b"LOGIN, PLAIN", None), Truth::No);
        assert_eq!(test.of(b"LOGIN", Some(b"main.cf")), Truth::No);
        let number = Test {
            at_least: Rank::read("1"),
            ..Test::default()
        };
        assert_eq!(number.of(b"0", None), Truth::No);
        assert_eq!(number.of(b"2", None), Truth::Yes);
    }
}
