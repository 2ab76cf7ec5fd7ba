//! A prefix: what stands before the message of a log line, and the line cut by it.
//!
//! `chunk` finds lines that may matter by a needle; whether a login server wrote the line is decided by the program
//! named in the prefix (`writer`), never by words in the message, which strangers can choose.

use memchr::{memchr, memmem};

use super::rfc5424;
use super::stamp::{self, Stamp};
use super::writer::{self, Writer};

/// A line of a login server, cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Its stamp, uncut; empty where it has none.
    pub(crate) stamp: &'a [u8],
    /// The host that wrote it; empty where the line does not say.
    pub(crate) host: &'a [u8],
    /// The program without pid: `postfix/submission/smtpd`, `imap-login`.
    pub(crate) program: &'a [u8],
    /// The number of the process, where the line has it.
    pub(crate) pid: Option<u32>,
    /// Who wrote it.
    pub(crate) writer: Writer,
    /// What it says.
    pub(crate) message: &'a [u8],
    /// For how many lines it stands: `message repeated 3 times: [ TEXT]` for three (rsyslog, RepeatedMsgReduction).
    pub(crate) times: u32,
    /// It has an end, so that it cannot go on elsewhere.
    pub(crate) ended: bool,
}

/// How far into a line a stamp is looked for: past `/var/log/mail.log.9:`, `mailserver | ` and the like.
const FARTHEST_STAMP: usize = 160;

/// The text without what may stand before a first line: a byte order mark, or the zero bytes of a hole in the file;
/// and without the record separator of `journalctl -o json-seq`.
pub(crate) fn bare(text: &[u8]) -> &[u8] {
    if !matches!(text.first(), Some(0 | 0x1e | 0xef)) {
        return text;
    }
    let text = text.strip_prefix(b"\x1e").unwrap_or(text);
    let zeros = text.iter().take_while(|byte| **byte == 0).count();
    let text = &text[zeros..];
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Cuts a line if a login server wrote it. `needle` is where the word that made it a candidate stands.
pub(crate) fn cut(line: &[u8], needle: usize) -> Option<Line<'_>> {
    let plain = plain_stamp(line);
    if plain > 0 {
        return after_stamp(&line[..plain], line.get(plain + 1..)?);
    }
    if let Some(rest) = line.strip_prefix(b"<") {
        let end = memchr(b'>', rest.get(..rest.len().min(4))?)?;
        let rest = &rest[end + 1..];
        return match rest {
            [b'1'..=b'9', b' ', rest @ ..] => rfc5424::cut(rest),
            _ => cut(rest, needle.saturating_sub(end + 2)),
        };
    }
    let reach = line.get(..needle.min(FARTHEST_STAMP).min(line.len()))?;
    // What is said behind `PROGRAM[PID]: ` may be the words of strangers; but right there a container's line may begin.
    let said = memmem::find(reach, b"]: ").map_or(reach.len(), |at| at + 3);
    let reach = &reach[..said];
    let starts = reach
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b' ' | b':' | b'|' | b'>'))
        .map(|(at, _)| at + 1);
    for start in std::iter::once(0).chain(starts) {
        if let Some((_, length)) = stamp::cut(&line[start..]) {
            let rest = &line[start + length..];
            return after_stamp(&line[start..start + length], trim(rest));
        }
    }
    without_stamp(line)
}

/// The length of a stamp of the two usual families at the front, told by its shape alone.
pub(crate) fn plain_stamp(line: &[u8]) -> usize {
    match line {
        [
            _,
            _,
            _,
            b' ',
            _,
            _,
            b' ',
            _,
            _,
            b':',
            _,
            _,
            b':',
            _,
            _,
            b' ',
            ..,
        ] => 15,
        [b'0'..=b'9', _, _, _, b'-', _, _, b'-', _, _, b'T', ..] => {
            memchr(b' ', &line[..line.len().min(40)]).unwrap_or(0)
        }
        _ => 0,
    }
}

/// `HOST PROGRAM[PID]: MESSAGE`, where the host may be missing or empty.
///
/// A relay, or a viewer such as `docker logs -t`, puts a stamp of its own before the line's; it may have the year.
fn after_stamp<'a>(stamp: &'a [u8], rest: &'a [u8]) -> Option<Line<'a>> {
    let mut rest = rest;
    for stream in [&b"stdout F "[..], b"stderr F "] {
        // `2025-11-27T16:26:19.1Z stdout F LINE`, as containers of Kubernetes write it (CRI).
        rest = rest.strip_prefix(stream).unwrap_or(rest);
    }
    if let Some((_, length)) = stamp::cut(rest) {
        rest = trim(&rest[length..]);
    }
    let (mut host, mut rest) = match rest {
        [b' ', rest @ ..] => (&[][..], rest),
        _ => token(rest)?,
    };
    // FreeBSD writes facility and level first: `<mail.info> HOST dovecot: …`.
    if host.first() == Some(&b'<') && host.last() == Some(&b'>') {
        (host, rest) = token(rest)?;
    }
    if host.last() == Some(&b':') {
        // No host: the first word is the program already.
        return program(stamp, &[], &host[..host.len() - 1], rest);
    }
    if let Some((_, length)) = stamp::cut(rest) {
        return after_stamp(stamp, trim(&rest[length..]));
    }
    let (word, message) = token(rest)?;
    let name = word.strip_suffix(b":")?;
    program(stamp, host, name, message)
}

/// A line without a stamp that can be read: the first word that ends in a colon is the program, the one before it the host.
fn without_stamp(line: &[u8]) -> Option<Line<'_>> {
    let mut host: &[u8] = &[];
    let mut rest = line;
    while let Some((word, after)) = token(rest) {
        if let Some(name) = word.strip_suffix(b":") {
            return program(&[], host, name, after);
        }
        host = word;
        rest = trim(after);
    }
    None
}

/// The program word `NAME[PID]` or `NAME`.
fn program<'a>(
    stamp: &'a [u8],
    host: &'a [u8],
    word: &'a [u8],
    message: &'a [u8],
) -> Option<Line<'a>> {
    let (name, pid) = name_and_pid(word)?;
    writer::line_of(stamp, host, name, pid, message)
}

/// `NAME[PID]`, or `NAME`.
fn name_and_pid(word: &[u8]) -> Option<(&[u8], Option<u32>)> {
    Some(match word.strip_suffix(b"]") {
        Some(inner) => {
            let open = memchr(b'[', inner)?;
            (&inner[..open], digits(&inner[open + 1..]))
        }
        None => (word, None),
    })
}

/// The bytes up to the next blank, and what follows it.
pub(crate) fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = memchr(b' ', text)?;
    Some((&text[..blank], &text[blank + 1..]))
}

pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| **byte == b' ').count();
    &text[blanks..]
}

/// A decimal number that fills the text.
pub(crate) fn digits(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// The stamp of a cut line, read.
pub(crate) fn stamp_of(line: &Line<'_>) -> Option<Stamp> {
    stamp::cut(line.stamp).map(|(stamp, _)| stamp)
}

/// The stamp of any line, whoever wrote it, where one stands in front or right behind a priority.
pub(crate) fn any_stamp(line: &[u8]) -> Option<Stamp> {
    let mut start = 0;
    if line.first() == Some(&b'<') {
        start = memchr(b'>', line.get(..line.len().min(5))?)? + 1;
        if line.get(start + 1) == Some(&b' ') {
            start += 2;
        }
    }
    stamp::cut(line.get(start..)?).map(|(stamp, _)| stamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bstr::ByteSlice;

    /// `stamp | host | program | pid | message`, or `-` where no login server wrote the line.
    fn shown(line: &str) -> String {
        let bytes = line.as_bytes();
        let needle = bytes
            .find(b"smtpd")
            .or_else(|| bytes.find(b"-login: "))
            .unwrap_or(0);
        cut(bytes, needle).map_or("-".to_owned(), |line| {
            format!(
                "{} | {} | {} | {} | {}",
                line.stamp.as_bstr(),
                line.host.as_bstr(),
                line.program.as_bstr(),
                line.pid.map_or("-".to_owned(), |pid| pid.to_string()),
                line.message.as_bstr()
            )
        })
    }

    #[test]
    fn every_family_of_prefixes_is_cut() {
        for (line, expected) in [
            (
                "Nov  4 08:00:01 mail postfix/smtpd[12]: x",
                "Nov  4 08:00:01 | mail | postfix/smtpd | 12 | x",
            ),
            (
                "mailserver | Nov  4 08:00:01 mail postfix/smtpd[12]: x",
                "Nov  4 08:00:01 | mail | postfix/smtpd | 12 | x",
            ),
            (
                "container[7]: Nov  4 08:00:01 mail postfix/smtpd[12]: x",
                "Nov  4 08:00:01 | mail | postfix/smtpd | 12 | x",
            ),
            (
                "postfix/cleanup[12]: A1: warning: header Subject: Nov  4 08:00:01 m postfix/smtpd[7]: x",
                "-",
            ),
            (
                "M\u{e4}r  3 08:00:00 mail postfix/cleanup[12]: A1: header Subject: Nov  4 08:00:01 m postfix/smtpd[7]: x",
                "-",
            ),
            (
                "Nov 4 08:00:01 mail postfix/smtpd[12]: x",
                "Nov 4 08:00:01 | mail | postfix/smtpd | 12 | x",
            ),
            (
                "Nov 04 08:00:01 mail dovecot: imap-login: x",
                "Nov 04 08:00:01 | mail | imap-login | - | x",
            ),
            (
                "Nov 04 08:00:01 mail dovecot[241]: imap-login: x",
                "Nov 04 08:00:01 | mail | imap-login | 241 | x",
            ),
            (
                "Nov 04 08:00:01 mail imapd: pop3-login: x",
                "Nov 04 08:00:01 | mail | pop3-login | - | x",
            ),
            (
                "2025-11-27T16:26:19.175732+03:00 h postfix-out/submission/smtpd[7]: x",
                "2025-11-27T16:26:19.175732+03:00 | h | postfix-out/submission/smtpd | 7 | x",
            ),
            (
                "<22>1 2025-11-27T16:26:19.150Z h postfix/smtpd 29 - - x",
                "2025-11-27T16:26:19.150Z | h | postfix/smtpd | 29 | x",
            ),
            (
                "<22>1 - - dovecot 29 ID [a@1 b=\"\\\"]\"][c] imap-login: x",
                " |  | imap-login | 29 | x",
            ),
            (
                "<22>Feb  2 10:00:00 h postfix/smtpd[1]: x",
                "Feb  2 10:00:00 | h | postfix/smtpd | 1 | x",
            ),
            (
                "Jan 21 19:06:28 <mail.info> h dovecot: imap-login: x",
                "Jan 21 19:06:28 | h | imap-login | - | x",
            ),
            (
                "Jan 21 19:06:28 h dovecot: [ID 583609 mail.info] imap-login: x",
                "Jan 21 19:06:28 | h | imap-login | - | x",
            ),
            (
                "Apr 01 11:43:56 imap-login: Info: x",
                "Apr 01 11:43:56 |  | imap-login | - | x",
            ),
            (
                "2012-06-09 09:45:08 imap-login: Info: x",
                "2012-06-09 09:45:08 |  | imap-login | - | x",
            ),
            (
                "dovecot: 2008-10-02 23:34:07 Info: pop3-login: x",
                "2008-10-02 23:34:07 |  | pop3-login | - | x",
            ),
            (
                "@400000004a32b1a22b8a3c14 imap-login: Info: x",
                "@400000004a32b1a22b8a3c14 |  | imap-login | - | x",
            ),
            ("imap-login: Info: x", " |  | imap-login | - | x"),
            (
                "2025-11-27T16:26:19.1Z Sep  2 10:00:00 h postfix/smtpd[3]: x",
                "2025-11-27T16:26:19.1Z | h | postfix/smtpd | 3 | x",
            ),
            (
                "2025-11-27T16:26:19.1Z stdout F Sep  2 10:00:00 h postfix/smtpd[3]: x",
                "2025-11-27T16:26:19.1Z | h | postfix/smtpd | 3 | x",
            ),
            (
                "2025-11-27T16:26:19.1Z stdout F imap-login: Info: x",
                "2025-11-27T16:26:19.1Z |  | imap-login | - | x",
            ),
            (
                "Sep  2 10:00:00 relay Sep  2 10:00:01 h dovecot: imap-login: x",
                "Sep  2 10:00:00 | h | imap-login | - | x",
            ),
            (
                "Sep  2 10:00:00 h postfix/smtpd[3]: [ID 197553 mail.info] x",
                "Sep  2 10:00:00 | h | postfix/smtpd | 3 | x",
            ),
            (
                "Sep  2 10:00:00 h postfix/smtpd[3]: message repeated 2 times: [ x]",
                "Sep  2 10:00:00 | h | postfix/smtpd | 3 | x",
            ),
            (
                "Sep  2 10:00:00 h postfix/smtpd[3]: x,,,,",
                "Sep  2 10:00:00 | h | postfix/smtpd | 3 | x",
            ),
            (
                "mailserver | Sep  2 10:00:00 h postfix/smtps/smtpd[3]: x",
                "Sep  2 10:00:00 | h | postfix/smtps/smtpd | 3 | x",
            ),
            (
                "/var/log/maillog.9:Mar 13 02:31:08 h postfix/smtpd[3]: x",
                "Mar 13 02:31:08 | h | postfix/smtpd | 3 | x",
            ),
            (
                "Nov 11 09:48:23 postfix/submission/smtpd[3]: x",
                "Nov 11 09:48:23 |  | postfix/submission/smtpd | 3 | x",
            ),
            (
                "Nov 11 09:48:23  postfix/smtpd[3]: x",
                "Nov 11 09:48:23 |  | postfix/smtpd | 3 | x",
            ),
            (
                "Nov 11 09:48:23 (none) postfix/smtpd[3]: x",
                "Nov 11 09:48:23 | (none) | postfix/smtpd | 3 | x",
            ),
            (
                "Mon Nov 11 09:48:23 h postfix/smtpd[3]: x",
                "Mon Nov 11 09:48:23 | h | postfix/smtpd | 3 | x",
            ),
            (
                "M\u{e4}r  3 10:00:00 h postfix/smtpd[3]: x",
                " | h | postfix/smtpd | 3 | x",
            ),
            ("h postfix/smtpd[3]: x", " | h | postfix/smtpd | 3 | x"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn words_in_a_message_make_no_login_server() {
        for line in [
            "Nov  4 08:00:01 mail postfix/cleanup[12]: A1: postfix/smtpd[1]: connect from x",
            "Nov  4 08:00:01 mail dovecot: auth: x imap-login: Login: user=<x>",
            "Nov  4 08:00:01 mail app[1]: said imap-login: Login: user=<x>",
            "Nov  4 08:00:01 mail smtpd[12]: x",
            "Nov  4 08:00:01 mail dovecot: imap-login-x: Login: y",
            "Nov  4 08:00:01 smtpd[",
            "<22>1 smtpd",
            "smtpd",
        ] {
            assert_eq!(shown(line), "-", "{line}");
        }
        assert_eq!(
            shown("Nov  4 08:00:01 m postfix/smtpd[1]: dovecot: imap-login: Login: user=<x>"),
            "Nov  4 08:00:01 | m | postfix/smtpd | 1 | dovecot: imap-login: Login: user=<x>"
        );
    }
}
