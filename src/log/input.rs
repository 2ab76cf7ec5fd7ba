//! An input: one file or stream of a log, looked into before it is read.
//!
//! What its first lines tell is for `head`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use super::calendar::{Calendar, Year};
use super::crew::Watch;
use super::head::{self, Form, Head};
use super::period::{Bound, Period};
use super::rotation;
use super::stamp::{self, DAY, Stamp};
use super::stream::{Spring, Stream};
use super::tally;
use super::unpack::Packing;
use super::{Options, ScanError};
use crate::evidence::Time;

/// A stream that begins with more zero bytes than this is no log.
const MOST_ZEROS: u64 = 16 << 20;

/// What to read, as the user says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// A file, a directory of logs, or a pattern such as `mail.log*`.
    Path(PathBuf),
    /// The standard input.
    Stdin,
    /// The journal of the running machine, read through `journalctl`.
    Journal,
}

impl Named {
    /// How reports name it.
    pub(crate) fn shown(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Stdin => Path::new("-"),
            Self::Journal => Path::new("journal"),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().display().fmt(f)
    }
}

/// One file or stream.
pub(crate) struct Input {
    pub(crate) named: Named,
    pub(crate) packing: Packing,
    pub(crate) head: Head,
    pub(crate) calendar: Calendar,
    /// Its size on the disk; 0 where it is a stream.
    pub(crate) size: u64,
    source: Source,
    /// The stamp of its last line, where it can be looked at without reading all of it.
    last: Option<Stamp>,
    modified: Option<i64>,
}

/// Where the bytes come from.
enum Source {
    /// A file that can be read again.
    File(PathBuf),
    /// A stream, with the part that was looked into put back before it; none once it is read.
    Stream(Mutex<Option<Box<dyn Read + Send>>>),
}

impl Input {
    /// Looks into it.
    ///
    /// # Errors
    /// Where it cannot be read or is no log.
    pub(crate) fn open(named: &Named, watch: &Arc<Watch>) -> io::Result<Self> {
        let spring = match named {
            Named::Path(path) if path.metadata()?.is_file() => return Self::open_file(named, path),
            Named::Path(path) => Spring::File(path.clone()),
            Named::Stdin => Spring::Stdin,
            Named::Journal => Spring::Journal(Vec::new()),
        };
        let mut stream = Stream::new(spring, Arc::clone(watch));
        let mut packed = Vec::new();
        head::read(&mut stream, MOST_ZEROS, &mut packed)?;
        let packing = Packing::of(&packed);
        let text = match packing {
            Packing::None => packed.clone(),
            Packing::Gzip | Packing::Xz | Packing::Bzip2 | Packing::Zstd => {
                head::unpacked(packing, &packed[..])
            }
        };
        let source = Source::Stream(Mutex::new(Some(Box::new(
            io::Cursor::new(packed).chain(stream),
        ))));
        Self::of(named, packing, &text, source)
    }

    fn open_file(named: &Named, path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        let mut packed = Vec::new();
        head::read(&mut file, u64::MAX, &mut packed)?;
        let packing = Packing::of(&packed);
        let text = match packing {
            Packing::None => packed,
            Packing::Gzip | Packing::Xz | Packing::Bzip2 | Packing::Zstd => {
                head::unpacked(packing, File::open(path)?)
            }
        };
        let mut input = Self::of(named, packing, &text, Source::File(path.to_path_buf()))?;
        input.size = meta.len();
        input.modified = meta
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_secs()).ok());
        if packing == Packing::None {
            file.seek(SeekFrom::Start(
                input.size.saturating_sub(head::LENGTH as u64),
            ))?;
            input.last = head::last_stamp(file.take(head::LENGTH as u64))?;
        }
        Ok(input)
    }

    fn of(named: &Named, packing: Packing, text: &[u8], source: Source) -> io::Result<Self> {
        Ok(Self {
            named: named.clone(),
            packing,
            head: Head::of(text)?,
            calendar: Calendar::default(),
            size: 0,
            source,
            last: None,
            modified: None,
        })
    }

    /// Its text, unpacked, from `start` on, which only a plain file can have other than 0.
    ///
    /// # Errors
    /// Where it can no longer be opened.
    pub(crate) fn text(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        match &self.source {
            Source::Stream(stream) => {
                let stream = stream.lock().ok().and_then(|mut stream| stream.take());
                Ok(self
                    .packing
                    .unpack(stream.unwrap_or_else(|| Box::new(io::empty()))))
            }
            Source::File(path) => {
                let mut file = File::open(path)?;
                if start > 0 {
                    file.seek(SeekFrom::Start(start))?;
                }
                Ok(self.packing.unpack(file))
            }
        }
    }

    /// The name of the log that it is a part of.
    fn stem(&self) -> PathBuf {
        rotation::stem(self.named.shown())
    }

    fn is_stream(&self) -> bool {
        matches!(self.source, Source::Stream(_))
    }

    /// Whether parts of it can be read by themselves.
    pub(crate) fn can_be_cut(&self) -> bool {
        !self.is_stream() && self.packing == Packing::None && self.head.form != Form::Export
    }

    /// The moments, with a day to spare, between which its lines were written, as far as its ends tell.
    fn span(&self) -> (i64, i64) {
        let moment = |time: Option<Time>| time.map(|time| time.order().0);
        let first = moment(self.time(self.head.first)).map_or(i64::MIN, |first| first - DAY);
        let last = moment(self.time(self.last)).map_or(i64::MAX, |last| last + DAY);
        (first, last)
    }

    /// The time of its last line, even if all of it has to be unpacked for that.
    ///
    /// # Errors
    /// Where it is a stream.
    fn last_time(&self) -> io::Result<Option<Time>> {
        let stamp = match (&self.named, &self.source) {
            (Named::Journal, _) => {
                let newest = Spring::Journal(vec!["--lines=1".to_owned()]);
                head::last_stamp(Stream::new(newest, Arc::default()))?
            }
            (Named::Path(_) | Named::Stdin, Source::Stream(_)) => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "a span back from the last line cannot be known while the lines still come; give a date",
                ));
            }
            (Named::Path(_) | Named::Stdin, Source::File(_)) => match self.last {
                // What cannot be unpacked to its end is reported when it is read.
                None => self.text(0).and_then(head::last_stamp).unwrap_or_default(),
                last => last,
            },
        };
        Ok(self.time(stamp))
    }

    fn time(&self, stamp: Option<Stamp>) -> Option<Time> {
        self.calendar.time(&stamp?)
    }
}

/// Gives every input its calendar. They are one after the other in time only within one rotated log,
/// so a younger neighbour bounds a file's years only there.
pub(crate) fn set_calendars(inputs: &mut [Input], options: &Options) {
    let mut younger: Option<(PathBuf, i64)> = None;
    for input in inputs.iter_mut().rev() {
        let log = input.stem();
        let neighbour = younger
            .filter(|(stem, _)| *stem == log)
            .map(|(_, first)| first);
        let named = rotation::day_in_name(input.named.shown());
        // From what is written in the log to what only lies beside it: the time of the file is the last resort,
        // since copying a file changes it.
        input.calendar = Calendar {
            zone: options.timezone.clone(),
            year: if let Some(year) = options.year {
                let next = stamp::days(i32::from(year) + 1, 1, 1) * DAY;
                Year::UpTo(neighbour.unwrap_or(next - DAY - 1))
            } else if let Some(proven) = input.head.proven {
                Year::From(proven)
            } else if let Some(latest) = neighbour.into_iter().chain(named).min() {
                Year::UpTo(latest)
            } else if let Some(latest) = input.modified {
                Year::UpTo(latest)
            } else {
                Year::Unknown
            },
        };
        let first = input.time(input.head.first).map(|time| time.clock);
        younger = first.map(|first| (log, first));
    }
}

/// What is to be said of inputs before they are read.
pub(crate) fn warnings(inputs: &[Input]) -> Vec<String> {
    let undated = inputs.iter().filter(|input| {
        input.head.first.is_some_and(|stamp| stamp.year.is_none())
            && input.calendar.year == Year::Unknown
    });
    undated
        .map(|input| {
            format!(
                "{}: nothing tells the year of its time stamps; --year does",
                input.named
            )
        })
        .collect()
}

/// The period that is asked for.
///
/// # Errors
/// Names an input whose last line cannot be known before it is read, where the period depends on it.
pub(crate) fn period(inputs: &[Input], options: &Options) -> Result<Period, Vec<ScanError>> {
    let bounds = [options.since, options.until];
    let mut last = None;
    if bounds
        .iter()
        .any(|bound| matches!(bound, Some(Bound::BeforeLast(_))))
    {
        for input in inputs {
            let time = input.last_time().map_err(|why| {
                vec![ScanError {
                    named: input.named.clone(),
                    why,
                }]
            })?;
            last = tally::later(last, time);
        }
        if let (None, Some(input)) = (last, inputs.first()) {
            return Err(vec![ScanError {
                named: input.named.clone(),
                why: io::Error::new(
                    io::ErrorKind::InvalidData,
                    "no line has a time from which a span could be counted back; give a date, or the --year",
                ),
            }]);
        }
    }
    let [since, until] = bounds.map(|bound| bound.and_then(|bound| bound.time(last)));
    Ok(Period { since, until })
}

/// For each input, whether an earlier one and whether a later one may hold the same lines.
///
/// Parts of one rotated log follow each other; other inputs may be copies of each other's lines, such as `mail.info`
/// beside `mail.log`. Their lines are compared by hashes, which takes memory, so only where they must be.
pub(crate) fn overlaps(inputs: &[Input]) -> Vec<(bool, bool)> {
    let spans: Vec<_> = inputs.iter().map(Input::span).collect();
    let may_repeat = |a: usize, b: usize| {
        inputs[a].stem() != inputs[b].stem()
            && spans[a].0 <= spans[b].1
            && spans[b].0 <= spans[a].1
            && inputs[a].head.form == inputs[b].head.form
    };
    (0..inputs.len())
        .map(|input| {
            let earlier = (0..input).any(|other| may_repeat(other, input));
            let later = (input + 1..inputs.len()).any(|other| may_repeat(other, input));
            (earlier, later)
        })
        .collect()
}
