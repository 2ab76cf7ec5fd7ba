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
mod crew;
mod elements;
mod event;
mod export;
mod input;
mod json;
#[cfg(test)]
mod laws;
mod login;
mod meaning;
mod names;
mod prefix;
mod read;
mod rotation;
mod segment;
mod session;
mod smtpd;
mod stamp;
mod tally;
mod transport;
mod unpack;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use jiff::tz::TimeZone;

pub use calibration::{Calibration, LoginService, PostfixService, Wrapper};
pub use crew::Watch;

use crate::evidence::Evidence;
use crew::Crew;
use input::Input;
use segment::Period;

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
    /// Where to say how far the reading is, and whether to stop it.
    pub watch: Option<Arc<Watch>>,
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

/// The input that stands for the journal of the running machine, read through `journalctl`.
pub fn journal() -> &'static Path {
    Path::new(input::JOURNAL)
}

/// Reads logs and tells who logged in, and how.
///
/// An input is a file, a directory of logs, a pattern, `-` for the standard input, or [`journal`].
/// Files may be packed with gzip, xz, bzip2 or zstd, and hold syslog lines, the journal's JSON or export form,
/// or JSON of a log service. Parts of a rotated log are read oldest first, in whatever order they are named.
///
/// # Errors
/// One for each input that cannot be read at all; nothing is said about the others then.
pub fn scan(inputs: &[PathBuf], options: &Options) -> Result<Evidence, Vec<ScanError>> {
    let paths = rotation::files(inputs)?;
    let mut opened = Vec::new();
    let mut errors = Vec::new();
    for path in &paths {
        match Input::open(path) {
            Ok(input) => opened.push(input),
            Err(why) => errors.push(ScanError {
                path: path.clone(),
                why,
            }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    input::set_calendars(&mut opened, options);
    let watch = options.watch.clone().unwrap_or_default();
    let crew = Crew {
        inputs: &opened,
        overlaps: input::overlaps(&opened),
        period: Period {
            since: options.since,
            until: options.until,
        },
        threads: match options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        },
        watch: &watch,
    };
    match crew.scan() {
        Ok(segment) => Ok(segment.evidence(options.calibration.as_ref(), &paths)),
        Err(errors) => Err(errors
            .into_iter()
            .map(|(input, why)| ScanError {
                path: paths[input].clone(),
                why,
            })
            .collect()),
    }
}
