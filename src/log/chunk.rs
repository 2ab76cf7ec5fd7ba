//! A chunk: whole lines of a log in memory, of which those that may be of a login server are looked at.
//!
//! `hits` finds them. Of syslog lines a `glance` then tells who wrote them. Where it does not, and in other forms, a line with a
//! needle is cut; the needle merely finds the line, and `prefix` decides by its program who wrote it.

use fearless_simd::Level;
use memchr::{memchr, memmem, memrchr};

use super::event::Batch;
use super::events::Events;
use super::glance::Glance;
use super::head::Form;
use super::hits::{self, Hit};
use super::json::Fields;
use super::prefix::{self, Line};
use super::repeated::{self, LONGEST_REPEATED, without_return};
use super::services::Service;
use super::stamp::DAY;
use super::writer::Writer;
use crate::evidence::Time;

/// So many lines are understood before they are taken, so that their names can be fetched together.
const GROUP: usize = 64;

/// The searchers for one form of log.
#[derive(Debug)]
pub(crate) struct Needles {
    form: Form,
    finders: Vec<memmem::Finder<'static>>,
    level: Level,
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
            level: Level::new(),
        }
    }

    /// Finds the lines of a text that may have one, by two bytes of each that are rare elsewhere, and counts all lines.
    fn hits(&self, text: &[u8], hits: &mut Vec<Hit>) -> u64 {
        match self.form {
            Form::Syslog => hits::find(self.level, [*b"d[", *b"n:"], text, hits),
            Form::Rfc5424 => hits::find(self.level, [*b"pd", *b"n:"], text, hits),
            Form::Json => hits::find(self.level, [*b"pd", *b"n:", *b":["], text, hits),
            Form::Export => hits::find(self.level, [], text, hits),
        }
    }

    /// Whether one of them stands in a line.
    fn are_in(&self, line: &[u8]) -> bool {
        self.finders
            .iter()
            .any(|needle| needle.find(line).is_some())
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
    let mut hits = std::mem::take(&mut events.hits);
    let lines = needles.hits(&chunk[..own], &mut hits);
    let mut understood = Batch::with_capacity(GROUP);
    for group in hits.chunks(GROUP) {
        for hit in group {
            let line = Candidate {
                text: without_return(&chunk[hit.start..hit.end]),
                behind: chunk.get(hit.end + 1..).unwrap_or_default(),
                ended: hit.end < chunk.len(),
                lines: hit.lines,
            };
            match needles.form {
                Form::Syslog => {
                    line.glance(events, needles, &chunk[hit.start..], &mut understood);
                }
                Form::Rfc5424 => line.search(events, needles, &mut understood),
                Form::Json | Form::Export => line.unfold(events, needles),
            }
        }
        events.take_all(&mut understood);
    }
    events.hits = hits;
    cover(events, needles.form, &chunk[..own]);
    events.segment.read_lines(lines);
    events.segment.settle();
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
    /// What follows it in the chunk.
    behind: &'a [u8],
    /// It has a line feed.
    ended: bool,
    /// How many lines of the chunk are before it.
    lines: u64,
}

impl<'a> Candidate<'a> {
    /// Understands it if a login server wrote it; `text` goes on behind it.
    #[inline]
    fn glance(
        &self,
        events: &mut Events<'_>,
        needles: &Needles,
        text: &'a [u8],
        understood: &mut Batch<'a>,
    ) {
        match events.glance(text, self.text.len()) {
            Glance::Other => {}
            Glance::Server(line, service) => {
                self.understand(events, self.text, line, Some(service), understood);
            }
            Glance::Unknown => self.search(events, needles, understood),
        }
    }

    /// The same for a line of any shape.
    fn search(&self, events: &mut Events<'_>, needles: &Needles, understood: &mut Batch<'a>) {
        let text = prefix::bare(self.text);
        let needle = needles.first_in(text);
        if let Some(line) = needle.and_then(|needle| prefix::cut(text, needle)) {
            self.understand(events, text, line, None, understood);
        }
    }

    /// Takes what it says where it may be an object of JSON, whose values are texts of their own.
    fn unfold(&self, events: &mut Events<'_>, needles: &Needles) {
        let text = prefix::bare(self.text);
        let fields;
        let mut understood = Batch::default();
        if text.first() == Some(&b'{') {
            if !needles.are_in(text) {
                return;
            }
            let Some(read) = Fields::of_json(text) else {
                events.segment.lines.unparsed += 1;
                return;
            };
            fields = read;
            if let Some(line) = fields.line() {
                self.understand(events, text, line, None, &mut understood);
            }
        } else {
            self.search(events, needles, &mut understood);
        }
        events.take_all(&mut understood);
    }

    /// Understands it, cut, with its service where that is known.
    #[inline]
    fn understand<'l>(
        &self,
        events: &mut Events<'_>,
        text: &[u8],
        mut cut: Line<'l>,
        service: Option<Service>,
        understood: &mut Batch<'l>,
    ) {
        cut.ended = self.ended;
        if events.was_seen(text) || self.is_repeated(text) {
            return;
        }
        let times = match cut.writer {
            // Of the lines that count, only that of a failed AUTH can come twice in a row.
            Writer::Smtpd if !cut.message.starts_with(b"warning: ") => 1,
            Writer::Smtpd | Writer::Login(_) => {
                repeated::times(self.behind, cut.host).saturating_add(1)
            }
        };
        events.understand(&cut, service, self.lines, times, understood);
    }

    /// Whether the next line is the same: two rules of a syslog daemon that write into one file write one line twice.
    fn is_repeated(&self, text: &[u8]) -> bool {
        let length = match self.behind.get(text.len()..) {
            Some([b'\n', ..]) if !text.ends_with(b"\r") => text.len(),
            Some([b'\r', b'\n', ..]) => text.len() + 1,
            Some(_) | None => return false,
        };
        length < LONGEST_REPEATED && self.behind.starts_with(text)
    }
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
