//! What a line of a Dovecot login process says about a login: somebody got in, was refused, or left.
//!
//! Dovecot writes `MESSAGE: user=<NAME>, method=PLAIN, rip=…, lip=…, mpid=…, TLS, session=<…>`;
//! what stands behind the message is for `elements`, and what makes a failure a refusal for `refusal`.

use std::sync::LazyLock;

use memchr::memmem;

use super::elements::{Elements, elements};
use super::refusal::{self, Words};

/// One line, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// Somebody logged in, or was passed on to another server after a login.
    Login(Elements<'a>),
    /// Somebody was refused for want of TLS, or perhaps; the words that say so.
    Refused(Elements<'a>, Words),
    /// Somebody left without a login. Only what it shows about the element list is of use.
    Other(Elements<'a>),
}

/// Understands a message; none where it is about something else.
pub(crate) fn understand(message: &[u8]) -> Option<Said<'_>> {
    // 2.0 to 2.3 "Login", 2.4 "Logged in" (login-common/client-common-auth.c `client_auth_result`).
    for success in [&b"Login: "[..], b"Logged in: "] {
        if let Some(list) = message.strip_prefix(success) {
            return elements(list).map(Said::Login);
        }
    }
    if message.starts_with(b"Login with referral") {
        return list(message).map(|(_, found)| Said::Login(found));
    }
    if let Some(list) = proxied(message) {
        return elements(list).map(Said::Login);
    }
    let (start, found) = list(message)?;
    Some(match refusal::words(&message[..start], &found) {
        Some(words) => Said::Refused(found, words),
        None => Said::Other(found),
    })
}

/// The element list behind free text, which may hold colons, and where the text ends: the name is any text, so it ends before the
/// first one that there might be.
fn list(message: &[u8]) -> Option<(usize, Elements<'_>)> {
    let (first, last) = (NAME.find(message), USER.rfind(message));
    let colon = last.or_else(|| CLIENT.rfind(message));
    let start = colon.or_else(|| in_other_order(message))? + 2;
    let mut found = elements(&message[start..])?;
    // The name, or what a client calls itself, holds the beginning of a list as well.
    found.ambiguous |= first != last;
    Some((first.unwrap_or(start).min(start), found))
}

/// Searchers are made once: their making costs more than the search.
static USER: LazyLock<memmem::FinderRev<'static>> =
    LazyLock::new(|| memmem::FinderRev::new(b": user=<"));
static NAME: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b": user=<"));
static CLIENT: LazyLock<memmem::FinderRev<'static>> =
    LazyLock::new(|| memmem::FinderRev::new(b": rip="));

/// The colon before a list that begins with neither: `…: session=<…>, user=<…>, …`.
fn in_other_order(message: &[u8]) -> Option<usize> {
    let element = [&b", user=<"[..], b", rip="].map(|element| memmem::find(message, element));
    let first = element.into_iter().flatten().min()?;
    memmem::rfind(&message[..first], b": ")
}

/// The list of a line that stands for a login on a proxy:
/// `proxy(NAME): started proxying to HOST:143: user=<…>` (2.0), `proxy(NAME,HOST:143): Started proxying to ADDRESS (0.012 secs): user=<…>` (2.3).
fn proxied(message: &[u8]) -> Option<&[u8]> {
    let start = if message.starts_with(b"proxy(") {
        let old = memmem::find(message, b"): started proxying to ");
        old.or_else(|| memmem::find(message, b"): Started proxying to "))? + 3
    } else if message.starts_with(b"Started proxying to ") {
        0
    } else {
        return None;
    };
    let rest = &message[start..];
    // Where the list does not begin with the name: an IPv6 address has no blank behind its colons.
    let list = NAME.find(rest).or_else(|| memmem::find(rest, b": "))?;
    message.get(start + list + 2..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bstr::ByteSlice;

    fn shown(message: &str) -> String {
        let (verb, e) = match understand(message.as_bytes()) {
            Some(Said::Login(e)) => ("login", e),
            Some(Said::Refused(e, _)) => ("refused", e),
            Some(Said::Other(e)) => ("other", e),
            None => return "none".to_owned(),
        };
        format!(
            "{verb} {} {} {} {} {:?}{}{}",
            e.user.map_or("-".into(), |user| user.as_bstr().to_string()),
            e.method.as_bstr(),
            e.client.as_bstr(),
            e.server.as_bstr(),
            e.word,
            e.version
                .map_or(String::new(), |version| format!(" {}", version.as_bstr())),
            if e.ambiguous { " ?" } else { "" }
        )
    }

    #[test]
    fn logins_of_all_versions() {
        for (message, expected) in [
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=25607",
                "login ann PLAIN 192.0.2.9 192.0.2.1 None",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=26295, TLS, TLSv1.2 with cipher DHE-RSA-AES256-GCM-SHA384 (256/256 bits)",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls TLSv1.2",
            ),
            (
                "Logged in: user=<ann>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.1, mpid=1, secured, session=<a>",
                "login ann PLAIN 192.0.2.1 192.0.2.1 Secured",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, (proxied), session=<a>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Secured",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, TLS, (proxied), session=<a>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, TLS: Connection closed, session=<a>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, TLS: SSL_read() failed: eof, while reading, session=<a>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, TSL, session=<a>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, session=<a>, method=PLAIN, rip=::ffff:192.0.2.9, lip=192.0.2.1, TLS",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: session=<a>, user=<ann>, method=PLAIN, rip=2001:db8::9, lip=2001:db8::1, ssl_security=\"TLSv1.3 with cipher X\"",
                "login ann PLAIN 2001:db8::9 2001:db8::1 Tls TLSv1.3",
            ),
            // What the system says of a connection may hold `=`.
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=7, TLS: read(size=519) failed: Connection reset by peer, session=<b>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=7, TLS: a=b, c, session=<b>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            // What formats make of the words: `tls="%c"`, `[%c]`, `%Lc`, `%Uk`, `%5c`, `%c/%k`.
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, tls=\"TLS\", session=<b>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, [TLS]",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, tls=<TLS>, session=<b>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, tls handshaking: x, session=<b>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLSV1.2 WITH CIPHER X",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls TLSV1.2",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, secur, session=<b>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Secured",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, ssl_security=\"(proxied)\"",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Secured",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS/TLSv1.2 with cipher X",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            // Elements that are written with commas of their own; tails of relays.
            (
                "Login: user=<ann>,, method=PLAIN,, rip=192.0.2.9,, lip=192.0.2.1,, TLS,, session=<a>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=5, TLS,,,,",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            // Left of the name nothing is of strangers.
            (
                "Login: method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=5, TLS, user=<ann>, session=<a>",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login: auth_user=<master>, user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
                "login ann PLAIN 192.0.2.9 192.0.2.1 None",
            ),
            (
                "proxy(ann,imap.example.org:143): Started proxying to 2001:db8::7 (0.012 secs): session=<a>, user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
                "login ann PLAIN 192.0.2.9 192.0.2.1 None",
            ),
            (
                "Login: user=<ann>, secured, method=PLAIN, rip=192.0.2.1, lip=192.0.2.1",
                "login ann PLAIN 192.0.2.1 192.0.2.1 DoubtfulSecured",
            ),
            (
                "Login: user=<ann>, TLS, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Doubtful",
            ),
            (
                "proxy(ann): started proxying to imap.example.org:143: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "proxy(ann,imap.example.org:143): Started proxying to 192.0.2.7 (0.012 secs): user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
                "login ann PLAIN 192.0.2.9 192.0.2.1 None",
            ),
        ] {
            assert_eq!(shown(message), expected, "{message}");
        }
    }

    #[test]
    fn names_that_hold_the_syntax_do_not_become_facts() {
        for (message, expected) in [
            // Written by a live 2.3 and 2.4 with auth_username_chars emptied.
            (
                "Login: user=<us er>, tls <x\"y>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<a>",
                "login us er>, tls <x\"y PLAIN 192.0.2.9 192.0.2.1 None ?",
            ),
            (
                "Login: user=<a>, TLS, session=<b>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<a>",
                "login a>, TLS, session=<b PLAIN 192.0.2.9 192.0.2.1 None ?",
            ),
            (
                "Login: user=<a>, rip=198.51.100.1, TLS>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1",
                "login a>, rip=198.51.100.1, TLS PLAIN 192.0.2.9 192.0.2.1 None ?",
            ),
            (
                "Login: user=<TLSv1.3>, rip=192.0.2.9, method=PLAIN, lip=192.0.2.1, mpid=1",
                "login TLSv1.3 PLAIN 192.0.2.9 192.0.2.1 None",
            ),
            (
                "Login: user=<rip=192.0.2.7>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1",
                "login rip=192.0.2.7 PLAIN 192.0.2.9 192.0.2.1 None",
            ),
            // A name `a>, TLS, x=<b`, where nothing that only the server writes stands between it and the end.
            (
                "Login: rip=192.0.2.9, lip=192.0.2.1, user=<a>, TLS, x=<b>, method=PLAIN, session=<q>",
                "login a PLAIN 192.0.2.9 192.0.2.1 Doubtful ?",
            ),
            (
                "Login: user=<a>, x=<y>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=7, session=<abc>",
                "login a PLAIN 192.0.2.9 192.0.2.1 None ?",
            ),
            (
                "Login: rip=192.0.2.9, lip=192.0.2.1, method=PLAIN, user=<a>, tls=<TLS>",
                "login a PLAIN 192.0.2.9 192.0.2.1 Doubtful ?",
            ),
            (
                "Login: rip=192.0.2.9, lip=192.0.2.1, method=PLAIN, user=<a>, TLS, session=<x>",
                "login a PLAIN 192.0.2.9 192.0.2.1 Doubtful ?",
            ),
            (
                "Login: user=<victim, <x>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, session=<a>",
                "login victim, <x PLAIN 192.0.2.9 192.0.2.1 None ?",
            ),
            (
                "Login: user=ann, TLS, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
                "login - PLAIN 192.0.2.9 192.0.2.1 Doubtful",
            ),
            // The name of a master is a stranger's too.
            (
                "Login: auth_user=<m>, TLS, x=<y>, user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
                "login ann PLAIN 192.0.2.9 192.0.2.1 Doubtful",
            ),
            (
                "proxy(x): started proxying to h: session=<q>, ): started proxying to h:143: user=<x): started proxying to h: session=<q>, >, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, session=<a>",
                "login x): started proxying to h: session=<q>,  PLAIN 192.0.2.9 192.0.2.1 None ?",
            ),
            (
                "Login with referral imap://h.example.org/: user=<x: user=<victim>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
                "login victim PLAIN 192.0.2.9 192.0.2.1 None ?",
            ),
            // A domain may be called like that.
            (
                "Login: user=<ann@tls>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, domain=tls, session=<s>",
                "login ann@tls PLAIN 192.0.2.9 192.0.2.1 None",
            ),
            (
                "Login: user=<a, b>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1",
                "login a, b PLAIN 192.0.2.9 192.0.2.1 None ?",
            ),
        ] {
            assert_eq!(shown(message), expected, "{message}");
        }
    }

    #[test]
    fn failures_are_no_logins() {
        for (message, expected) in [
            (
                "Disconnected: Connection closed (tried to use disallowed plaintext auth): user=<>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, session=<a>",
                "refused - PLAIN 192.0.2.9 192.0.2.1 None",
            ),
            (
                "Disconnected (tried to use disallowed plaintext auth): session=<a>, user=<>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1",
                "refused - PLAIN 192.0.2.9 192.0.2.1 None",
            ),
            (
                "Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<ann>, rip=192.0.2.9, lip=192.0.2.1, TLS: read(size=519) failed: Connection reset by peer, session=<a>",
                "other ann  192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Login aborted: Connection closed (tried to use disallowed cleartext auth) (cleartext_auth_disabled): user=<>, rip=192.0.2.9, lip=192.0.2.1",
                "refused -  192.0.2.9 192.0.2.1 None",
            ),
            (
                "Login aborted: Connection closed (auth failed, 1 attempts in 0 secs) (auth_failed): user=<ann>, rip=192.0.2.9, lip=192.0.2.1, session=<a>",
                "refused ann  192.0.2.9 192.0.2.1 None",
            ),
            (
                "Disconnected (auth failed, 1 attempts): user=<SSL required for authentication>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS",
                "other SSL required for authentication PLAIN 192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "Disconnected: Connection closed: SSL_accept() failed: error:1408F10B:SSL routines: user=<>, rip=192.0.2.9, lip=192.0.2.1, TLS handshaking: Connection closed, session=<a>",
                "other -  192.0.2.9 192.0.2.1 Tls",
            ),
            (
                "ID sent: name=Thunder\"bird, x=y, version=1.0, os=NIL: user=<>, rip=192.0.2.9, lip=192.0.2.1, session=<a>",
                "other -  192.0.2.9 192.0.2.1 None",
            ),
            ("Error: net_connect_unix(imap) failed", "none"),
            (
                "Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mp\0\0Nov  4 08:00:02 mail dovecot: imap-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS",
                "none",
            ),
        ] {
            assert_eq!(shown(message), expected, "{message}");
        }
    }
}
