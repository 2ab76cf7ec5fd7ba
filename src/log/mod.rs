//! The log: finds logins in mail logs, and whether they were under TLS.
//!
//! Data moves one way:
//!
//! ```text
//! read: bytes → chunk: lines → prefix · smtpd · login: events → session → segment → transport: Evidence
//! ```
//!
//! [`scan`] is the whole of it. What a configuration says about the log goes in as a [`Calibration`], a plain value;
//! without it only what the log itself proves counts.

mod calendar;
mod calibration;
mod chunk;
mod event;
mod login;
mod names;
mod prefix;
mod read;
mod segment;
mod session;
mod smtpd;
mod stamp;
mod tally;
mod transport;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use jiff::tz::TimeZone;

pub use calibration::{Calibration, LoginService, PostfixService, Wrapper};

use crate::evidence::Evidence;
use calendar::Calendar;
use chunk::Needles;
use event::Events;
use read::Chunks;
use segment::{Period, Segment};

/// How to read the logs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the configuration says about the log, where there is one.
    pub calibration: Option<Calibration>,
    /// The zone of stamps that have none.
    pub timezone: Option<TimeZone>,
    /// The year of the last line of every file, for stamps without a year; else it is taken from the file's name or time.
    pub year: Option<i16>,
    /// A moment that no line is younger than, for input that has neither name nor time (stdin); seconds since 1970.
    pub now: Option<i64>,
    /// Leave out what is older, in seconds since 1970-01-01T00:00:00 on the log's own clock face.
    pub since: Option<i64>,
    /// Leave out what is not older than this.
    pub until: Option<i64>,
    /// How many threads read; 0 for as many as the machine has cores. The result does not depend on it.
    pub threads: usize,
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct ScanError {
    /// The file as it was named.
    pub path: PathBuf,
    /// What went wrong.
    pub why: io::Error,
}

/// Reads logs and tells who logged in, and how.
///
/// # Errors
/// One for each input that cannot be read at all; the others are then not reported on.
pub fn scan(inputs: &[PathBuf], options: &Options) -> Result<Evidence, Vec<ScanError>> {
    let period = Period {
        since: options.since,
        until: options.until,
    };
    let mut segment = Segment::beginning(period);
    let mut errors = Vec::new();
    for (number, path) in (0u32..).zip(inputs) {
        match scan_file(path, number, options, Segment::of(period)) {
            Ok(part) => segment = segment.then(part),
            Err(why) => errors.push(ScanError {
                path: path.clone(),
                why,
            }),
        }
    }
    if errors.is_empty() {
        Ok(segment.evidence(options.calibration.as_ref(), inputs))
    } else {
        Err(errors)
    }
}

fn scan_file(path: &Path, number: u32, options: &Options, segment: Segment) -> io::Result<Segment> {
    let calendar = Calendar::new(latest(path, options), options.timezone.clone());
    let mut events = Events::new(segment, &calendar);
    events.segment.enter_file(number);
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path)?)
    };
    let mut chunks = Chunks::new(source, read::CHUNK);
    let mut needles = None;
    while let Some(chunk) = chunks.next()? {
        let needles = needles.get_or_insert_with(|| Needles::new(prefix::is_rfc5424(chunk.bytes)));
        chunk::scan(&mut events, needles, chunk.bytes, chunk.own);
    }
    Ok(events.segment)
}

/// The moment that no line of a file is younger than.
fn latest(path: &Path, options: &Options) -> Option<i64> {
    if let Some(year) = options.year {
        return Some(stamp::days(i32::from(year) + 1, 1, 1) * stamp::DAY - 1 - stamp::DAY);
    }
    if path == Path::new("-") {
        return options.now;
    }
    let modified = path.metadata().ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}
