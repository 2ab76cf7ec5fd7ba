//! An input: one file or stream of a log, looked into before it is read.
//!
//! The first lines tell its packing, its form, and what its years can be told from.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

use memchr::{memchr, memchr_iter, memmem};

use super::Options;
use super::calendar::{self, Calendar, Year};
use super::json;
use super::prefix;
use super::rotation;
use super::stamp::{self, DAY, Stamp};
use super::tally;
use super::unpack::Packing;
use crate::evidence::Time;

/// How much is looked into.
const HEAD: usize = 64 << 10;

/// The name for the journal of the running machine.
pub(crate) const JOURNAL: &str = "journalctl";

/// How the lines of a log are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line is stamp, host, program and message in one of many forms.
    Syslog,
    /// `<22>1 2025-… HOST APP PID MSGID SD MSG`.
    Rfc5424,
    /// One JSON object a line: `journalctl -o json`, docker, log services.
    Json,
    /// `journalctl -o export`.
    Export,
}

/// One file or stream.
pub(crate) struct Input {
    /// Its name as given or found.
    pub(crate) path: PathBuf,
    pub(crate) packing: Packing,
    pub(crate) form: Form,
    pub(crate) calendar: Calendar,
    /// Its size on the disk; 0 where it is a stream.
    pub(crate) size: u64,
    /// A stream, with the part that was looked into put back before it.
    stream: Mutex<Option<Box<dyn Read + Send>>>,
    is_stream: bool,
    first: Option<Stamp>,
    /// The stamp of its last line, where it can be looked at without reading all of it.
    last: Option<Stamp>,
    /// The time of the first line whose year Dovecot's session ids prove.
    proven: Option<i64>,
    modified: Option<i64>,
}

impl Input {
    /// Looks into it.
    ///
    /// # Errors
    /// Where it cannot be read or is no log.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut modified = None;
        let mut size = 0;
        let mut stream: Option<Box<dyn Read + Send>> = None;
        let mut head = Vec::new();
        if path == Path::new(rotation::STDIN) {
            stream = Some(Box::new(io::stdin()));
        } else if path == Path::new(JOURNAL) {
            stream = Some(Box::new(journal()?));
        } else {
            let mut file = File::open(path)?;
            let meta = file.metadata()?;
            if meta.is_file() {
                size = meta.len();
                modified = meta
                    .modified()
                    .ok()
                    .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                    .and_then(|since| i64::try_from(since.as_secs()).ok());
                (&mut file).take(HEAD as u64).read_to_end(&mut head)?;
            } else {
                stream = Some(Box::new(file));
            }
        }
        let is_stream = stream.is_some();
        if let Some(source) = &mut stream {
            source.take(HEAD as u64).read_to_end(&mut head)?;
        }
        let packing = Packing::of(&head);
        let text = unpacked(packing, path, &head, is_stream);
        check_is_text(&text)?;
        let (first, proven) = dates(&text);
        Ok(Self {
            path: path.to_path_buf(),
            packing,
            form: form(&text),
            calendar: Calendar::default(),
            size,
            stream: Mutex::new(stream.map(|rest| -> Box<dyn Read + Send> {
                Box::new(io::Cursor::new(head).chain(rest))
            })),
            is_stream,
            first,
            last: if is_stream || packing != Packing::None || form(&text) == Form::Export {
                None
            } else {
                last_stamp(path, size)
            },
            proven,
            modified,
        })
    }

    /// Its text, unpacked, from `start` on, which only a plain file can have other than 0.
    ///
    /// # Errors
    /// Where it can no longer be opened.
    pub(crate) fn text(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        if self.is_stream {
            let stream = self.stream.lock().ok().and_then(|mut stream| stream.take());
            return Ok(self
                .packing
                .unpack(stream.unwrap_or_else(|| Box::new(io::empty()))));
        }
        let mut file = File::open(&self.path)?;
        if start > 0 {
            file.seek(SeekFrom::Start(start))?;
        }
        Ok(self.packing.unpack(file))
    }

    /// Whether parts of it can be read by themselves.
    pub(crate) fn can_be_cut(&self) -> bool {
        !self.is_stream && self.packing == Packing::None && self.form != Form::Export
    }

    /// The moments, with a day to spare, between which its lines were written, as far as its ends tell.
    fn span(&self) -> (i64, i64) {
        let moment = |time: Option<Time>| time.map(|time| tally::order(time).0);
        let first = moment(self.time(self.first)).map_or(i64::MIN, |first| first - DAY);
        let last = moment(self.time(self.last)).map_or(i64::MAX, |last| last + DAY);
        (first, last)
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
        let log = rotation::stem(&input.path);
        let neighbour = younger
            .filter(|(stem, _)| *stem == log)
            .map(|(_, first)| first);
        let named = rotation::day_in_name(&input.path);
        // From what is written in the log to what only lies beside it: the time of the file is the last resort,
        // since copying a file changes it.
        input.calendar = Calendar {
            zone: options.timezone.clone(),
            year: if let Some(year) = options.year {
                let next = stamp::days(i32::from(year) + 1, 1, 1) * DAY;
                Year::UpTo(neighbour.unwrap_or(next - DAY - 1))
            } else if let Some(proven) = input.proven {
                Year::From(proven)
            } else if let Some(latest) = neighbour.into_iter().chain(named).min() {
                Year::UpTo(latest)
            } else if let Some(latest) = input.modified.or(options.now) {
                Year::UpTo(latest)
            } else {
                Year::Unknown
            },
        };
        let first = input.time(input.first).map(|time| time.clock);
        younger = first.map(|first| (log, first));
    }
}

/// The journal of the running machine, mail only (facility 2).
fn journal() -> io::Result<impl Read + Send> {
    let child = Command::new("journalctl")
        .args(["--no-pager", "--quiet", "-o", "json", "SYSLOG_FACILITY=2"])
        .arg("--output-fields=MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_HOSTNAME")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    child
        .stdout
        .ok_or_else(|| io::Error::other("journalctl gave no output"))
}

/// For each input, whether an earlier one and whether a later one may hold the same lines.
///
/// Parts of one rotated log follow each other; other inputs may be copies of each other's lines, such as `mail.info`
/// beside `mail.log`. Their lines are compared by hashes, which takes memory, so only where they must be.
pub(crate) fn overlaps(inputs: &[Input]) -> Vec<(bool, bool)> {
    let spans: Vec<_> = inputs.iter().map(Input::span).collect();
    let may_repeat = |a: usize, b: usize| {
        rotation::stem(&inputs[a].path) != rotation::stem(&inputs[b].path)
            && spans[a].0 <= spans[b].1
            && spans[b].0 <= spans[a].1
            && inputs[a].form == inputs[b].form
    };
    (0..inputs.len())
        .map(|input| {
            let earlier = (0..input).any(|other| may_repeat(other, input));
            let later = (input + 1..inputs.len()).any(|other| may_repeat(other, input));
            (earlier, later)
        })
        .collect()
}

fn unpacked(packing: Packing, path: &Path, head: &[u8], is_stream: bool) -> Vec<u8> {
    if packing == Packing::None {
        return head.to_vec();
    }
    let mut text = Vec::new();
    // What cannot be unpacked is reported when it is read; here as much as there is does.
    let file = if is_stream {
        None
    } else {
        File::open(path).ok()
    };
    let source: Box<dyn Read + '_> = match file {
        Some(file) => packing.unpack(file),
        None => packing.unpack(head),
    };
    let _partial = source.take(HEAD as u64).read_to_end(&mut text);
    text
}

fn check_is_text(text: &[u8]) -> io::Result<()> {
    let sample = &text[..text.len().min(4096)];
    if sample.starts_with(b"LPKSHHRH") {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "is a journal file, not text; give the output of journalctl --file FILE -o json",
        ));
    }
    // After a power loss a log may hold a run of zero bytes, but it also holds text.
    if memchr_iter(0, sample).count() > sample.len() / 4
        && memchr(b'\n', sample).is_none_or(|_| memmem::find(sample, b": ").is_none())
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "is not a text file",
        ));
    }
    Ok(())
}

fn form(text: &[u8]) -> Form {
    if text.trim_ascii_start().starts_with(b"{") {
        Form::Json
    } else if text.starts_with(b"__CURSOR=") || memmem::find(text, b"\n__CURSOR=").is_some() {
        Form::Export
    } else if prefix::is_rfc5424(text) {
        Form::Rfc5424
    } else {
        Form::Syslog
    }
}

/// The stamp of the last line that has one.
fn last_stamp(path: &Path, size: u64) -> Option<Stamp> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(size.saturating_sub(HEAD as u64)))
        .ok()?;
    let mut tail = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut tail).ok()?;
    tail.rsplit(|byte| *byte == b'\n').find_map(stamp_in)
}

/// The stamp of a line in any form.
fn stamp_in(line: &[u8]) -> Option<Stamp> {
    if line.first() == Some(&b'{') {
        json::stamp_in(line)
    } else if let Some(micros) = line.strip_prefix(b"__REALTIME_TIMESTAMP=") {
        stamp::cut(&json::stamp_of_micros(micros)).map(|(stamp, _)| stamp)
    } else {
        prefix::any_stamp(line)
    }
}

/// The first stamp, and the time that a session id proves for a stamp without a year.
fn dates(text: &[u8]) -> (Option<Stamp>, Option<i64>) {
    let mut first = None;
    for line in text.split(|byte| *byte == b'\n') {
        let stamp = stamp_in(line);
        first = first.or(stamp);
        if let Some(stamp) = stamp
            && stamp.year.is_none()
            && memmem::find(line, b"-login: ").is_some()
            && let Some(at) = memmem::rfind(line, b", session=<")
            && let Some(moment) = calendar::of_session_id(&line[at + 11..], &stamp)
        {
            // The beginning of the file is at most a few weeks before, in the same year or the one before:
            // counted from the first stamp, a year is told as well.
            let proven = Calendar {
                year: Year::UpTo(moment + DAY),
                zone: None,
            };
            let start = first.and_then(|first| proven.time(&first));
            return (first, start.map(|time| time.clock));
        }
    }
    (first, None)
}
