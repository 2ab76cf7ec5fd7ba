//! A refusal: what shows that Dovecot turned a login down for want of TLS, and how several lines about one become one.
//!
//! Each attempt has a line of its own with auth_verbose = yes, mostly without the account; the line at the end of the session
//! comes always, and names it where LOGIN or USER did. So the end says it again, and knows more. All shapes are from live
//! 2.3.13, 2.3.19.1, 2.4.1 and 2.4.5, with ssl = required and with clear text switched off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use memchr::memmem;

use super::elements::{Elements, Word};
use crate::evidence::{Refusal, Text};
use crate::protocol::Protocol;

/// What a line shows of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One attempt, which the end of the session shows again.
    Attempt,
    /// A session, in words that leave no doubt.
    Session,
    /// A session that failed before a mechanism was begun, as only LOGIN and USER without TLS do: the password was not
    /// looked at. Certain where the log shows mechanisms at all.
    Unlooked,
    /// A session that failed with a mechanism and without an account. Without TLS where it is required this is a refusal;
    /// an empty name and a garbled response look the same elsewhere.
    Doubtful,
}

/// The words of each kind. They are what a segment keeps of a refusal, so they also tell its kind.
const WORDS: [(&str, Kind); 11] = [
    ("Plaintext authentication disabled", Kind::Attempt),
    ("Cleartext authentication disabled", Kind::Attempt),
    ("Cleartext authentication disallowed", Kind::Attempt),
    ("SSL required for authentication", Kind::Attempt),
    // client-common.c `client_get_extra_disconnect_reason`; 1.x and 2.0 say "disabled", 2.4 "cleartext".
    ("tried to use disallowed plaintext auth", Kind::Session),
    ("tried to use disallowed cleartext auth", Kind::Session),
    ("tried to use disabled plaintext auth", Kind::Session),
    ("disabled plaintext auth", Kind::Session),
    (UNLOOKED, Kind::Unlooked),
    (DOUBTFUL, Kind::Doubtful),
    (GIVEN_UP, Kind::Doubtful),
];
const UNLOOKED: &str = "failed without TLS before the password was looked at";
/// Of smtpd, whose other refusals need no words to be known by.
pub(crate) const GIVEN_UP: &str = "AUTH failed without TLS, and the client left";
const DOUBTFUL: &str = "failed without TLS, and the line does not say why";

/// What a refusal says: the words kept of it, and how many attempts it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) text: &'static str,
    pub(crate) attempts: u32,
}

/// Searchers are made once: their making costs more than the search.
static FINDERS: LazyLock<[memmem::Finder<'static>; WORDS.len()]> =
    LazyLock::new(|| WORDS.map(|(words, _)| memmem::Finder::new(words)));
static AUTH_FAILED: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new("(auth failed"));

/// Whether a line that is no login shows a refusal: `told` is what it says before its element list.
pub(crate) fn words(told: &[u8], elements: &Elements<'_>) -> Option<Words> {
    if told.starts_with(b"Login failed: ") || told.starts_with(b"Authenticate ") {
        let text = spoken(told, Kind::Attempt)?;
        return Some(Words { text, attempts: 1 });
    }
    // The most frequent failure by far, and never together with the words that leave no doubt.
    let text = if AUTH_FAILED.find(told).is_none() {
        spoken(told, Kind::Session)?
    } else if elements.word != Word::None {
        return None;
    } else {
        match (elements.method, elements.user) {
            (b"", _) => UNLOOKED,
            (_, None) => DOUBTFUL,
            // Somebody looked at the password of this account.
            (_, Some(_)) => return None,
        }
    };
    Some(Words {
        text,
        attempts: attempts(told),
    })
}

/// The words of a kind that the text has.
fn spoken(told: &[u8], wanted: Kind) -> Option<&'static str> {
    let found = WORDS
        .iter()
        .zip(FINDERS.iter())
        .find(|((_, kind), finder)| *kind == wanted && finder.find(told).is_some());
    found.map(|((words, _), _)| *words)
}

/// The number in `(auth failed, 2 attempts in 4 secs)`; 1 where there is none.
fn attempts(told: &[u8]) -> u32 {
    let number = memmem::rfind(told, b" attempts").and_then(|end| {
        let start = told[..end].iter().rposition(|byte| *byte == b' ')? + 1;
        std::str::from_utf8(&told[start..end]).ok()?.parse().ok()
    });
    number.unwrap_or(1).clamp(1, 1000)
}

/// What the words kept of a refusal are; those of smtpd, which counts sessions, are none of these.
pub(crate) fn kind(words: &[u8]) -> Kind {
    WORDS
        .iter()
        .find(|(known, _)| known.as_bytes() == words)
        .map_or(Kind::Session, |(_, kind)| *kind)
}

/// One refusal for what several lines say. The order stays.
pub(crate) fn merged(refusals: Vec<(Kind, Refusal)>) -> Vec<Refusal> {
    type Client = (Text, Text, Protocol, Text);
    let client = |one: &Refusal| -> Client {
        (
            one.host.clone(),
            one.service.clone(),
            one.protocol,
            one.client.clone(),
        )
    };
    let told: BTreeMap<Client, String> = refusals
        .iter()
        .filter(|(kind, _)| *kind == Kind::Attempt)
        .map(|(_, one)| (client(one), one.reason.clone()))
        .collect();
    let ended: BTreeSet<Client> = refusals
        .iter()
        .filter(|(kind, _)| *kind != Kind::Attempt)
        .map(|(_, one)| client(one))
        .collect();
    refusals
        .into_iter()
        .filter(|(kind, one)| *kind != Kind::Attempt || !ended.contains(&client(one)))
        .map(|(kind, mut one)| {
            // Of this client the log says why, in a line of its own.
            if kind == Kind::Doubtful
                && let Some(reason) = told.get(&client(&one))
            {
                one.reason.clone_from(reason);
                one.certain = true;
            }
            one
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::login::{Said, understand};
    use super::*;

    /// Lines of live servers, with the documentation's addresses; what was tried stands before each.
    #[test]
    fn what_live_servers_write() {
        for (tried, message, expected) in [
            (
                "2.3.19.1, ssl = required, LOGIN",
                "Disconnected: Aborted login by logging out (auth failed, 1 attempts in 0 secs): user=<alice@example.org>, rip=198.51.100.20, lip=192.0.2.1, session=<a>",
                Some((Kind::Unlooked, 1)),
            ),
            (
                "2.3.13, ssl = required, LOGIN",
                "Aborted login (auth failed, 1 attempts in 0 secs): user=<alice@example.org>, rip=198.51.100.20, lip=192.0.2.1, session=<a>",
                Some((Kind::Unlooked, 1)),
            ),
            (
                "2.3.19.1, ssl = required, USER and PASS",
                "Disconnected: Aborted login by logging out (auth failed, 2 attempts in 0 secs): user=<alice@example.org>, rip=192.0.2.30, lip=192.0.2.1, session=<a>",
                Some((Kind::Unlooked, 2)),
            ),
            (
                "2.3.19.1, ssl = required, AUTHENTICATE PLAIN",
                "Disconnected: Connection closed (auth failed, 1 attempts in 0 secs): user=<>, method=PLAIN, rip=198.51.100.32, lip=192.0.2.1, session=<a>",
                Some((Kind::Doubtful, 1)),
            ),
            (
                "2.3.19.1, clear text allowed, AUTHENTICATE PLAIN with a response that is none",
                "Disconnected: Aborted login by logging out (auth failed, 1 attempts in 2 secs): user=<>, method=PLAIN, rip=198.51.100.31, lip=192.0.2.1, session=<a>",
                Some((Kind::Doubtful, 1)),
            ),
            (
                "2.3.19.1, clear text allowed, LOGIN with a wrong password",
                "Disconnected: Aborted login by logging out (auth failed, 1 attempts in 2 secs): user=<alice@example.org>, method=PLAIN, rip=198.51.100.21, lip=192.0.2.1, session=<a>",
                None,
            ),
            (
                "2.3.19.1, STARTTLS, LOGIN with a wrong password",
                "Disconnected: Aborted login by logging out (auth failed, 1 attempts in 2 secs): user=<frank@example.org>, method=PLAIN, rip=192.0.2.17, lip=192.0.2.1, TLS, session=<a>",
                None,
            ),
            (
                "2.3.19.1, clear text off, AUTHENTICATE PLAIN",
                "Disconnected: Aborted login by logging out (tried to use disallowed plaintext auth): user=<>, method=PLAIN, rip=198.51.100.25, lip=192.0.2.1, session=<a>",
                Some((Kind::Session, 1)),
            ),
            (
                "2.3.19.1, auth_verbose, LOGIN",
                "Login failed: Plaintext authentication disabled: user=<>, rip=198.51.100.20, lip=192.0.2.1, session=<a>",
                Some((Kind::Attempt, 1)),
            ),
            (
                "2.3.19.1, auth_verbose, clear text off, AUTHENTICATE PLAIN",
                "Authenticate PLAIN failed: Plaintext authentication disabled.: user=<>, method=PLAIN, rip=198.51.100.25, lip=192.0.2.1, session=<a>",
                Some((Kind::Attempt, 1)),
            ),
            (
                "2.3.19.1, auth_verbose, a mechanism that there is none of",
                "Authenticate FOO failed: Unsupported authentication mechanism.: user=<>, method=FOO, rip=198.51.100.33, lip=192.0.2.1, session=<a>",
                None,
            ),
            (
                "2.3.19.1, hung up within a login",
                "Disconnected: Connection closed (client didn't finish SASL auth, waited 0 secs): user=<>, method=PLAIN, rip=198.51.100.32, lip=192.0.2.1, session=<a>",
                None,
            ),
            (
                "2.4.1, ssl = required, LOGIN twice",
                "Login aborted: Logged out (auth failed, 2 attempts in 0 secs) (auth_failed): user=<alice@example.org>, rip=198.51.100.35, lip=192.0.2.1, session=<a>",
                Some((Kind::Unlooked, 2)),
            ),
            (
                "2.4.1, ssl = required, AUTHENTICATE CRAM-MD5",
                "Login aborted: Logged out (auth failed, 1 attempts in 0 secs) (auth_failed): user=<>, method=CRAM-MD5, rip=198.51.100.34, lip=192.0.2.1, session=<a>",
                Some((Kind::Doubtful, 1)),
            ),
            (
                "2.4.1, clear text allowed, LOGIN with a wrong password",
                "Login aborted: Logged out (auth failed, 1 attempts in 2 secs) (auth_failed): user=<alice@example.org>, method=PLAIN, rip=198.51.100.21, lip=192.0.2.1, session=<a>",
                None,
            ),
            (
                "2.4.1, clear text off, AUTHENTICATE PLAIN, then LOGIN",
                "Login aborted: Logged out (tried to use disallowed cleartext auth, 2 attempts in 0 secs) (cleartext_auth_disabled): user=<bob@example.org>, method=PLAIN, rip=198.51.100.36, lip=192.0.2.1, session=<a>",
                Some((Kind::Session, 2)),
            ),
            (
                "2.4.1, auth_verbose, clear text off, AUTHENTICATE PLAIN",
                "Authenticate PLAIN failed: Cleartext authentication disallowed on non-secure (SSL/TLS) connections.: user=<>, method=PLAIN, rip=198.51.100.25, lip=192.0.2.1, session=<a>",
                Some((Kind::Attempt, 1)),
            ),
            (
                "2.4.1, auth_verbose, ssl = required, AUTHENTICATE",
                "Login failed: SSL required for authentication: user=<>, method=FOO, rip=198.51.100.33, lip=192.0.2.1, session=<a>",
                Some((Kind::Attempt, 1)),
            ),
            (
                "2.4.1, LOGIN, then a TLS handshake that failed",
                "Login aborted: Connection closed (disconnected during TLS handshake) (tls_handshake_not_finished): user=<alice@example.org>, rip=198.51.100.37, lip=192.0.2.1, TLS handshaking: write() failed: Broken pipe, session=<a>",
                None,
            ),
            (
                "clear text allowed, a name that says the words",
                "Disconnected: Aborted login (auth failed, 1 attempts in 2 secs): user=<SSL required for authentication: user=<bob>, method=PLAIN, rip=198.51.100.33, lip=192.0.2.1, session=<a>",
                None,
            ),
        ] {
            let found = match understand(message.as_bytes()) {
                Some(Said::Refused(_, words)) => {
                    Some((kind(words.text.as_bytes()), words.attempts))
                }
                Some(Said::Login(_) | Said::Other(_)) | None => None,
            };
            assert_eq!(found, expected, "{tried}");
        }
    }
}
