//! A writer: the program that a log line names. Only lines of login servers count, whatever words the message holds.

use memchr::memchr;

use super::prefix::{Line, digits, trim};
use super::stamp;
use crate::protocol::Protocol;

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// smtpd of Postfix.
    Smtpd,
    /// A login process of Dovecot.
    Login(Protocol),
}

/// The line, where `name` is a login server's; none where it is another program's.
pub(crate) fn line_of<'a>(
    stamp: &'a [u8],
    host: &'a [u8],
    name: &'a [u8],
    pid: Option<u32>,
    message: &'a [u8],
) -> Option<Line<'a>> {
    // $syslog_name/process: any words before, but never smtpd alone, which is another program (postconf(5), syslog_name; global/mail_task.c `mail_task`).
    if name.ends_with(b"/smtpd") {
        let message = without_id(message)?;
        let (times, message) = repeated(message).unwrap_or((1, message));
        return Some(Line {
            stamp,
            host,
            program: name,
            pid,
            writer: Writer::Smtpd,
            message: without_tail(message),
            times,
            ended: true,
        });
    }
    let (mut stamp, mut message) = (stamp, message);
    let mut program = name;
    let mut protocol = login_process(name);
    let mut times = 1;
    if protocol.is_none() {
        if let Some((number, text)) = repeated(message) {
            (times, message) = (number, text);
        }
        // `dovecot: imap-login: …`; Dovecot 1.x puts a stamp and a level between.
        message = without_id(message)?;
        if message.first().is_some_and(u8::is_ascii_digit) {
            let (_, length) = stamp::cut(message)?;
            let (inner, rest) = message.split_at(length);
            if stamp.is_empty() {
                stamp = inner;
            }
            message = without_level(trim(rest));
        }
        let colon = memchr(b':', message.get(..message.len().min(32))?)?;
        program = &message[..colon];
        protocol = login_process(program);
        message = message.get(colon + 2..)?;
    }
    Some(Line {
        stamp,
        host,
        program,
        pid,
        writer: Writer::Login(protocol?),
        message: without_level(message),
        times,
        ended: true,
    })
}

/// Without the `[ID 583609 mail.info]` of Solaris.
fn without_id(message: &[u8]) -> Option<&[u8]> {
    if message.starts_with(b"[ID ") {
        return Some(trim(&message[memchr(b']', message)? + 1..]));
    }
    Some(message)
}

/// Without the `,,,,` and the blanks that tables and editors leave behind a line. One comma may be a name's.
pub(crate) fn without_tail(message: &[u8]) -> &[u8] {
    let message = message.trim_ascii_end();
    match message {
        [.., b',', b','] => {
            let end = message.iter().rposition(|byte| *byte != b',');
            &message[..end.map_or(0, |end| end + 1)]
        }
        _ => message,
    }
}

/// `message repeated 3 times: [ TEXT]`: how often, and the text.
fn repeated(message: &[u8]) -> Option<(u32, &[u8])> {
    let rest = message.strip_prefix(b"message repeated ")?;
    let blank = memchr(b' ', rest.get(..rest.len().min(11))?)?;
    let text = rest[blank..].strip_prefix(b" times: [ ")?;
    Some((digits(&rest[..blank])?, text.strip_suffix(b"]")?))
}

/// The login processes of Dovecot, and what they speak.
pub(crate) const LOGIN_PROCESSES: [(&[u8], Protocol); 5] = [
    (b"imap-login", Protocol::Imap),
    (b"pop3-login", Protocol::Pop3),
    (b"submission-login", Protocol::Submission),
    (b"managesieve-login", Protocol::Sieve),
    (b"sieve-login", Protocol::Sieve),
];

/// What a login process of Dovecot speaks, by its name.
pub(crate) fn login_process(name: &[u8]) -> Option<Protocol> {
    let known = LOGIN_PROCESSES.iter().find(|(known, _)| *known == name);
    known.map(|(_, protocol)| *protocol)
}

/// Without `Info: `, which Dovecot writes into files of its own but not to syslog.
pub(crate) fn without_level(message: &[u8]) -> &[u8] {
    message.strip_prefix(b"Info: ").unwrap_or(message)
}
