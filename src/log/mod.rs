//! The log: finds logins in mail logs, and whether they were under TLS.
//!
//! Data moves one way:
//!
//! ```text
//! read: bytes → chunk: lines → prefix · smtpd · login: events → session → segment → transport: Evidence
//! ```
//!
//! [`scan()`] is the whole of it. What a configuration says about the log goes in as a [`Calibration`], a plain value;
//! without it only what the log itself proves counts.

mod calendar;
mod calibration;
mod cell;
mod chunk;
mod clock;
mod crew;
mod elements;
mod entry;
mod event;
mod events;
mod export;
mod glance;
mod head;
mod hits;
mod input;
mod inputs;
mod json;
mod kept;
#[cfg(test)]
mod laws;
mod login;
mod logins;
mod meaning;
mod names;
mod ordered;
mod period;
mod places;
mod prefix;
mod process;
mod program;
mod reach;
mod read;
mod recognition;
mod refusal;
mod repeated;
mod resume;
#[cfg(test)]
mod resume_laws;
mod rfc5424;
mod role;
mod rotation;
mod row;
mod saved;
mod scan;
mod segment;
mod services;
mod session;
mod share;
mod smtpd;
mod stamp;
mod stream;
mod tally;
mod transport;
mod unpack;
mod word;
mod writer;

use std::error::Error;
use std::io;
use std::sync::Arc;

use jiff::tz::TimeZone;

pub use calibration::{Calibration, LoginService, PostfixService, Wrapper, names_host};
pub use crew::Watch;
pub use input::Named;
pub use period::Bound;
pub use program::programs;
pub use rotation::stem;

use crate::evidence::Evidence;
use saved::Saved;
use scan::Scan;

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
pub enum ScanError {
    /// Something is wrong with an input.
    #[error("{named}: {why}")]
    Input {
        /// What it is.
        named: Named,
        /// What went wrong.
        why: io::Error,
    },
    /// A directory holds no log.
    #[error(
        "{0}: no log in this directory; name the files, or a directory with mail.log or maillog"
    )]
    Nothing(Named),
    /// Something is wrong with the saved state of an earlier scan: its line, and what.
    #[error("{0}")]
    Saved(String),
}

impl ScanError {
    fn input(named: &Named, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Input {
            named: named.clone(),
            why: io::Error::other(why),
        }
    }
}

/// Reads logs and tells who logged in, and how.
///
/// Files may be packed with gzip, xz, bzip2 or zstd, and hold syslog lines, the journal's JSON or export form,
/// or JSON of a log service. Parts of a rotated log are read oldest first, in whatever order they are named.
///
/// # Errors
/// One for each input that cannot be read at all; nothing is said about the others then.
pub fn scan(inputs: &[Named], options: &Options) -> Result<Evidence, Vec<ScanError>> {
    let (evidence, _) = Scan::open(inputs, None, options)?.all(false)?;
    Ok(evidence)
}

/// The same, and the segment that all of it reduces to, as NDJSON.
///
/// # Errors
/// As for [`scan()`].
pub fn segment(inputs: &[Named], options: &Options) -> Result<(Evidence, Vec<u8>), Vec<ScanError>> {
    Scan::open(inputs, None, options)?.all(true)
}

/// Reads what is new since an earlier scan that gave `saved`, and tells what both found together.
/// Gives what the next one needs; none where it is to take what this one took.
///
/// # Errors
/// As for [`scan()`], and where `saved` cannot be read, or the logs are not those that it was made of.
pub fn resume(
    inputs: &[Named],
    options: &Options,
    saved: Option<&[u8]>,
) -> Result<(Evidence, Option<Vec<u8>>), Vec<ScanError>> {
    let saved = match saved {
        Some(bytes) => Saved::read(bytes).map_err(|why| vec![ScanError::Saved(why)])?,
        None => Saved::default(),
    };
    let cursor = saved.cursor().map(str::to_owned);
    match Scan::open(inputs, cursor.as_deref(), options)?.on(saved)? {
        Some(found) => Ok(found),
        None => Scan::open(inputs, None, options)?.anew(),
    }
}
