//! What a line of Postfix's smtpd says about a session.
//!
//! Messages and their versions: postfix source, smtpd/smtpd.c (`smtpd_proto`, `smtpd_check_rewrite`, `smtpd_format_cmd_stats`),
//! smtpd/smtpd_sasl_glue.c (`smtpd_sasl_authenticate`), tls/tls_server.c (`tls_log_summary`).
//! `session` puts the lines of one process in order and draws the conclusion.

use std::sync::LazyLock;

use memchr::{memchr, memmem};
use serde::{Deserialize, Serialize};

use super::places::Places;
use super::word;

/// One line, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// `connect from PEER`: a session begins. One process serves one client at a time.
    Connect,
    /// `… TLS connection established from PEER: TLSv1.3 with cipher …`, at smtpd_tls_loglevel 1 and above.
    Tls {
        /// The client's address.
        client: &'a [u8],
        /// `TLSv1.3`.
        version: &'a [u8],
    },
    /// A message was accepted, or refused, in a session that is logged in.
    Login(Login<'a>),
    /// A failed or aborted AUTH; it is logged whenever the password was looked at.
    AuthFailed,
    /// `lost connection after AUTH from PEER`, or a timeout: perhaps before the AUTH was over.
    HungUp,
    /// `disconnect from PEER`, with the counters that Postfix 3.0 and later add.
    Disconnect(Peer<'a>, Option<Counters>),
    /// The same, of which the counters behind that of STARTTLS are missing: nothing tells whether a login was under TLS.
    Broken,
}

/// The client of a session: `name[address]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer<'a> {
    /// The verified name, or `unknown`.
    pub(crate) name: &'a [u8],
    /// The address, or `unknown`.
    pub(crate) address: &'a [u8],
}

/// A login that a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Login<'a> {
    /// From where.
    pub(crate) peer: Peer<'a>,
    /// The mechanism as the client typed it.
    pub(crate) method: &'a [u8],
    /// Who.
    pub(crate) account: &'a [u8],
    /// The account may end elsewhere, since the fields behind it are not quoted.
    pub(crate) ambiguous: bool,
}

/// What the disconnect line counts (smtpd.c `smtpd_format_cmd_stats`, 3.0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// AUTH commands that succeeded.
    pub(crate) auth: u32,
    /// AUTH commands in all.
    pub(crate) auth_tried: u32,
    /// STARTTLS commands that led to a handshake.
    pub(crate) starttls: u32,
    /// XCLIENT commands, after which the client has another name and address.
    #[serde(default)]
    pub(crate) xclient: u32,
}

/// Understands a message; none where it says nothing about logins or TLS.
pub(crate) fn understand(message: &[u8]) -> Option<Said<'_>> {
    // The first byte tells most of them apart; but a queue id may begin with any letter.
    match message.first()? {
        b'c' if message.starts_with(b"connect from ") => return Some(Said::Connect),
        b'd' => {
            if let Some(rest) = message.strip_prefix(b"disconnect from ") {
                let (peer, rest) = peer(rest)?;
                return Some(match counters(rest) {
                    Ok(counters) => Said::Disconnect(peer, Some(counters)),
                    Err(Counters { starttls: 0, .. }) => Said::Disconnect(peer, None),
                    Err(_) => Said::Broken,
                });
            }
        }
        b'w' => {
            if let Some(rest) = message.strip_prefix(b"warning: ") {
                let (_, rest) = peer(rest)?;
                let failed = rest.strip_prefix(b": SASL ").is_some_and(|rest| {
                    FAILED.find(rest).is_some() || ABORTED.find(rest).is_some()
                });
                return failed.then_some(Said::AuthFailed);
            }
        }
        b'A' | b'T' | b'U' | b'V' => {
            // KIND is Anonymous, Untrusted, Trusted or Verified; 2.3 and 2.4 have none.
            for kind in [
                &b"Anonymous "[..],
                b"Untrusted ",
                b"Trusted ",
                b"Verified ",
                b"",
            ] {
                if let Some(rest) = message.strip_prefix(kind)
                    && let Some(rest) = rest.strip_prefix(b"TLS connection established from ")
                {
                    return established(rest);
                }
            }
        }
        b'l' | b't' if hung_up(message) => return Some(Said::HungUp),
        _ => {}
    }
    // `QUEUEID: client=…`; a proxy filter has `NOQUEUE:` there.
    let colon = word::first(&message[..message.len().min(40)], b':')?;
    let (id, rest) = (&message[..colon], &message[colon + 1..]);
    let rest = rest.strip_prefix(b" ")?;
    if let Some(rest) = rest.strip_prefix(b"client=") {
        return is_queue_id(id).then(|| client(rest).map(Said::Login))?;
    }
    let rejects = rest.starts_with(b"reject: ") || rest.starts_with(b"milter-reject: ");
    if rejects && is_queue_id(id) {
        return rejected(rest).map(Said::Login);
    }
    // Since 3.10 the queue id or NOQUEUE stands before it.
    (hung_up(rest) && is_queue_id(id)).then_some(Said::HungUp)
}

/// The client left during AUTH.
fn hung_up(text: &[u8]) -> bool {
    text.starts_with(b"lost connection after AUTH ") || text.starts_with(b"timeout after AUTH ")
}

/// Digits of base 16, 51 and 52, or `NOQUEUE`: letters and digits only (global/mail_queue.h). With `-v` and debug_peer_list
/// other words stand there: `< PEER: client=…` is what a client sent.
fn is_queue_id(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_alphanumeric)
}

/// Searchers are made once: their making costs more than the search.
static FAILED: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b" authentication failed"));
static ABORTED: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b" authentication aborted"));

/// `PEER[ to SNI]: TLSv1.3 with cipher …`.
fn established(rest: &[u8]) -> Option<Said<'_>> {
    let (peer, rest) = peer(rest)?;
    // The name that the client asked for is logged only if a table of the server holds it (3.4), so it is no free text.
    let version = match rest.strip_prefix(b": ") {
        Some(version) => version,
        None => &rest[memmem::find(rest, b": ")? + 2..],
    };
    let end = word::first(version, b' ').unwrap_or(version.len());
    Some(Said::Tls {
        client: peer.address,
        version: &version[..end],
    })
}

/// `name[address]` or, with smtpd_client_port_logging (2.5), `name[address]:port`, and what follows.
fn peer(text: &[u8]) -> Option<(Peer<'_>, &[u8])> {
    let open = word::first_of(text, b'[', b' ')?;
    if text[open] == b' ' {
        return None;
    }
    let close = open + word::first(&text[open..], b']')?;
    let name = &text[..open];
    let mut rest = &text[close + 1..];
    if let [b':', first @ (b'0'..=b'9' | b'u'), ..] = rest {
        let port = if *first == b'u' {
            b"unknown".len()
        } else {
            rest[1..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        rest = rest.get(1 + port..)?;
    }
    let peer = Peer {
        name,
        address: &text[open + 1..close],
    };
    Some((peer, rest))
}

/// What stands before the name.
const USER: &[u8] = b", sasl_username=";

/// `PEER[, sasl_method=M][, sasl_username=U][, sasl_sender=S][, orig_queue_id=Q][, orig_client=PEER]`.
///
/// Without a SASL name it is a message of nobody: mail from outside, or the copy that a content filter gives back.
fn client(text: &[u8]) -> Option<Login<'_>> {
    let (peer, rest) = peer(text)?;
    let rest = rest.strip_prefix(b", sasl_method=")?;
    // Nearly always the name follows at once, and nothing follows it.
    let comma = word::first(rest, b',')?;
    let user = if rest[comma..].starts_with(USER) {
        comma
    } else {
        memmem::find(rest, USER)?
    };
    let (method, mut account) = (&rest[..user], &rest[user + USER.len()..]);
    let mut ambiguous = false;
    if word::first(account, b',').is_none() {
        return Some(Login {
            peer,
            method,
            account,
            ambiguous,
        });
    }
    // Nothing is quoted, so the fields behind the name are taken off from the right, in the order in which smtpd writes them.
    for field in [
        &b", orig_client="[..],
        b", orig_queue_id=",
        b", sasl_sender=",
    ] {
        if let Some(at) = memmem::rfind(account, field) {
            let value = &account[at + field.len()..];
            if memchr(b' ', value).is_none() && memchr(b',', value).is_none() {
                account = &account[..at];
                ambiguous = true;
            }
        }
    }
    ambiguous |= memmem::find(account, b", ").is_some();
    Some(Login {
        peer,
        method,
        account,
        ambiguous,
    })
}

static METHOD: LazyLock<memmem::FinderRev<'static>> =
    LazyLock::new(|| memmem::FinderRev::new(b"> sasl_method="));

/// A message that is longer may have been cut.
const LONGEST_WHOLE: usize = 1900;

/// `reject: RCPT from PEER: … helo=<H> sasl_method=M sasl_username=U sasl_sender=S`, the tail since 3.10.
///
/// A stranger chooses `helo=<…>`, but whatever he puts there, the line then ends in `>`, unless it is so long that it was
/// cut (at 2,000 bytes: util/msg_syslog.c and global/maillog_client.c).
fn rejected(text: &[u8]) -> Option<Login<'_>> {
    if text.last() == Some(&b'>') || text.len() > LONGEST_WHOLE {
        return None;
    }
    const USER: &[u8] = b" sasl_username=";
    let tail = &text[METHOD.rfind(text)? + METHOD.needle().len()..];
    let user = memmem::find(tail, USER)?;
    let (method, account) = (&tail[..user], &tail[user + USER.len()..]);
    let sender = memmem::rfind(account, b" sasl_sender=");
    let account = &account[..sender.unwrap_or(account.len())];
    let from = memmem::find(text, b" from ")?;
    let (peer, _) = peer(&text[from + 6..])?;
    Some(Login {
        peer,
        method,
        account,
        ambiguous: sender.is_some() || memchr(b' ', account).is_some(),
    })
}

/// ` ehlo=2 starttls=1 auth=0/1 commands=3/4`; before 3.0, and where the end is missing, they are no whole ones.
fn counters(text: &[u8]) -> Result<Counters, Counters> {
    let mut found = Counters::default();
    let mut complete = false;
    for equal in Places::of(b'=', text) {
        let (name, value) = (&text[..equal], &text[equal + 1..]);
        match name.last() {
            Some(b'h') if name.ends_with(b" auth") => {
                (found.auth, found.auth_tried) = count(value);
            }
            Some(b's') if name.ends_with(b" starttls") => found.starttls = count(value).0,
            Some(b's') => complete |= name.ends_with(b" commands"),
            Some(b't') if name.ends_with(b" xclient") => found.xclient = count(value).1,
            Some(_) | None => {}
        }
    }
    if complete { Ok(found) } else { Err(found) }
}

/// `2` or `1/2`, up to a blank: how many succeeded, and how many there were.
fn count(text: &[u8]) -> (u32, u32) {
    let end = text.iter().position(|byte| *byte == b' ');
    let text = &text[..end.unwrap_or(text.len())];
    let number = |text| super::prefix::digits(text).unwrap_or(0);
    match text.iter().position(|byte| *byte == b'/') {
        Some(slash) => (number(&text[..slash]), number(&text[slash + 1..])),
        None => (number(text), number(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bstr::ByteSlice;

    fn login(message: &str) -> String {
        match understand(message.as_bytes()) {
            Some(Said::Login(login)) => format!(
                "{} {} {} {}{}",
                login.peer.name.as_bstr(),
                login.peer.address.as_bstr(),
                login.method.as_bstr(),
                login.account.as_bstr(),
                if login.ambiguous { " ?" } else { "" }
            ),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_login_is_named_by_client_and_reject_lines() {
        for (message, expected) in [
            (
                "9AE13C0073: client=h.example.org[192.0.2.9], sasl_method=login, sasl_username=ann",
                "h.example.org 192.0.2.9 login ann",
            ),
            (
                "NOQUEUE: client=unknown[2001:db8::2]:4711, sasl_method=PLAIN, sasl_username=ann@example.org",
                "unknown 2001:db8::2 PLAIN ann@example.org",
            ),
            (
                "A1B2C3D4E5: client=h[192.0.2.9], sasl_method=PLAIN, sasl_username=we, sasl_sender=ird user, sasl_sender=a@b",
                "h 192.0.2.9 PLAIN we, sasl_sender=ird user ?",
            ),
            (
                "A1: client=h[192.0.2.9], sasl_method=PLAIN, sasl_username=a, sasl_sender=s, orig_queue_id=B2, orig_client=x[192.0.2.1]",
                "h 192.0.2.9 PLAIN a ?",
            ),
            ("A1: client=h[192.0.2.9]", "None"),
            (
                "< x[192.0.2.5]: client=h[192.0.2.7], sasl_method=PLAIN, sasl_username=boss",
                "None",
            ),
            (
                "A1: client=localhost[127.0.0.1], orig_queue_id=B2, orig_client=x[192.0.2.1]",
                "None",
            ),
            (
                "A1: reject: RCPT from h[192.0.2.9]: 554 5.7.1 <x>: no; from=<a> to=<b> proto=ESMTP helo=<h> sasl_method=PLAIN sasl_username=ann",
                "h 192.0.2.9 PLAIN ann",
            ),
            (
                "NOQUEUE: reject: RCPT from h[192.0.2.9]: 554 5.7.1 <x>: no; from=<a> to=<b> proto=ESMTP helo=<x> sasl_method=PLAIN sasl_username=boss>",
                "None",
            ),
            (
                "NOQUEUE: reject: RCPT from h[192.0.2.9]: 554 5.7.1 <x>: no; from=<a> to=<b> proto=ESMTP helo=<h>",
                "None",
            ),
        ] {
            assert_eq!(login(message), expected, "{message}");
        }
    }

    #[test]
    fn counters_tell_tried_from_done() {
        let message = b"disconnect from h[192.0.2.9] ehlo=2 starttls=1 auth=1/3 mail=1 commands=5/7 notes=bare_lf";
        let Some(Said::Disconnect(_, Some(counters))) = understand(message) else {
            panic!("not understood");
        };
        assert_eq!(
            (counters.auth, counters.auth_tried, counters.starttls),
            (1, 3, 1)
        );
        let old = understand(b"disconnect from h[192.0.2.9]");
        assert!(matches!(old, Some(Said::Disconnect(_, None))), "{old:?}");
        let none = understand(b"disconnect from unknown[unknown] commands=0/0");
        assert!(
            matches!(none, Some(Said::Disconnect(_, Some(_)))),
            "{none:?}"
        );
    }

    #[test]
    fn tls_lines_of_all_versions() {
        for message in [
            "Anonymous TLS connection established from h[192.0.2.9]: TLSv1.2 with cipher X (256/256 bits)",
            "TLS connection established from h[192.0.2.9]: TLSv1.2 with cipher X (256/256 bits)",
            "Untrusted TLS connection established from h[192.0.2.9] to mail.example.org: TLSv1.2 with cipher X",
        ] {
            assert_eq!(
                understand(message.as_bytes()),
                Some(Said::Tls {
                    client: b"192.0.2.9",
                    version: b"TLSv1.2"
                }),
                "{message}"
            );
        }
        assert_eq!(
            understand(b"setting up TLS connection from h[192.0.2.9]"),
            None
        );
        assert_eq!(
            understand(b"warning: h[192.0.2.9]: SASL LOGIN authentication failed: UGFzc3dvcmQ6"),
            Some(Said::AuthFailed)
        );
        for (message, said) in [
            (
                "lost connection after AUTH from h[192.0.2.9]",
                Some(Said::HungUp),
            ),
            (
                "NOQUEUE: timeout after AUTH from h[192.0.2.9]",
                Some(Said::HungUp),
            ),
            ("lost connection after DATA from h[192.0.2.9]", None),
        ] {
            assert_eq!(understand(message.as_bytes()), said, "{message}");
        }
        assert_eq!(
            understand(b"warning: hostname x does not resolve to address 192.0.2.9"),
            None
        );
    }
}
