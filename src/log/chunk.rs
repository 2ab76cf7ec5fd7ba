//! A chunk: whole lines of a log in memory, of which those that may be of a login server are looked at.
//!
//! One searcher for each needle runs ahead over the chunk; only a line with a hit is cut.
//! The needle merely finds the line: `prefix` decides by its program who wrote it.

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::event::Events;
use super::prefix;
use super::stamp::DAY;

/// Lines that are longer are never taken for a repetition, so that how a log is cut does not matter.
const LONGEST_REPEATED: usize = 4096;

/// The searchers.
#[derive(Debug)]
pub(crate) struct Needles {
    smtpd: memmem::Finder<'static>,
    login: memmem::Finder<'static>,
}

impl Needles {
    /// For lines of the syslog families: RFC 5424 has a blank where the others have a bracket.
    pub(crate) fn new(rfc5424: bool) -> Self {
        Self {
            smtpd: memmem::Finder::new(if rfc5424 { b"/smtpd " } else { b"/smtpd[" }),
            login: memmem::Finder::new(b"-login: "),
        }
    }
}

/// Scans the lines that begin in the first `own` bytes of `chunk`; what follows is only looked ahead at.
pub(crate) fn scan(events: &mut Events<'_>, needles: &Needles, chunk: &[u8], own: usize) {
    let own = own.min(chunk.len());
    let mut lines = Lines::default();
    let next = |needle: &memmem::Finder<'static>, from: usize| {
        chunk
            .get(from..own)
            .and_then(|rest| needle.find(rest))
            .map_or(usize::MAX, |at| from + at)
    };
    let mut smtpd = next(&needles.smtpd, 0);
    let mut login = next(&needles.login, 0);
    while smtpd != usize::MAX || login != usize::MAX {
        let hit = smtpd.min(login);
        let start = memrchr(b'\n', &chunk[..hit]).map_or(0, |newline| newline + 1);
        let end = memchr(b'\n', &chunk[hit..]).map_or(chunk.len(), |newline| hit + newline);
        let line = without_return(&chunk[start..end]);
        let following = chunk.get(end + 1..).unwrap_or_default();
        look(
            events,
            line,
            hit - start,
            following,
            lines.up_to(chunk, start),
        );
        if smtpd < end {
            smtpd = next(&needles.smtpd, end);
        }
        if login < end {
            login = next(&needles.login, end);
        }
    }
    cover(events, &chunk[..own]);
    let mut count = lines.up_to(chunk, own);
    if own > 0 && own == chunk.len() && chunk[own - 1] != b'\n' {
        count += 1;
    }
    events.segment.read_lines(count);
}

/// Looks at one line that holds a needle.
fn look(events: &mut Events<'_>, line: &[u8], needle: usize, following: &[u8], lines: u64) {
    let Some(cut) = prefix::cut(line, needle) else {
        return;
    };
    let end = memchr(b'\n', &following[..following.len().min(LONGEST_REPEATED)]);
    let mut times = 1;
    if let Some(end) = end {
        let following = without_return(&following[..end]);
        // Two rules of a syslog daemon that write into one file write the same line twice, one behind the other.
        if following == line {
            return;
        }
        times += repeated_last(following);
    }
    let at = events.segment.position(lines);
    events.take(&cut, at, times);
}

/// `… last message repeated 2 times`: 2; otherwise 0.
fn repeated_last(line: &[u8]) -> u32 {
    const WORDS: &[u8] = b" last message repeated ";
    // The words end the line but for a number: a longer line is another one.
    let tail = &line[line.len().saturating_sub(WORDS.len() + 16)..];
    let Some(rest) = tail.strip_suffix(b" times") else {
        return 0;
    };
    memmem::find(rest, WORDS)
        .and_then(|at| prefix::digits(&rest[at + WORDS.len()..]))
        .unwrap_or(0)
}

/// Notes the time of the first and the last line; of every line where days lie between these two.
fn cover(events: &mut Events<'_>, lines: &[u8]) {
    let trimmed = lines.strip_suffix(b"\n").unwrap_or(lines);
    let first = &trimmed[..memchr(b'\n', trimmed).unwrap_or(trimmed.len())];
    let last = &trimmed[memrchr(b'\n', trimmed).map_or(0, |newline| newline + 1)..];
    let day =
        |events: &Events<'_>, line| events.time_of(line).map(|time| time.clock.div_euclid(DAY));
    match (day(events, first), day(events, last)) {
        (Some(first_day), Some(last_day)) if last_day == first_day || last_day == first_day + 1 => {
            events.cover(first);
            events.cover(last);
        }
        (None | Some(_), _) => {
            for line in trimmed.split(|byte| *byte == b'\n') {
                events.cover(line);
            }
        }
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Counts lines, each byte once.
#[derive(Debug, Default)]
struct Lines {
    counted: usize,
    lines: u64,
}

impl Lines {
    /// How many lines end before `offset`, which must not go back.
    fn up_to(&mut self, chunk: &[u8], offset: usize) -> u64 {
        if let Some(more) = chunk.get(self.counted..offset) {
            self.lines += memchr_iter(b'\n', more).count() as u64;
            self.counted = offset;
        }
        self.lines
    }
}
