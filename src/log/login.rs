//! What a line of a Dovecot login process says about a login.
//!
//! Dovecot writes `MESSAGE: user=<NAME>, method=PLAIN, rip=…, lip=…, mpid=…, TLS, session=<…>`:
//! the elements of login_log_format_elements, those that are empty left out, joined by `, ` and not quoted
//! (login-common/client-common.c `client_get_log_str`, 2.0 to 2.4). So they are read from the right.

use memchr::{memchr, memmem};

/// One line, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// Somebody logged in, or was passed on to another server after a login.
    Login(Elements<'a>),
    /// Somebody was refused for want of TLS; the words that say so.
    Refused(Elements<'a>, &'static str),
    /// Somebody left without a login. Only what it shows about the element list is of use.
    Other(Elements<'a>),
}

/// The element list of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Elements<'a> {
    /// `user=<…>`; none where it is empty or missing.
    pub(crate) user: Option<&'a [u8]>,
    /// The user's name holds words of the list's own syntax, so that it may end elsewhere.
    pub(crate) ambiguous: bool,
    /// `method=`.
    pub(crate) method: &'a [u8],
    /// `rip=`: the client's address.
    pub(crate) client: &'a [u8],
    /// `lip=`: the server's own address.
    pub(crate) server: &'a [u8],
    /// `session=<…>`.
    pub(crate) session: &'a [u8],
    /// What the list says about TLS.
    pub(crate) word: Word,
    /// `TLSv1.2`, where `%k` or `%{ssl_security}` is in the list.
    pub(crate) version: Option<&'a [u8]>,
}

/// What an element list says about TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing: no TLS, if the list has the element at all.
    #[default]
    None,
    /// `secured`: no TLS that Dovecot sees, but exempt.
    Secured,
    /// `TLS`, also with an error behind it; `TSL`, as 2.4 misspells it for TLS that a proxy ended.
    Tls,
    /// A word of these stands left of `rip=`, where a name that strangers choose could have brought it.
    Doubtful,
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
        return elements(&message[list_start(message)?..]).map(Said::Login);
    }
    if let Some(list) = proxied(message) {
        return elements(list).map(Said::Login);
    }
    let start = list_start(message)?;
    let found = elements(&message[start..])?;
    // The name of a failed login is any text, so the reason is looked for only before it.
    Some(match refusal(&message[..start]) {
        Some(words) => Said::Refused(found, words),
        None => Said::Other(found),
    })
}

/// Where the last element list starts; free text before it may hold colons.
fn list_start(message: &[u8]) -> Option<usize> {
    memmem::rfind(message, b": user=<")
        .or_else(|| memmem::rfind(message, b": rip="))
        .map(|colon| colon + 2)
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
    let list = memmem::find(&message[start..], b": user=<")?;
    message.get(start + list + 2..)
}

/// The words by which Dovecot says that it wants TLS first.
fn refusal(text: &[u8]) -> Option<&'static str> {
    // client-common.c `client_get_extra_disconnect_reason` and client-common-auth.c; 1.x and 2.0 say "disabled", 2.4 "cleartext".
    const WORDS: [&str; 7] = [
        "tried to use disallowed plaintext auth",
        "tried to use disallowed cleartext auth",
        "tried to use disabled plaintext auth",
        "disabled plaintext auth",
        "Plaintext authentication disabled",
        "Cleartext authentication disabled",
        "SSL required for authentication",
    ];
    WORDS
        .into_iter()
        .find(|words| memmem::find(text, words.as_bytes()).is_some())
}

/// Reads an element list.
fn elements(list: &[u8]) -> Option<Elements<'_>> {
    let mut found = Elements::default();
    let user = memmem::find(list, b"user=<");
    // Everything left of this belongs to the name or stands before it.
    let floor = user.map_or(0, |at| at + 6);
    let mut end = list.len();
    let mut seen = 0u8;
    let mut pending = false;
    while end > floor {
        let start =
            memmem::rfind(&list[floor..end], b", ").map_or(floor, |comma| floor + comma + 2);
        let token = &list[start..end];
        match found.take(token, &mut seen) {
            Taken::Known => pending = false,
            // Part of an error text that holds a comma, or of the name.
            Taken::Strange => {
                let tail = &list[start..if pending { list.len() } else { end }];
                pending = !found.take_error(tail, seen);
            }
            Taken::End => break,
        }
        if start == floor {
            end = floor;
            break;
        }
        end = start - 2;
    }
    if let Some(at) = user {
        let name = list.get(at + 6..end.max(floor)).unwrap_or_default();
        let name = name.strip_suffix(b">").unwrap_or(name);
        found.ambiguous = name.iter().any(|byte| matches!(byte, b'<' | b'>' | b','));
        found.user = (!name.is_empty()).then_some(name);
        if at > 0 {
            found.take_before(&list[..at], &mut seen);
        }
    }
    (seen & RIP != 0).then_some(found)
}

/// What became of one token.
enum Taken {
    /// It is an element.
    Known,
    /// It is none that is known.
    Strange,
    /// It is the end of the user's name, or an element for the second time, which only a name can bring.
    End,
}

const RIP: u8 = 1;
const LIP: u8 = 2;
const METHOD: u8 = 4;
const SESSION: u8 = 8;
const MPID: u8 = 16;

impl<'a> Elements<'a> {
    fn take(&mut self, token: &'a [u8], seen: &mut u8) -> Taken {
        let keys: [(&[u8], u8); 5] = [
            (b"rip=", RIP),
            (b"lip=", LIP),
            (b"method=", METHOD),
            (b"session=<", SESSION),
            (b"mpid=", MPID),
        ];
        for (key, bit) in keys {
            let Some(value) = token.strip_prefix(key) else {
                continue;
            };
            if *seen & bit != 0 {
                return Taken::End;
            }
            *seen |= bit;
            match bit {
                RIP => self.client = address(value),
                LIP => self.server = address(value),
                METHOD => self.method = value,
                SESSION => self.session = value.strip_suffix(b">").unwrap_or(value),
                _ => {}
            }
            return Taken::Known;
        }
        if let Some((word, version)) = transport_word(token) {
            self.say(word, version, *seen);
            return Taken::Known;
        }
        if token.last() == Some(&b'>') && memmem::find(token, b"=<").is_none() {
            return Taken::End;
        }
        if memchr(b'=', token).is_some() {
            return Taken::Known;
        }
        Taken::Strange
    }

    /// `TLS: ERROR TEXT` whose text holds commas.
    fn take_error(&mut self, text: &'a [u8], seen: u8) -> bool {
        let error = text.starts_with(b"TLS: ") || text.starts_with(b"TLS handshaking");
        if error {
            self.say(Word::Tls, None, seen);
        }
        error
    }

    /// Elements that a custom list has left of the user.
    fn take_before(&mut self, text: &'a [u8], seen: &mut u8) {
        for token in text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if !token.is_empty() {
                self.take(token, seen);
            }
        }
    }

    fn say(&mut self, word: Word, version: Option<&'a [u8]>, seen: u8) {
        // Read from the right, a word that comes after rip= stands left of it.
        let word = if seen & RIP != 0 {
            Word::Doubtful
        } else {
            word
        };
        self.word = match (self.word, word) {
            (Word::None, word) => word,
            // `TLS, TLSv1.2 with cipher …`: the two agree. What stands to the right decides.
            (word, _) => word,
        };
        self.version = self.version.or(version);
    }
}

/// What a token says about TLS, if it is about TLS; with the protocol version if it names one.
fn transport_word(token: &[u8]) -> Option<(Word, Option<&[u8]>)> {
    let value = match memchr(b'=', token) {
        // A custom element such as `tls=%c` or `ssl_security="%k"`.
        Some(equal) => token[equal + 1..]
            .strip_prefix(b"\"")
            .unwrap_or(&token[equal + 1..]),
        None => token,
    };
    if value.eq_ignore_ascii_case(b"secured") {
        return Some((Word::Secured, None));
    }
    if value.eq_ignore_ascii_case(b"tls") || value == b"TSL" {
        return Some((Word::Tls, None));
    }
    if value.starts_with(b"TLS: ") || value.starts_with(b"TLS handshaking") {
        return Some((Word::Tls, None));
    }
    if value.starts_with(b"TLSv") || value.starts_with(b"SSLv") {
        let end = value
            .iter()
            .position(|byte| matches!(byte, b' ' | b'"' | b','))
            .unwrap_or(value.len());
        return Some((Word::Tls, Some(&value[..end])));
    }
    None
}

/// An address without the port that a custom element may add, and IPv4 as such.
fn address(value: &[u8]) -> &[u8] {
    let value = value.strip_prefix(b"::ffff:").unwrap_or(value);
    match memchr(b':', value) {
        Some(colon) if memchr(b'.', &value[..colon]).is_some() => &value[..colon],
        Some(_) | None => value,
    }
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
            // dovecot.md 6.2: written by a live 2.3 and 2.4 with auth_username_chars emptied.
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
                "Login aborted: Connection closed (tried to use disallowed cleartext auth) (cleartext_auth_disabled): user=<>, rip=192.0.2.9, lip=192.0.2.1",
                "refused -  192.0.2.9 192.0.2.1 None",
            ),
            (
                "Login aborted: Connection closed (auth failed, 1 attempts in 0 secs) (auth_failed): user=<ann>, rip=192.0.2.9, lip=192.0.2.1, session=<a>",
                "other ann  192.0.2.9 192.0.2.1 None",
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
        ] {
            assert_eq!(shown(message), expected, "{message}");
        }
    }
}
