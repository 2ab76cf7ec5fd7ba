//! The crew: threads that scan the parts of all inputs, and join the segments in order.
//!
//! A large plain file is cut into parts; everything else is one part. Which thread takes which part (`share`) does not matter,
//! since joining is associative and always done in the order of the parts.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use hashbrown::HashSet;

use super::chunk::{self, Needles};
use super::events::Events;
use super::export;
use super::head::Form;
use super::input::{Input, Named};
use super::json;
use super::period::Period;
use super::read::{self, Chunks};
use super::role::Role;
use super::segment::Segment;
use super::share::{Share, Shares};
use super::tally;
use super::unpack::Packing;
use crate::evidence::Time;

/// How much of a plain file is one part; less in tests, so that theirs have several.
pub(crate) const PART: u64 = if cfg!(test) { 16 << 10 } else { 16 << 20 };

/// What a scan has done so far, for whoever wants to show it or to stop it.
#[derive(Debug, Default)]
pub struct Watch {
    /// Bytes of the inputs that were read.
    pub done: AtomicU64,
    /// Bytes of all inputs that have a size.
    pub total: AtomicU64,
    /// Set to true, the scan ends with what was read so far.
    pub stop: Arc<AtomicBool>,
}

/// A stretch of an input: the lines that begin in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) input: usize,
    pub(crate) start: u64,
    /// None: to the end.
    pub(crate) end: Option<u64>,
}

/// How far an input was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reached {
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    /// It could be unpacked to its end.
    pub(crate) whole: bool,
    /// Of the journal: the last entry.
    pub(crate) cursor: Option<String>,
    /// The time of its last line.
    pub(crate) last: Option<Time>,
    /// The lines that were taken, by their hashes, where another log may hold the same ones.
    pub(crate) hashes: Vec<u64>,
}

/// How far a scan has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) segment: Segment,
    /// For each input.
    pub(crate) reached: Vec<Reached>,
    /// For each log, the hashes of its lines, where they matter.
    pub(crate) known: Vec<HashSet<u64>>,
    /// The first input with a line that was counted in a later log already, which a scan of everything would not do.
    pub(crate) overtaken: Option<usize>,
    /// The inputs that could not be read.
    pub(crate) errors: Vec<(usize, io::Error)>,
}

/// How the parts are read.
pub(crate) struct Crew<'a> {
    pub(crate) inputs: &'a [Input],
    /// For each input.
    pub(crate) roles: &'a [Role],
    pub(crate) period: Period,
    pub(crate) threads: usize,
    pub(crate) watch: &'a Watch,
}

/// What one run of parts gave: a segment of all, and what each input in it, in order, did.
#[derive(Default)]
struct Scanned {
    segment: Segment,
    inputs: Vec<(usize, Read)>,
    /// Those that could not be read. Where there are any, the rest is of no use.
    errors: Vec<(usize, io::Error)>,
}

/// What a run of parts read of one input.
#[derive(Default)]
struct Read {
    lines: u64,
    hashes: Vec<u64>,
    /// Where in the text it ended.
    end: u64,
    whole: bool,
    cursor: Option<String>,
    last: Option<Time>,
    overtaken: bool,
}

/// The parts of an input from the byte `start` of its text on.
pub(crate) fn parts(inputs: &[Input], input: usize, start: u64) -> Vec<Part> {
    let Input { size, .. } = inputs[input];
    if !inputs[input].can_be_cut() || size.saturating_sub(start) <= PART {
        return vec![Part {
            input,
            start,
            end: None,
        }];
    }
    let starts = (start..size).step_by(usize::try_from(PART).unwrap_or(usize::MAX));
    starts
        .map(|start| Part {
            input,
            start,
            end: (start + PART < size).then_some(start + PART),
        })
        .collect()
}

impl Crew<'_> {
    /// Scans parts, and goes on from what was scanned before.
    pub(crate) fn scan(&self, parts: &[Part], mut progress: Progress) -> Progress {
        let mut rest = parts;
        while let Some(first) = rest.first() {
            // A part that may repeat lines of one before it waits until that is read.
            let mut logs = vec![self.roles[first.input].log];
            let length = rest
                .iter()
                .take_while(|part| {
                    let role = &self.roles[part.input];
                    logs.push(role.log);
                    !role.twins.iter().any(|twin| logs.contains(twin))
                })
                .count();
            let (wave, later) = rest.split_at(length.max(1));
            progress = self.wave(wave, progress);
            rest = later;
        }
        progress
    }

    /// Scans some parts, of which none repeats another.
    fn wave(&self, parts: &[Part], mut progress: Progress) -> Progress {
        let known = std::mem::take(&mut progress.known);
        let before: Vec<u64> = progress
            .reached
            .iter()
            .map(|reached| reached.lines)
            .collect();
        let shares = Mutex::new(Shares::of(parts.len(), self.threads));
        let joined = Mutex::new(Joined {
            next: 0,
            waiting: BTreeMap::new(),
            progress,
        });
        let work = || {
            let mut buffer = vec![0; read::CHUNK];
            let begin = || lock(&shares).begin();
            while let Some(number) = begin() {
                let run = std::iter::from_fn(|| parts.get(lock(&shares).next(number)?));
                let scanned = self.scan_run(run, &known, &before, &mut buffer);
                let share = lock(&shares).finish(number);
                lock(&joined).take(share, scanned, self.roles);
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.threads.clamp(1, parts.len().max(1)) {
                // Where the system allows no more threads, those that there are do the work.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let joined = joined.into_inner();
        let mut progress = joined
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .progress;
        progress.known = known;
        for part in parts {
            let log = self.roles[part.input].log;
            progress.known[log].extend(&progress.reached[part.input].hashes);
        }
        progress
    }

    /// Scans neighbouring parts into one segment. `before` is how many lines of each input were read before the first of its parts.
    fn scan_run<'a>(
        &self,
        run: impl Iterator<Item = &'a Part>,
        known: &[HashSet<u64>],
        before: &[u64],
        buffer: &mut Vec<u8>,
    ) -> Scanned {
        let mut scanned = Scanned {
            segment: Segment::of(self.period),
            ..Scanned::default()
        };
        let mut run = run.peekable();
        while let Some(input) = run.peek().map(|part| part.input) {
            // Of a stream the beginning has been read already, and may be all that there is.
            if self.watch.stop.load(Ordering::Relaxed) && !self.inputs[input].is_stream() {
                break;
            }
            // What the first input is a part of is said where the segment is joined.
            let lines = match scanned.inputs.last() {
                Some(_) => before.get(input).copied().unwrap_or(0),
                None => 0,
            };
            let file = self.roles[input].file;
            scanned.segment.continue_file(file, lines);
            let parts = std::iter::from_fn(|| run.next_if(|part| part.input == input));
            match self.scan_input(input, parts, known, &mut scanned.segment, buffer) {
                Ok(read) => scanned.inputs.push((input, read)),
                Err(error) => scanned.errors.push((input, error)),
            }
        }
        scanned.segment.settle();
        scanned
    }

    /// Scans neighbouring parts of one input, and goes on from what `segment` holds.
    fn scan_input<'a>(
        &self,
        input: usize,
        parts: impl Iterator<Item = &'a Part>,
        known: &[HashSet<u64>],
        segment: &mut Segment,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Read> {
        let mut read = Read {
            whole: true,
            ..Read::default()
        };
        let (input, role) = (&self.inputs[input], &self.roles[input]);
        let lines = segment.lines.read;
        let mut events = Events::new(std::mem::take(segment), &input.calendar);
        events.known = role.twins.iter().map(|twin| &known[*twin]).collect();
        events.known_later = role.later_twins.iter().map(|twin| &known[*twin]).collect();
        events.seen = (!role.twins.is_empty()).then(Vec::new);
        for part in parts {
            read.end = part.start;
            if self.watch.stop.load(Ordering::Relaxed) && !input.is_stream() {
                break;
            }
            self.scan_part(*part, &mut events, &mut read, buffer)?;
        }
        read.hashes = events.seen.unwrap_or_default();
        read.last = events.last;
        read.overtaken = events.overtaken;
        read.lines = events.segment.lines.read - lines;
        *segment = events.segment;
        Ok(read)
    }

    fn scan_part(
        &self,
        part: Part,
        events: &mut Events<'_>,
        read: &mut Read,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        let input = &self.inputs[part.input];
        // The byte before tells whether a line begins at the start of the part.
        let source = input.text(part.start.saturating_sub(1), self.watch)?;
        let result = if input.head.form == Form::Export {
            export::scan(events, source)
        } else {
            self.scan_lines(part, source, events, read, buffer)
        };
        if let Err(error) = result {
            // A file that ends in the middle of its packing, or was truncated, is good up to there.
            if input.packing == Packing::None && input.head.form != Form::Export {
                return Err(error);
            }
            read.whole = false;
            events.segment.warnings.push(format!(
                "{}: cannot be unpacked to its end ({error}); what comes before is counted",
                input.named
            ));
        }
        Ok(())
    }

    fn scan_lines(
        &self,
        part: Part,
        source: Box<dyn io::Read + '_>,
        events: &mut Events<'_>,
        read: &mut Read,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        let input = &self.inputs[part.input];
        let needles = Needles::new(input.head.form);
        let start = part.start.saturating_sub(1);
        let mut at = start;
        let mut chunks = Chunks::new(source, std::mem::take(buffer), part.start > 0);
        let mut result = Ok(());
        loop {
            let chunk = match chunks.next() {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            };
            let mut own = chunk.own;
            at += chunk.skipped as u64;
            if let Some(end) = part.end {
                let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
                if left == 0 {
                    break;
                }
                own = own.min(chunk::lines_that_begin_in(chunk.bytes, left));
            }
            chunk::scan(events, &needles, chunk.bytes, own);
            if input.named == Named::Journal {
                read.cursor = json::last_cursor(&chunk.bytes[..own]).or(read.cursor.take());
            }
            at += chunk.own as u64;
            if input.packing == Packing::None {
                self.watch.done.fetch_add(own as u64, Ordering::Relaxed);
            }
            if self.watch.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        read.end = part.end.unwrap_or(start + chunks.taken());
        *buffer = chunks.into_buffer();
        result
    }
}

/// A thread that panicked has reported so already; the others go on with what it left.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The segments, joined in order.
struct Joined {
    /// The number of the part that comes next.
    next: usize,
    /// What was read of later ones: by the first of the parts, the one behind them and what they gave.
    waiting: BTreeMap<usize, (usize, Scanned)>,
    progress: Progress,
}

impl Joined {
    fn take(&mut self, share: Share, mut scanned: Scanned, roles: &[Role]) {
        self.progress.errors.append(&mut scanned.errors);
        self.waiting.insert(share.start, (share.end, scanned));
        while let Some((end, scanned)) = self.waiting.remove(&self.next) {
            let Progress {
                segment,
                reached,
                overtaken,
                ..
            } = &mut self.progress;
            let mut before = std::mem::take(segment);
            if let Some((input, _)) = scanned.inputs.first() {
                before.continue_file(roles[*input].file, reached[*input].lines);
            }
            for (input, read) in scanned.inputs {
                if read.overtaken {
                    overtaken.get_or_insert(input);
                }
                let reached = &mut reached[input];
                reached.bytes = read.end;
                reached.lines += read.lines;
                reached.whole = read.whole;
                reached.cursor = read.cursor.or(reached.cursor.take());
                reached.last = tally::later(reached.last, read.last);
                reached.hashes.extend(read.hashes);
            }
            *segment = before.then(scanned.segment);
            self.next = end;
        }
    }
}
