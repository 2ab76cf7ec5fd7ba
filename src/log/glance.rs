//! A glance: what the words before the message tell at once of a line in the usual shape.
//!
//! Few hosts and programs write nearly all lines, so their words are compared with those of recent lines instead of being cut.
//! A glance gives what searching the line for a needle and cutting it (`prefix`) gives, or says that it does not know.

use super::block::Block;
use super::names::{Name, Names};
use super::prefix::{self, Line};
use super::stamp;
use super::writer::{self, Writer};

/// What a glance tells of a line.
#[derive(Debug)]
pub(crate) enum Glance<'a> {
    /// No login server wrote it.
    Other,
    /// A login server did; with the names of host and program.
    Server(Line<'a>, (Name, Name)),
    /// The line has to be searched.
    Unknown,
}

/// The hosts and programs of recent lines.
#[derive(Debug)]
pub(crate) struct Recent {
    sources: Vec<Source>,
    /// By a hash of their words: 1 + the number of the source.
    slots: Vec<u8>,
    /// The same by a few bytes that can be had without knowing where words end.
    hints: Vec<u8>,
    /// How long the last host was.
    host: usize,
}

/// `HOST PROGRAM[` or `HOST PROGRAM:`, and what it says of its lines.
#[derive(Clone, Copy, Debug)]
struct Source {
    words: Block,
    /// How many bytes these are, and how many are the host.
    length: usize,
    host: usize,
    kind: Kind,
    /// The names of the host and of each login process that wrote through it, in the order of [`writer::LOGIN_PROCESSES`].
    logins: [Option<(Name, Name)>; writer::LOGIN_PROCESSES.len()],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Postfix's smtpd, with the names of host and program.
    Smtpd(Name, Name),
    /// Neither smtpd nor a login process; one of these may stand at the beginning of the message.
    Other,
    /// To be looked at in each line.
    Odd,
}

const SLOTS: usize = 1024;
const MOST_SOURCES: usize = 255;

impl Recent {
    pub(crate) const fn new() -> Self {
        Self {
            sources: Vec::new(),
            slots: Vec::new(),
            hints: Vec::new(),
            host: 0,
        }
    }

    /// Looks at the line that has the first `length` bytes of `text`.
    pub(crate) fn glance<'l>(
        &mut self,
        text: &'l [u8],
        length: usize,
        names: &mut Names,
    ) -> Glance<'l> {
        self.look(text, length, names).unwrap_or(Glance::Unknown)
    }

    /// None where the line has no usual shape.
    fn look<'l>(&mut self, text: &'l [u8], length: usize, names: &mut Names) -> Option<Glance<'l>> {
        let line = text.get(..length)?;
        let stamp = match line.first() {
            Some(b'0'..=b'9' | b'A'..=b'Z') => prefix::plain_stamp(line),
            _ => 0,
        };
        if stamp == 0 {
            return None;
        }
        let (stamp, rest) = (&line[..stamp], line.get(stamp + 1..)?);
        let found = self.source(text.get(stamp.len() + 1..)?, rest, names)?;
        let source = self.sources.get_mut(usize::from(found) - 1)?;
        let (words, rest) = rest.split_at_checked(source.length)?;
        let (pid, message) = if words.ends_with(b"[") {
            let (pid, digits) = number(*rest.first_chunk()?)?;
            (Some(pid), rest[digits..].strip_prefix(b"]: ")?)
        } else {
            (None, rest.strip_prefix(b" ")?)
        };
        let (program, writer, message, known) = match source.kind {
            // `[ID …]` and `message repeated …`, which syslog daemons put before it, are for `writer`.
            Kind::Smtpd(..) if matches!(message, [b'[' | b'm', ..]) => return None,
            Kind::Smtpd(host, service) => {
                let program = &words[source.host + 1..words.len() - 1];
                let message = writer::without_tail(message);
                (program, Writer::Smtpd, message, (host, service))
            }
            Kind::Other => match Inner::of(message) {
                Inner::Login(number, message) => {
                    let (program, protocol) = writer::LOGIN_PROCESSES[number];
                    let known = source.login(number, &words[..source.host], names);
                    (program, Writer::Login(protocol), message, known)
                }
                Inner::Other => return Some(Glance::Other),
                Inner::Odd => return None,
            },
            Kind::Odd => return None,
        };
        let line = Line {
            stamp,
            host: &words[..source.host],
            program,
            pid,
            writer,
            message,
            times: 1,
            ended: true,
        };
        Some(Glance::Server(line, known))
    }

    /// 1 + the number of the source of a line that begins with these words; `text` goes on behind it.
    fn source(&mut self, text: &[u8], line: &[u8], names: &mut Names) -> Option<u8> {
        let beginning = Block::of(text);
        let hint = hint(text, self.host);
        let number = self.hints.get(hint).copied().unwrap_or(0);
        if let Some(source) = self.sources.get(usize::from(number).wrapping_sub(1))
            && beginning.begins_like(source.words, source.length)
        {
            self.host = source.host;
            return Some(number);
        }
        let blanks = beginning.marks_of(b' ');
        let others = blanks & blanks.wrapping_sub(1);
        if others == 0 {
            return None;
        }
        let host = blanks.trailing_zeros() as usize;
        let word_end = others.trailing_zeros() as usize;
        let length = match line.get(..word_end)? {
            [word @ .., b']', b':'] => {
                let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit());
                word.len() - digits.count()
            }
            [.., b':'] => word_end,
            _ => return None,
        };
        let number = self.number(beginning, line.get(..length)?, host, names);
        self.hints[hint] = number;
        self.host = host;
        Some(number)
    }

    /// 1 + the number of the source with these words, of which the first `host` bytes are the host.
    fn number(&mut self, words: Block, text: &[u8], host: usize, names: &mut Names) -> u8 {
        if self.sources.len() >= MOST_SOURCES || self.slots.is_empty() {
            self.sources.clear();
            self.slots = vec![0; SLOTS];
            self.hints = vec![0; SLOTS];
        }
        let slot = &mut self.slots[slot(text)];
        let known = self.sources.get_mut(usize::from(*slot).wrapping_sub(1));
        if let Some(known) = &known
            && known.length == text.len()
            && known.words.begins_like(words, text.len())
        {
            return *slot;
        }
        let source = Source {
            words,
            length: text.len(),
            host,
            kind: Kind::of(text, host, names),
            logins: [None; writer::LOGIN_PROCESSES.len()],
        };
        // Of two that share a slot, the later one takes it.
        match known {
            Some(earlier) => *earlier = source,
            None => {
                self.sources.push(source);
                *slot = u8::try_from(self.sources.len()).unwrap_or(u8::MAX);
            }
        }
        *slot
    }
}

impl Source {
    /// The names of its host and of a login process that writes through it.
    fn login(&mut self, number: usize, host: &[u8], names: &mut Names) -> (Name, Name) {
        *self.logins[number].get_or_insert_with(|| {
            let (program, _) = writer::LOGIN_PROCESSES[number];
            (names.intern(host), names.intern(program))
        })
    }
}

/// Where a source is looked up first: by the end of the host and the beginning of the program, if the host is as long as the last one.
fn hint(text: &[u8], host: usize) -> usize {
    let bytes = text.get(host.saturating_sub(3)..);
    let Some((first, rest)) = bytes.and_then(|bytes| bytes.split_first_chunk::<8>()) else {
        return 0;
    };
    let second = rest.first_chunk::<8>().unwrap_or(first);
    let mixed = u64::from_le_bytes(*first) ^ u64::from_le_bytes(*second).rotate_left(23);
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

/// Where a source is remembered. What shares a slot is told apart, but not remembered both.
fn slot(words: &[u8]) -> usize {
    let mixed = words.iter().fold(0_u64, |mixed, byte| {
        (mixed.rotate_left(9) ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    (mixed >> 54) as usize
}

impl Kind {
    /// Of the words `HOST PROGRAM[`, of which `host` bytes are the host.
    fn of(words: &[u8], host: usize, names: &mut Names) -> Self {
        let (name, rest) = words.split_at(host);
        let [b' ', program @ .., end] = rest else {
            return Self::Odd;
        };
        // A relay may have put a stamp of its own before the line's.
        let stamps = [words, &rest[1..]].map(stamp::cut);
        let host = name;
        let odd = stamps.iter().any(Option::is_some)
            || matches!(host, [] | [b'<', ..] | [.., b':'])
            || program.contains(&b'[')
            || writer::login_process(program).is_some();
        match (odd, program.ends_with(b"/smtpd"), *end) {
            (false, true, b'[') => Self::Smtpd(names.intern(host), names.intern(program)),
            (false, false, b'[' | b':') => Self::Other,
            _ => Self::Odd,
        }
    }
}

/// What stands at the beginning of the message of a program that is no login server.
enum Inner<'a> {
    /// A login process, by its number in [`writer::LOGIN_PROCESSES`]: `dovecot: imap-login: MESSAGE`.
    Login(usize, &'a [u8]),
    /// None.
    Other,
    /// What takes a closer look.
    Odd,
}

impl<'a> Inner<'a> {
    fn of(message: &'a [u8]) -> Self {
        match message {
            [first @ (b'i' | b'p' | b's' | b'm'), ..] => {
                for (number, (name, _)) in writer::LOGIN_PROCESSES.iter().enumerate() {
                    if name.first() == Some(first)
                        && let Some(rest) = message.strip_prefix(*name)
                    {
                        return match rest.strip_prefix(b": ") {
                            Some(rest) => Self::Login(number, writer::without_level(rest)),
                            None => Self::Odd,
                        };
                    }
                }
                if message.starts_with(b"message repeated ") {
                    Self::Odd
                } else {
                    Self::Other
                }
            }
            // Dovecot 1.x has a stamp here, Solaris `[ID 583609 mail.info]`.
            [b'[', ..] => Self::Odd,
            [b'0'..=b'9', ..]
                if message.get(4) == Some(&b'-')
                    || matches!(message.get(10), Some(b'.' | b',')) =>
            {
                Self::Odd
            }
            _ => Self::Other,
        }
    }
}

const ONES: u64 = u64::from_le_bytes([1; 8]);

/// The number that eight bytes begin with, and how many digits it has; none where it has none or fills them.
const fn number(bytes: [u8; 8]) -> Option<(u32, usize)> {
    let values = u64::from_le_bytes(bytes) ^ (ONES * b'0' as u64);
    let others = (((values & (ONES * 0x7f)) + ONES * 0x76) | values) & (ONES * 0x80);
    let digits = others.trailing_zeros() / 8;
    if digits == 0 || digits == 8 {
        return None;
    }
    // Neighbours are put together: pairs of digits, pairs of these, and both halves.
    let ones = values << (64 - 8 * digits);
    let tens = (ones.wrapping_mul(10).wrapping_add(ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let hundreds = (tens.wrapping_mul(100).wrapping_add(tens >> 16)) & 0x0000_ffff_0000_ffff;
    let all = hundreds.wrapping_mul(10_000).wrapping_add(hundreds >> 32);
    Some((all as u32, digits as usize))
}

/// A glance must tell what searching tells.
#[cfg(test)]
pub(crate) fn check_glance(recent: &mut Recent, names: &mut Names, line: &[u8]) {
    let needle = super::chunk::Needles::new(super::head::Form::Syslog).first_in(line);
    let searched = needle.and_then(|needle| prefix::cut(line, needle));
    let shown = bstr::BStr::new(line);
    match recent.glance(line, line.len(), names) {
        Glance::Unknown => {}
        Glance::Other => assert_eq!(searched, None, "{shown}"),
        Glance::Server(found, (host, service)) => {
            assert_eq!(searched, Some(found), "{shown}");
            assert_eq!(
                (names.text(host), names.text(service)),
                (found.host, found.program)
            );
        }
    }
}
