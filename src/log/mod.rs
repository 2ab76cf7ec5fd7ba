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
mod head;
mod input;
mod json;
#[cfg(test)]
mod laws;
mod login;
mod meaning;
mod names;
mod period;
mod prefix;
mod program;
mod read;
mod rotation;
mod segment;
mod session;
mod smtpd;
mod stamp;
mod stream;
mod tally;
mod transport;
mod unpack;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use jiff::tz::TimeZone;

pub use calibration::{Calibration, LoginService, PostfixService, Wrapper};
pub use crew::Watch;
pub use input::Named;
pub use period::Bound;
pub use program::programs;
pub use rotation::stem;

use crate::evidence::Evidence;
use crew::Crew;
use input::Input;

/// How to read the logs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the configuration says about the log, where there is one.
    pub calibration: Option<Calibration>,
    /// The zone of stamps that have none.
    pub timezone: Option<TimeZone>,
    /// The year of the last line of every file, for stamps without a year; else it is taken from the file's name or time.
    pub year: Option<i16>,
    /// Leave out what is older.
    pub since: Option<Bound>,
    /// Leave out what is not older than this.
    pub until: Option<Bound>,
    /// How many threads read; 0 for as many as the machine has cores. The result does not depend on it.
    pub threads: usize,
    /// Where to say how far the reading is, and whether to stop it.
    pub watch: Option<Arc<Watch>>,
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{named}: {why}")]
pub struct ScanError {
    /// What it was.
    pub named: Named,
    /// What went wrong.
    pub why: io::Error,
}

/// Reads logs and tells who logged in, and how.
///
/// Files may be packed with gzip, xz, bzip2 or zstd, and hold syslog lines, the journal's JSON or export form,
/// or JSON of a log service. Parts of a rotated log are read oldest first, in whatever order they are named.
///
/// # Errors
/// One for each input that cannot be read at all; nothing is said about the others then.
pub fn scan(inputs: &[Named], options: &Options) -> Result<Evidence, Vec<ScanError>> {
    let names = rotation::files(inputs)?;
    let watch = options.watch.clone().unwrap_or_default();
    let mut opened = Vec::new();
    let mut errors = Vec::new();
    for named in &names {
        match Input::open(named, &watch) {
            Ok(input) => opened.push(input),
            Err(why) => errors.push(ScanError {
                named: named.clone(),
                why,
            }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    input::set_calendars(&mut opened, options);
    let period = input::period(&opened, options)?;
    let crew = Crew {
        inputs: &opened,
        overlaps: input::overlaps(&opened),
        period,
        threads: match options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        },
        watch: &watch,
    };
    match crew.scan() {
        Ok(mut segment) => {
            segment.warnings.splice(..0, input::warnings(&opened));
            let files: Vec<&Path> = names.iter().map(Named::shown).collect();
            Ok(segment.evidence(options.calibration.as_ref(), &files))
        }
        Err(errors) => Err(errors
            .into_iter()
            .map(|(input, why)| ScanError {
                named: names[input].clone(),
                why,
            })
            .collect()),
    }
}
