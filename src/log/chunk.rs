//! A chunk: whole lines of a log in memory, of which those that may be of a login server are looked at.
//!
//! Of syslog lines a `glance` tells who wrote them. Where it does not, and in other forms, one searcher for each needle runs ahead
//! and only a line with a hit is cut; the needle merely finds the line, and `prefix` decides by its program who wrote it.

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::block::Places;
use super::event::Events;
use super::glance::Glance;
use super::head::Form;
use super::json::Fields;
use super::names::Name;

use super::prefix::{self, Line};
use super::stamp::DAY;
use super::writer::Writer;
use crate::evidence::Time;

/// Lines that are longer are never taken for a repetition, so that how a log is cut does not matter.
const LONGEST_REPEATED: usize = 4096;

/// Where more than one line in so many is of a login server, a glance at each line takes less time than the search for these.
const CROWDED: u64 = 4;

/// The searchers for one form of log.
#[derive(Debug)]
pub(crate) struct Needles {
    form: Form,
    finders: Vec<memmem::Finder<'static>>,
}

impl Needles {
    /// What the lines of login servers hold in this form.
    pub(crate) fn new(form: Form) -> Self {
        let needles: &[&[u8]] = match form {
            Form::Syslog => &[b"/smtpd[", b"-login: "],
            Form::Rfc5424 => &[b"/smtpd ", b"-login: "],
            // The program as a value of its own, or a whole syslog line in the message.
            // The journal writes a message with a control character as an array of its bytes.
            Form::Json => &[b"/smtpd", b"-login: ", b"MESSAGE\":["],
            Form::Export => &[],
        };
        Self {
            form,
            finders: needles.iter().map(memmem::Finder::new).collect(),
        }
    }

    /// Where the first of them stands in a line.
    pub(crate) fn first_in(&self, line: &[u8]) -> Option<usize> {
        let hits = self.finders.iter();
        hits.filter_map(|needle| needle.find(line)).min()
    }
}

/// Scans the lines that begin in the first `own` bytes of `chunk`; what follows is only looked ahead at.
pub(crate) fn scan(events: &mut Events<'_>, needles: &Needles, chunk: &[u8], own: usize) {
    let own = own.min(chunk.len());
    let before = events.segment.lines.candidate;
    let lines = match needles.form {
        Form::Syslog if events.crowded => walk(events, needles, chunk, own),
        Form::Syslog | Form::Rfc5424 | Form::Json | Form::Export => {
            leap(events, needles, chunk, own)
        }
    };
    // What comes next is most likely like this.
    let candidates = events.segment.lines.candidate - before;
    events.crowded = candidates.saturating_mul(CROWDED) > lines;
    cover(events, needles.form, &chunk[..own]);
    events.segment.read_lines(lines);
    events.segment.settle();
}

/// Goes from line to line and glances at each. Counts the lines.
fn walk(events: &mut Events<'_>, needles: &Needles, chunk: &[u8], own: usize) -> u64 {
    let mut newlines = Places::of(b'\n', chunk);
    let mut lines = 0;
    let mut start = 0;
    let mut end = newlines.next();
    while start < own {
        let line_end = end.unwrap_or(chunk.len());
        let following = line_end + 1;
        end = newlines.next();
        let line = Candidate {
            text: without_return(&chunk[start..line_end]),
            following: end.and_then(|end| chunk.get(following..end)),
            ended: following <= chunk.len(),
        };
        line.glance(events, needles, &chunk[start..], || lines);
        lines += 1;
        start = following;
    }
    lines
}

/// Leaps from one line with a needle to the next. Counts the lines.
fn leap(events: &mut Events<'_>, needles: &Needles, chunk: &[u8], own: usize) -> u64 {
    let mut lines = Lines::default();
    let next = |needle: &memmem::Finder<'static>, from: usize| {
        chunk
            .get(from..own)
            .and_then(|rest| needle.find(rest))
            .map_or(usize::MAX, |at| from + at)
    };
    // The next hit of each needle; only those that a line leaves behind are searched for anew.
    let mut hits = [usize::MAX; 3];
    for (hit, needle) in hits.iter_mut().zip(&needles.finders) {
        *hit = next(needle, 0);
    }
    loop {
        let hit = hits[0].min(hits[1]).min(hits[2]);
        if hit == usize::MAX {
            break;
        }
        let start = memrchr(b'\n', &chunk[..hit]).map_or(0, |newline| newline + 1);
        let end = memchr(b'\n', &chunk[hit..]).map_or(chunk.len(), |newline| hit + newline);
        let following = chunk.get(end + 1..).unwrap_or_default();
        let line = Candidate {
            text: without_return(&chunk[start..end]),
            following: memchr(b'\n', following).map(|newline| &following[..newline]),
            ended: end < chunk.len(),
        };
        let before = || lines.up_to(chunk, start);
        match needles.form {
            Form::Syslog => line.glance(events, needles, &chunk[start..], before),
            Form::Rfc5424 | Form::Json | Form::Export => line.search(events, needles, before),
        }
        for (hit, needle) in hits.iter_mut().zip(&needles.finders) {
            if *hit < end {
                *hit = next(needle, end);
            }
        }
    }
    let last = own > 0 && own == chunk.len() && chunk[own - 1] != b'\n';
    lines.up_to(chunk, own) + u64::from(last)
}

/// How many bytes the lines take that begin in the first `left` bytes.
pub(crate) fn lines_that_begin_in(chunk: &[u8], left: usize) -> usize {
    match chunk.get(left.wrapping_sub(1)..) {
        Some(rest) => memchr(b'\n', rest).map_or(chunk.len(), |newline| left + newline),
        None => chunk.len(),
    }
}

/// A line that may be of a login server.
struct Candidate<'a> {
    text: &'a [u8],
    /// The line that follows it in the chunk, if it has a line feed.
    following: Option<&'a [u8]>,
    /// It has a line feed.
    ended: bool,
}

impl Candidate<'_> {
    /// Takes it if a login server wrote it; `text` goes on behind it, and `lines` counts the lines of the chunk before it.
    fn glance(
        &self,
        events: &mut Events<'_>,
        needles: &Needles,
        text: &[u8],
        lines: impl FnOnce() -> u64,
    ) {
        match events.glance(text, self.text.len()) {
            Glance::Other => {}
            Glance::Server(line, names) => self.take(events, self.text, line, Some(names), lines),
            Glance::Unknown => self.search(events, needles, lines),
        }
    }

    /// The same for any form.
    fn search(&self, events: &mut Events<'_>, needles: &Needles, lines: impl FnOnce() -> u64) {
        let text = prefix::bare(self.text);
        let fields;
        let cut = if needles.form == Form::Json && text.first() == Some(&b'{') {
            let Some(read) = Fields::of_json(text) else {
                events.segment.lines.unparsed += 1;
                return;
            };
            fields = read;
            fields.line()
        } else {
            let needle = needles.first_in(text);
            needle.and_then(|needle| prefix::cut(text, needle))
        };
        if let Some(cut) = cut {
            self.take(events, text, cut, None, lines);
        }
    }

    /// Takes it, cut, with the names of host and program where they are known.
    fn take(
        &self,
        events: &mut Events<'_>,
        text: &[u8],
        mut cut: Line<'_>,
        names: Option<(Name, Name)>,
        lines: impl FnOnce() -> u64,
    ) {
        cut.ended = self.ended;
        // Two rules of a syslog daemon that write into one file write the same line twice, one behind the other.
        let following = self.following.filter(|line| line.len() < LONGEST_REPEATED);
        let following = following.map(without_return);
        if events.was_seen(text) || following == Some(text) {
            return;
        }
        let times = match cut.writer {
            // Of the lines that count, only that of a failed AUTH can come twice in a row.
            Writer::Smtpd if !cut.message.starts_with(b"warning: ") => 1,
            Writer::Smtpd | Writer::Login(_) => 1 + following.map_or(0, repeated_last),
        };
        events.take(&cut, names, lines, times);
    }
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
fn cover(events: &mut Events<'_>, form: Form, lines: &[u8]) {
    let trimmed = lines.strip_suffix(b"\n").unwrap_or(lines);
    let first = &trimmed[..memchr(b'\n', trimmed).unwrap_or(trimmed.len())];
    let last = &trimmed[memrchr(b'\n', trimmed).map_or(0, |newline| newline + 1)..];
    let time = |events: &Events<'_>, line: &[u8]| events.time_of(form, line);
    let day = |time: Option<Time>| time.map(|time| time.clock.div_euclid(DAY));
    let (first, last) = (time(events, first), time(events, last));
    let alike = events.segment.period.holds_alike(first, last);
    match (day(first), day(last)) {
        (Some(first_day), Some(last_day))
            if alike && (last_day == first_day || last_day == first_day + 1) =>
        {
            events.cover(first);
            events.cover(last);
        }
        (None | Some(_), _) => {
            for line in trimmed.split(|byte| *byte == b'\n') {
                let time = time(events, line);
                events.cover(time);
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
