//! The element list of a Dovecot login line: `user=<NAME>, method=PLAIN, rip=…, lip=…, mpid=…, TLS, session=<…>`.
//!
//! It holds the elements of login_log_format_elements, those that are empty left out, joined by `, ` and not quoted
//! (login-common/client-common.c `client_get_log_str`, 2.0 to 2.4). The name is the stranger's, so it is read from the right.

use memchr::{memchr, memmem};

use super::places::Places;
use super::word;

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

/// Reads an element list.
pub(crate) fn elements(list: &[u8]) -> Option<Elements<'_>> {
    usual(list).or_else(|| any(list))
}

/// A list in the default order, with a name that holds no syntax. It gives what [`any`] gives, or none, in less time.
fn usual(list: &[u8]) -> Option<Elements<'_>> {
    let mut tokens = Tokens::of(list);
    let user = tokens.next()?.strip_prefix(b"user=<")?.strip_suffix(b">")?;
    if word::first_of(user, b'<', b'>').is_some() {
        return None;
    }
    let method = tokens.next()?.strip_prefix(b" method=")?;
    let client = tokens.next()?.strip_prefix(b" rip=")?;
    let server = tokens.next()?.strip_prefix(b" lip=")?;
    let mut token = tokens.next();
    if token.is_some_and(|token| token.starts_with(b" mpid=")) {
        token = tokens.next();
    }
    let word = match token {
        Some(b" TLS") => Word::Tls,
        Some(b" secured") => Word::Secured,
        Some(_) | None => Word::None,
    };
    if word != Word::None {
        token = tokens.next();
    }
    let session = match token {
        Some(token) => token.strip_prefix(b" session=<")?.strip_suffix(b">")?,
        None => &[],
    };
    // Were there more behind it, it would not be the last one.
    tokens.next().is_none().then_some(Elements {
        user: (!user.is_empty()).then_some(user),
        ambiguous: false,
        method,
        client: address(client),
        server: address(server),
        session,
        word,
        version: None,
    })
}

/// What stands between commas.
struct Tokens<'a> {
    list: &'a [u8],
    /// Where the next one begins; none behind the last.
    start: Option<usize>,
    commas: Places<'a>,
}

impl<'a> Tokens<'a> {
    fn of(list: &'a [u8]) -> Self {
        Self {
            list,
            start: Some(0),
            commas: Places::of(b',', list),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.start?;
        let comma = self.commas.next();
        self.start = comma.map(|comma| comma + 1);
        self.list.get(start..comma.unwrap_or(self.list.len()))
    }
}

/// Both ways of reading must agree.
#[cfg(test)]
pub(crate) fn check_usual(list: &[u8]) {
    if let Some(found) = usual(list) {
        assert_eq!(Some(found), any(list), "{}", bstr::BStr::new(list));
    }
}

fn any(list: &[u8]) -> Option<Elements<'_>> {
    let mut found = Elements::default();
    let user = if list.starts_with(b"user=<") {
        Some(0)
    } else {
        memmem::find(list, b"user=<")
    };
    // Everything left of this belongs to the name or stands before it.
    let floor = user.map_or(0, |at| at + 6);
    let mut end = list.len();
    let mut seen = 0u8;
    let mut pending = false;
    while end > floor {
        let start = last_separator(&list[floor..end]).map_or(floor, |comma| floor + comma + 2);
        // What follows `user=<` begins the name, whatever it looks like.
        if start == floor && user.is_some() {
            break;
        }
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

/// Where the last `, ` stands. It is a few bytes away, and nearly every comma has a blank behind it.
fn last_separator(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    while let Some(comma) = text[..end].iter().rposition(|byte| *byte == b',') {
        if text.get(comma + 1) == Some(&b' ') {
            return Some(comma);
        }
        end = comma;
    }
    None
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
        let opens = |token: &[u8]| token.windows(2).any(|pair| pair == b"=<");
        if token.last() == Some(&b'>') && !opens(token) {
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
            // `TLS, (proxied)`: 2.4 says so behind haproxy.
            (Word::Secured, Word::Tls) => Word::Tls,
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
    // What %k says behind haproxy, which speaks TLS with the client instead (login-common/client-common.c, 2.3).
    if value.eq_ignore_ascii_case(b"secured") || value == b"(proxied)" {
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
    match word::first(value, b':') {
        Some(colon) if memchr(b'.', &value[..colon]).is_some() => &value[..colon],
        Some(_) | None => value,
    }
}
