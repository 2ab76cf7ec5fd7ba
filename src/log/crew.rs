//! The crew: threads that scan the parts of all inputs, and join the segments in order.
//!
//! A large plain file is cut into parts; everything else is one part. Which thread takes which part does not matter,
//! since joining is associative and always done in the order of the parts.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use hashbrown::HashSet;

use super::chunk::{self, Needles};
use super::event::Events;
use super::export;
use super::head::Form;
use super::input::Input;
use super::period::Period;
use super::read::{self, Chunks};
use super::segment::Segment;
use super::unpack::Packing;

/// How much of a plain file is one part.
const PART: u64 = 32 << 20;

/// What a scan has done so far, for whoever wants to show it or to stop it.
#[derive(Debug, Default)]
pub struct Watch {
    /// Bytes of the inputs that were read.
    pub done: AtomicU64,
    /// Bytes of all inputs that have a size.
    pub total: AtomicU64,
    /// Set to true, the scan ends with what was read so far.
    pub stop: AtomicBool,
}

/// A stretch of an input: the lines that begin in it.
#[derive(Clone, Copy, Debug)]
struct Part {
    input: usize,
    start: u64,
    /// None: to the end.
    end: Option<u64>,
}

/// What all threads share.
struct Joined {
    next: usize,
    waiting: BTreeMap<usize, (Segment, Vec<u64>)>,
    segment: Segment,
    seen: Vec<u64>,
    errors: Vec<(usize, io::Error)>,
}

/// How the parts are read.
pub(crate) struct Crew<'a> {
    pub(crate) inputs: &'a [Input],
    /// For each input, whether another one before it may hold the same lines, and whether one after it may.
    pub(crate) overlaps: Vec<(bool, bool)>,
    pub(crate) period: Period,
    pub(crate) threads: usize,
    pub(crate) watch: &'a Watch,
}

impl Crew<'_> {
    /// Scans everything.
    ///
    /// # Errors
    /// The inputs that could not be read.
    pub(crate) fn scan(&self) -> Result<Segment, Vec<(usize, io::Error)>> {
        let total = self.inputs.iter().map(|input| input.size).sum();
        self.watch.total.store(total, Ordering::Relaxed);
        let mut segment = Segment::beginning(self.period);
        let mut known = HashSet::new();
        let mut errors = Vec::new();
        let mut first = 0;
        while first < self.inputs.len() {
            // An input that may repeat lines of an earlier one waits until that is read.
            let after = (first + 1..self.inputs.len()).find(|&input| self.overlaps[input].0);
            let after = after.unwrap_or(self.inputs.len());
            let joined = self.wave(first..after, segment, &known);
            segment = joined.segment;
            known.extend(joined.seen);
            errors.extend(joined.errors);
            first = after;
        }
        if self.watch.stop.load(Ordering::Relaxed) {
            let warning = "stopped before the end: only what was read so far is counted";
            segment.warnings.push(warning.to_owned());
        }
        if errors.is_empty() {
            Ok(segment)
        } else {
            errors.sort_by_key(|(input, _)| *input);
            Err(errors)
        }
    }

    /// Scans some inputs, of which none repeats another.
    fn wave(
        &self,
        inputs: std::ops::Range<usize>,
        segment: Segment,
        known: &HashSet<u64>,
    ) -> Joined {
        let parts: Vec<Part> = inputs.flat_map(|input| self.parts(input)).collect();
        let taken = AtomicUsize::new(0);
        let joined = Mutex::new(Joined {
            next: 0,
            waiting: BTreeMap::new(),
            segment,
            seen: Vec::new(),
            errors: Vec::new(),
        });
        let work = || {
            let mut buffer = vec![0; read::CHUNK];
            loop {
                let number = taken.fetch_add(1, Ordering::Relaxed);
                let Some(part) = parts.get(number) else {
                    return;
                };
                let result = self.scan_part(*part, known, &mut buffer);
                // A thread that panicked has reported so already; the others go on with what it left.
                let mut joined = joined
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                joined.take(number, part.input, result);
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.threads.clamp(1, parts.len().max(1)) {
                scope.spawn(work);
            }
            work();
        });
        joined
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn parts(&self, input: usize) -> Vec<Part> {
        let size = self.inputs[input].size;
        if !self.inputs[input].can_be_cut() || size <= PART {
            return vec![Part {
                input,
                start: 0,
                end: None,
            }];
        }
        let starts = (0..size).step_by(usize::try_from(PART).unwrap_or(usize::MAX));
        starts
            .map(|start| Part {
                input,
                start,
                end: (start + PART < size).then_some(start + PART),
            })
            .collect()
    }

    fn scan_part(
        &self,
        part: Part,
        known: &HashSet<u64>,
        buffer: &mut Vec<u8>,
    ) -> io::Result<(Segment, Vec<u64>)> {
        let input = &self.inputs[part.input];
        let mut events = Events::new(Segment::of(self.period), &input.calendar);
        let (repeats, repeated) = self.overlaps[part.input];
        events.known = repeats.then_some(known);
        events.seen = repeated.then(Vec::new);
        events
            .segment
            .enter_file(u32::try_from(part.input).unwrap_or(u32::MAX));
        // The byte before tells whether a line begins at the start of the part.
        let source = input.text(part.start.saturating_sub(1))?;
        let result = if input.head.form == Form::Export {
            export::scan(&mut events, source)
        } else {
            self.scan_lines(part, input.head.form, source, &mut events, buffer)
        };
        if let Err(error) = result {
            // A file that ends in the middle of its packing, or was truncated, is good up to there.
            if input.packing == Packing::None && input.head.form != Form::Export {
                return Err(error);
            }
            events.segment.warnings.push(format!(
                "{}: cannot be unpacked to its end ({error}); what comes before is counted",
                input.named
            ));
        }
        if input.packing != Packing::None || part.start == 0 && part.end.is_none() {
            self.watch.done.fetch_add(input.size, Ordering::Relaxed);
        }
        Ok((events.segment, events.seen.unwrap_or_default()))
    }

    fn scan_lines(
        &self,
        part: Part,
        form: Form,
        source: Box<dyn Read + '_>,
        events: &mut Events<'_>,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        let needles = Needles::new(form);
        let mut at = part.start.saturating_sub(1);
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
            at += chunk.own as u64;
            if part.start > 0 || part.end.is_some() {
                self.watch.done.fetch_add(own as u64, Ordering::Relaxed);
            }
            if self.watch.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        *buffer = chunks.into_buffer();
        result
    }
}

impl Joined {
    fn take(&mut self, number: usize, input: usize, result: io::Result<(Segment, Vec<u64>)>) {
        match result {
            Ok(part) => {
                self.waiting.insert(number, part);
            }
            Err(error) => {
                self.errors.push((input, error));
                self.waiting.insert(number, Default::default());
            }
        }
        while let Some((segment, seen)) = self.waiting.remove(&self.next) {
            let before = std::mem::take(&mut self.segment);
            self.segment = before.then(segment);
            self.seen.extend(seen);
            self.next += 1;
        }
    }
}
