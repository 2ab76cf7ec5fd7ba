//! A glance: what the words before the message tell at once of a line in the usual shape.
//!
//! Few hosts and programs write nearly all lines, so their words are compared with those of recent lines instead of being cut.
//! A glance gives what searching the line for a needle and cutting it (`prefix`) gives, or says that it does not know.

use memchr::memchr;

use super::prefix::{self, Line};
use super::segment::Segment;
use super::services::Service;
use super::stamp;
use super::writer::{self, Writer};

/// What a glance tells of a line.
#[derive(Debug)]
pub(crate) enum Glance<'a> {
    /// No login server wrote it.
    Other,
    /// A login server did, as this service.
    Server(Line<'a>, Service),
    /// The line has to be searched.
    Unknown,
}

/// The hosts and programs of recent lines.
#[derive(Debug)]
pub(crate) struct Recent {
    sources: Vec<Source>,
    /// By a hash of some bytes of their words: 1 + the number of the source.
    slots: [u8; SLOTS],
    /// How long the last host was.
    host: usize,
}

/// `HOST PROGRAM[` or `HOST PROGRAM:`, and what it says of its lines.
#[derive(Clone, Copy, Debug)]
struct Source {
    beginning: Beginning,
    /// How many bytes these are, and how many are the host.
    length: usize,
    host: usize,
    /// The words end in `[`, and the number of the process follows.
    numbered: bool,
    kind: Kind,
    /// The login processes that wrote through it, in the order of [`writer::LOGIN_PROCESSES`].
    logins: [Option<Service>; writer::LOGIN_PROCESSES.len()],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Postfix's smtpd.
    Smtpd(Service),
    /// Neither smtpd nor a login process; one of these may stand at the beginning of the message.
    Other,
    /// To be looked at in each line.
    Odd,
}

const SLOTS: usize = 4096;
const MOST_SOURCES: usize = 255;

/// A line is glanced at only where so many bytes of text follow its beginning, so that nothing below runs out of it.
const REACH: usize = 192;

/// The stamp ends within the first of these bytes; host, program and number of the process within the others.
const WORDS: usize = 128;

impl Recent {
    pub(crate) const fn new() -> Self {
        Self {
            sources: Vec::new(),
            slots: [0; SLOTS],
            host: 0,
        }
    }

    /// Looks at the line that has the first `length` bytes of `text`.
    #[inline]
    pub(crate) fn glance<'l>(
        &mut self,
        text: &'l [u8],
        length: usize,
        segment: &mut Segment,
    ) -> Glance<'l> {
        self.look(text, length, segment).unwrap_or(Glance::Unknown)
    }

    /// None where the line has no usual shape.
    #[inline]
    fn look<'l>(
        &mut self,
        text: &'l [u8],
        length: usize,
        segment: &mut Segment,
    ) -> Option<Glance<'l>> {
        let head: &[u8; REACH] = text.first_chunk()?;
        let stamp = match head[0] {
            b'0'..=b'9' | b'A'..=b'Z' => prefix::plain_stamp(head),
            _ => 0,
        };
        if stamp == 0 {
            return None;
        }
        let words: &[u8; WORDS] = head.get(stamp + 1..)?.first_chunk()?;
        let source = self.source(words, segment)?;
        let number: &[u8; 8] = words.get(source.length..)?.first_chunk()?;
        let behind = if source.numbered {
            let behind = source.length + digits(*number);
            if words.get(behind..behind + 3)? != b"]: " {
                return None;
            }
            behind + 3
        } else {
            if number[0] != b' ' {
                return None;
            }
            source.length + 1
        };
        // What is beyond the line is not of it: then this fails.
        let message = text.get(stamp + 1 + behind..length)?;
        let (program, pid, writer, message, known) = match source.kind {
            // `[ID …]` and `message repeated …`, which syslog daemons put before it, are for `writer`.
            Kind::Smtpd(..) if matches!(message, [b'[' | b'm', ..]) => return None,
            Kind::Smtpd(service) => {
                let pid = Some(value(*number)?);
                let program = words.get(source.host + 1..source.length - 1)?;
                let message = writer::without_tail(message);
                (program, pid, Writer::Smtpd, message, service)
            }
            Kind::Other => match Inner::of(message) {
                Inner::Other => return Some(Glance::Other),
                Inner::Login(process, message) => {
                    let pid = if source.numbered {
                        Some(value(*number)?)
                    } else {
                        None
                    };
                    let (program, protocol) = writer::LOGIN_PROCESSES[process];
                    let known = source.login(process, words.get(..source.host)?, segment);
                    (program, pid, Writer::Login(protocol), message, known)
                }
                Inner::Odd => return None,
            },
            Kind::Odd => return None,
        };
        let line = Line {
            stamp: head.get(..stamp)?,
            host: words.get(..source.host)?,
            program,
            pid,
            writer,
            message,
            times: 1,
            ended: true,
        };
        Some(Glance::Server(line, known))
    }

    /// The source of a line that goes on with these words.
    #[inline]
    fn source(&mut self, words: &[u8; WORDS], segment: &mut Segment) -> Option<&mut Source> {
        let known = usize::from(self.slots[slot(words, self.host)]).wrapping_sub(1);
        let found = self.sources.get(known);
        if found.is_some_and(|source| source.beginning.begins(words)) {
            return self.sources.get_mut(known);
        }
        self.find(words, segment)
    }

    /// The same where the host is not as long as the last one, or the source is new.
    #[cold]
    fn find(&mut self, words: &[u8; WORDS], segment: &mut Segment) -> Option<&mut Source> {
        let host = memchr(b' ', &words[..Beginning::SIZE])?;
        self.host = host;
        let slot = slot(words, host);
        let known = usize::from(self.slots[slot]).wrapping_sub(1);
        let found = self.sources.get(known);
        if found.is_some_and(|source| source.beginning.begins(words)) {
            return self.sources.get_mut(known);
        }
        let end = host + 1 + memchr(b' ', &words[host + 1..Beginning::SIZE])?;
        let length = match &words[host + 1..end] {
            [word @ .., b']', b':'] => {
                let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit());
                end - 2 - digits.count()
            }
            [.., b':'] => end,
            _ => return None,
        };
        let source = Source::of(&words[..length], host, segment);
        self.remember(slot, source)
    }

    /// Of two that share a slot, the later one takes it.
    fn remember(&mut self, slot: usize, source: Source) -> Option<&mut Source> {
        let number = usize::from(self.slots[slot]).wrapping_sub(1);
        if number < self.sources.len() {
            self.sources[number] = source;
            return self.sources.get_mut(number);
        }
        if self.sources.len() >= MOST_SOURCES {
            self.sources.clear();
            self.slots.fill(0);
        }
        self.sources.push(source);
        self.slots[slot] = u8::try_from(self.sources.len()).unwrap_or(u8::MAX);
        self.sources.last_mut()
    }
}

/// Where a source is remembered: by the end of the host and the beginning of the program.
#[inline]
fn slot(words: &[u8; WORDS], host: usize) -> usize {
    let start = host.saturating_sub(3) % Beginning::SIZE;
    let eight = |at: usize| {
        let bytes = words[at..].first_chunk();
        u64::from_le_bytes(*bytes.unwrap_or(&[0; 8]))
    };
    let mixed = eight(start) ^ eight(start + 8).rotate_left(23);
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.ilog2())) as usize
}

/// The first bytes of a text, to be compared with those of others in one go.
#[derive(Clone, Copy, Debug)]
struct Beginning {
    words: [u64; Self::SIZE / 8],
    /// Which bits of these count.
    mask: [u64; Self::SIZE / 8],
}

impl Beginning {
    /// How many bytes there are at most.
    const SIZE: usize = 64;

    /// Of a text that is not longer.
    fn of(text: &[u8]) -> Self {
        let (mut bytes, mut mask) = ([0; Self::SIZE], [0; Self::SIZE]);
        for ((byte, mask), known) in bytes.iter_mut().zip(&mut mask).zip(text) {
            (*byte, *mask) = (*known, 0xff);
        }
        Self {
            words: words(&bytes),
            mask: words(&mask),
        }
    }

    #[inline]
    fn begins(&self, text: &[u8; WORDS]) -> bool {
        let known = self.words.iter().zip(&self.mask);
        let differing = text
            .as_chunks()
            .0
            .iter()
            .zip(known)
            .fold(0, |all, (word, (known, mask))| {
                all | (u64::from_le_bytes(*word) ^ known) & mask
            });
        differing == 0
    }
}

#[inline]
fn words(bytes: &[u8; Beginning::SIZE]) -> [u64; Beginning::SIZE / 8] {
    let mut words = [0; Beginning::SIZE / 8];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

impl Source {
    fn of(words: &[u8], host: usize, segment: &mut Segment) -> Self {
        Self {
            beginning: Beginning::of(words),
            length: words.len(),
            host,
            numbered: words.ends_with(b"["),
            kind: Kind::of(words, host, segment),
            logins: [None; writer::LOGIN_PROCESSES.len()],
        }
    }

    /// A login process that writes through it.
    fn login(&mut self, number: usize, host: &[u8], segment: &mut Segment) -> Service {
        *self.logins[number].get_or_insert_with(|| {
            let (program, _) = writer::LOGIN_PROCESSES[number];
            segment.service(host, program)
        })
    }
}

impl Kind {
    /// Of the words `HOST PROGRAM[`, of which `host` bytes are the host.
    fn of(words: &[u8], host: usize, segment: &mut Segment) -> Self {
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
            (false, true, b'[') => Self::Smtpd(segment.service(host, program)),
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
                        && message.get(name.len()) == Some(&b':')
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

/// How many of the first bytes are digits.
#[inline]
const fn digits(bytes: [u8; 8]) -> usize {
    let values = u64::from_le_bytes(bytes) ^ (ONES * b'0' as u64);
    let others = (((values & (ONES * 0x7f)) + ONES * 0x76) | values) & (ONES * 0x80);
    others.trailing_zeros() as usize / 8
}

/// The number that eight bytes begin with; none where it has no digit or fills them.
#[inline]
const fn value(bytes: [u8; 8]) -> Option<u32> {
    let digits = digits(bytes);
    if digits == 0 || digits == 8 {
        return None;
    }
    // Neighbours are put together: pairs of digits, pairs of these, and both halves.
    let ones = (u64::from_le_bytes(bytes) ^ (ONES * b'0' as u64)) << (64 - 8 * digits);
    let tens = (ones.wrapping_mul(10).wrapping_add(ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let hundreds = (tens.wrapping_mul(100).wrapping_add(tens >> 16)) & 0x0000_ffff_0000_ffff;
    Some(hundreds.wrapping_mul(10_000).wrapping_add(hundreds >> 32) as u32)
}

/// A glance must tell what searching tells.
#[cfg(test)]
pub(crate) fn check_glance(recent: &mut Recent, segment: &mut Segment, line: &[u8]) {
    let needle = super::chunk::Needles::new(super::head::Form::Syslog).first_in(line);
    let searched = needle.and_then(|needle| prefix::cut(line, needle));
    let shown = bstr::BStr::new(line);
    // What stands behind a line must not count, but without it there is no glance.
    for behind in [
        &b"\n"[..],
        b"\r\n",
        b" postfix/smtpd[7]: ",
        b"]: postfix/smtpd[7]: x\n",
    ] {
        let text = [line, &behind.repeat(REACH)].concat();
        match recent.glance(&text, line.len(), segment) {
            Glance::Unknown => {}
            Glance::Other => assert_eq!(searched, None, "{shown}"),
            Glance::Server(found, service) => {
                let (host, name) = segment.services.names_of(service);
                assert_eq!(searched, Some(found), "{shown}");
                assert_eq!(
                    (segment.names.text(host), segment.names.text(name)),
                    (found.host, found.program)
                );
            }
        }
    }
}
