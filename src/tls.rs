//! A release of TLS: by its name in logs and settings, and as the oldest of a list.

use bstr::ByteSlice;

/// A release of TLS; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(usize);

/// The releases in their order, with the words that Dovecot has for both ends. OpenSSL names them so as well
/// (ssl/ssl_lib.c:SSL_get_version), and both servers log its words.
const NAMES: [&str; 8] = [
    "ANY", "SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "LATEST",
];

impl Release {
    /// The release of a name, in any case.
    pub fn named(name: &[u8]) -> Option<Self> {
        NAMES
            .iter()
            .position(|known| name.eq_ignore_ascii_case(known.as_bytes()))
            .map(Self)
    }

    /// The oldest release that a value allows: `TLSv1.2`, or a list of Postfix such as `!SSLv2, !SSLv3` or `>=TLSv1.2`
    /// (postconf(5), smtpd_tls_protocols), where it can be told.
    pub fn oldest_of(value: &[u8]) -> Option<Self> {
        let mut floor = 1;
        let mut excluded = Vec::new();
        let mut included = Vec::new();
        for word in words(value).flat_map(|word| word.split_str(":")) {
            if let Some(bound) = word.strip_prefix(b">=") {
                floor = Self::named(bound)?.0;
            } else if let Some(bound) = word.strip_prefix(b"<=") {
                Self::named(bound)?;
            } else if let Some(name) = word.strip_prefix(b"!") {
                excluded.push(Self::named(name)?.0);
            } else {
                included.push(Self::named(word)?.0);
            }
        }
        if let [only @ (0 | 7)] = included[..] {
            return Some(Self(only));
        }
        (floor..NAMES.len() - 1)
            .find(|one| !excluded.contains(one) && (included.is_empty() || included.contains(one)))
            .map(Self)
    }
}

/// The words of a list, as both servers cut it.
pub fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| byte.is_ascii_whitespace() || *byte == b',')
        .filter(|word| !word.is_empty())
}
