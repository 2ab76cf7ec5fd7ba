//! The vocabulary of conditions: the words that may stand in one, and what each of them means. It is closed, so that a word
//! that nobody knows is a mistake.

use toml_edit::TableLike;

use crate::protocol::Protocol;
use crate::surface::{ExemptionKind, Server, TlsMode};
use crate::toml::Reader;

use super::condition::ExceptionKind;
use super::endpoint::Reach;

/// The words of the verdicts.
pub(super) const VERDICTS: [(&str, &str); 7] = [
    ("tls-only", "tls-only"),
    ("cleartext", "cleartext"),
    ("challenge", "challenge"),
    ("locked-out", "locked-out"),
    ("no-auth", "no-auth"),
    ("fails", "fails"),
    ("unknown", "unknown"),
];

pub(super) const SERVERS: [(&str, Server); 2] =
    [("postfix", Server::Postfix), ("dovecot", Server::Dovecot)];

pub(super) const PROTOCOLS: [(&str, Protocol); 5] = [
    ("smtp", Protocol::Smtp),
    ("imap", Protocol::Imap),
    ("pop3", Protocol::Pop3),
    ("sieve", Protocol::Sieve),
    ("submission", Protocol::Submission),
];

pub(super) const TLS: [(&str, TlsMode); 3] = [
    ("none", TlsMode::None),
    ("starttls", TlsMode::StartTls),
    ("implicit", TlsMode::Implicit),
];

pub(super) const REACHES: [(&str, Reach); 3] = [
    ("network", Reach::Network),
    ("loopback", Reach::Loopback),
    ("socket", Reach::Socket),
];

pub(super) const EXEMPTIONS: [(&str, ExemptionKind); 4] = [
    ("same-host", ExemptionKind::SameHost),
    ("trusted-network", ExemptionKind::TrustedNetwork),
    ("haproxy", ExemptionKind::HaProxy),
    ("filter", ExemptionKind::Filter),
];

pub(super) const EXCEPTIONS: [(&str, ExceptionKind); 3] = [
    ("expired", ExceptionKind::Expired),
    ("unused", ExceptionKind::Unused),
    ("malformed", ExceptionKind::Malformed),
];

/// A word that has to be one of `known`, where there is one.
pub(super) fn one_of<T: Copy>(
    reader: &mut Reader<'_>,
    table: &dyn TableLike,
    key: &str,
    known: &[(&str, T)],
) -> Option<T> {
    table.get(key)?;
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    let word = reader.word(table, key, &words)?;
    known
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, value)| *value)
}

/// A word or a list of words, each of which has to be one of `known`.
pub(super) fn list<T: Copy>(
    reader: &mut Reader<'_>,
    table: &dyn TableLike,
    key: &str,
    known: &[(&str, T)],
) -> Vec<T> {
    let mut values = Vec::new();
    for (word, span) in reader.texts(table, key) {
        match known.iter().find(|(known, _)| *known == word) {
            Some((_, value)) => values.push(*value),
            None => {
                let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
                reader.complain(
                    span,
                    format!("\"{word}\" is not one of {}", words.join(", ")),
                );
            }
        }
    }
    values
}
