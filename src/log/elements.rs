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
    /// Such a word stands where a name that strangers choose could have brought it: behind the name, and not behind `rip=`
    /// as well.
    Doubtful,
    /// The same of `secured`.
    DoubtfulSecured,
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
    // A hole in the file: what was there nobody knows, and what follows is of another line.
    if memchr(0, list).is_some() {
        return None;
    }
    // Syslog daemons and relays put `,,,,` or a blank behind a line.
    let end = list.iter().rposition(|byte| !matches!(byte, b',' | b' '));
    let list = &list[..end.map_or(0, |last| last + 1)];
    let mut found = Elements::default();
    let user = user_element(list);
    let mut seen = 0u8;
    // What stands left of the name is read first: a name can bring it for the second time only.
    found.take_before(&list[..user.unwrap_or(0)], &mut seen);
    // Everything left of this belongs to the name or stands before it.
    let floor = user.map_or(0, |at| at + USER.len());
    let mut end = list.len();
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
                pending = !is_error(tail);
                if !pending {
                    found.say(Word::Tls, None, seen);
                }
            }
            Taken::End => break,
        }
        if start == floor {
            end = floor;
            break;
        }
        end = start - 2;
    }
    if user.is_some() {
        let name = list.get(floor..end.max(floor)).unwrap_or_default();
        // Elements that are written with commas have another one behind them.
        let name = name.strip_suffix(b",").unwrap_or(name);
        let whole = name.strip_suffix(b">");
        let name = whole.unwrap_or(name);
        let odd = name.iter().any(|byte| matches!(byte, b'<' | b'>' | b','));
        found.ambiguous |= odd || whole.is_none();
        found.user = (!name.is_empty()).then_some(name);
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

/// What stands before the name of the user.
pub(super) const USER: &[u8] = b"user=<";

/// Where the name of the user stands: at the beginning of an element, unlike that in `auth_user=<…>`.
fn user_element(list: &[u8]) -> Option<usize> {
    let begins = |at: usize| match at.checked_sub(1) {
        Some(before) => !list[before].is_ascii_alphanumeric() && list[before] != b'_',
        None => true,
    };
    memmem::find_iter(list, USER).find(|at| begins(*at))
}

const RIP: u8 = 1;
const LIP: u8 = 2;
const METHOD: u8 = 4;
const SESSION: u8 = 8;
const MPID: u8 = 16;
/// Not an element: something ended in `>` where the name may end as well.
const CLOSED: u8 = 32;

impl<'a> Elements<'a> {
    /// Takes a token, the last one first.
    fn take(&mut self, token: &'a [u8], seen: &mut u8) -> Taken {
        // Where the elements themselves are written with commas.
        let token = token.strip_suffix(b",").unwrap_or(token);
        // Left of the client's address a name may have brought it.
        let of_name = *seen & RIP != 0;
        let closes = of_name && token.last() == Some(&b'>');
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
            *seen |= if closes { CLOSED } else { 0 };
            return Taken::Known;
        }
        let opens = |token: &[u8]| token.windows(2).any(|pair| pair == b"=<");
        if token.last() == Some(&b'>') && !opens(token) {
            return Taken::End;
        }
        let word = transport_word(token);
        if let Some((word, version)) = word {
            self.ambiguous |= of_name && *seen & CLOSED != 0;
            self.say(word, version, *seen);
        }
        if word.is_none() && memchr(b'=', token).is_none() {
            return Taken::Strange;
        }
        self.ambiguous |= closes;
        *seen |= if closes { CLOSED } else { 0 };
        Taken::Known
    }

    /// Takes the elements that a custom list has left of the user. They are the server's alone, unless one is of a kind that may
    /// hold another name.
    fn take_before(&mut self, text: &'a [u8], seen: &mut u8) {
        let mut strangers = false;
        let mut words = Vec::new();
        for token in text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if let Some(word) = transport_word(token) {
                words.push(word);
            } else if !token.is_empty() {
                let before = *seen;
                self.take(token, seen);
                strangers |= *seen == before;
            }
        }
        for (word, version) in words {
            self.say(word, version, if strangers { RIP } else { 0 });
        }
        // Nothing of the name was read so far.
        self.ambiguous = false;
    }

    fn say(&mut self, word: Word, version: Option<&'a [u8]>, seen: u8) {
        // Read from the right, a word that comes after rip= stands left of it.
        let word = match word {
            Word::Tls if seen & RIP != 0 => Word::Doubtful,
            Word::Secured if seen & RIP != 0 => Word::DoubtfulSecured,
            word => word,
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
    // Its text may hold any character.
    if is_error(token) {
        return Some((Word::Tls, None));
    }
    match memchr(b'=', token) {
        // A custom element such as `tls=%c` or `ssl_security="%k"`; others, such as `domain=%d`, may have such a value by chance.
        Some(equal) => {
            let named = is_about_tls(&token[..equal]);
            spoken(&token[equal + 1..]).filter(|_| named)
        }
        None => spoken(token),
    }
}

/// Whether the key of an element says that its value is about TLS.
pub(super) fn is_about_tls(key: &[u8]) -> bool {
    let key = key.to_ascii_lowercase();
    let mut about = [&b"tls"[..], b"ssl", b"secur", b"crypt", b"cipher"].into_iter();
    about.any(|word| memmem::find(&key, word).is_some())
}

/// What Dovecot puts in the place of `%c`, `%k` and their long names, in the case and the brackets that a format gives it.
fn spoken(text: &[u8]) -> Option<(Word, Option<&[u8]>)> {
    let text = match text {
        [b'"', inner @ .., b'"'] | [b'<', inner @ .., b'>'] | [b'[', inner @ .., b']'] => inner,
        _ => text,
    };
    // What %k says behind haproxy, which speaks TLS with the client instead (login-common/client-common.c, 2.3).
    if text == b"(proxied)" {
        return Some((Word::Secured, None));
    }
    let word = text.iter().take_while(|byte| byte.is_ascii_alphanumeric());
    let (word, rest) = text.split_at(word.count());
    // `%5c` leaves so much of it.
    if word.eq_ignore_ascii_case(b"secured") || word.eq_ignore_ascii_case(b"secur") {
        return Some((Word::Secured, None));
    }
    let protocol = |start: &[u8]| {
        let long = word.len() > start.len();
        long && word[..start.len()].eq_ignore_ascii_case(start)
            && word[start.len()].is_ascii_digit()
    };
    if protocol(b"TLSv") || protocol(b"SSLv") {
        let end = text
            .iter()
            .position(|byte| matches!(byte, b' ' | b'"' | b','));
        return Some((Word::Tls, Some(&text[..end.unwrap_or(text.len())])));
    }
    let tls = word.eq_ignore_ascii_case(b"tls") || word == b"TSL";
    (tls && !matches!(rest.first(), Some(b'=' | b'-' | b'_'))).then_some((Word::Tls, None))
}

/// `TLS: ERROR TEXT`, `TLS handshaking: ERROR TEXT`, or their beginning.
fn is_error(text: &[u8]) -> bool {
    let begins = |start: &[u8]| {
        let beginning = text.get(..start.len());
        beginning.is_some_and(|text| text.eq_ignore_ascii_case(start))
    };
    begins(b"TLS: ") || begins(b"TLS handshaking")
}

/// An address without the port that a custom element may add, and IPv4 as such.
fn address(value: &[u8]) -> &[u8] {
    let value = value.strip_prefix(b"::ffff:").unwrap_or(value);
    match word::first(value, b':') {
        Some(colon) if memchr(b'.', &value[..colon]).is_some() => &value[..colon],
        Some(_) | None => value,
    }
}
