//! An input: one file or stream of a log, looked into before it is read.
//!
//! What its first lines tell is for `head`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use super::calendar::Calendar;
use super::crew::{Part, Watch};
use super::head::{self, Form, Head};
use super::rotation;
use super::stamp::{DAY, Stamp};
use super::stream::{Spring, Stoppable, Stream};
use super::unpack::Packing;
use crate::evidence::Time;

/// A stream that begins with more zero bytes than this is no log.
const MOST_ZEROS: u64 = 16 << 20;

/// By how many of its first bytes a file is known again.
pub(crate) const FRONT: usize = 4096;

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
    /// The first bytes of its text, by which it is known again under another name.
    pub(crate) front: Vec<u8>,
    pub(crate) calendar: Calendar,
    /// Its size on the disk; 0 where it is a stream.
    pub(crate) size: u64,
    source: Source,
    /// The stamp of its last line, where it can be looked at without reading all of it.
    last: Option<Stamp>,
    pub(crate) modified: Option<i64>,
    /// Set to true, its text ends there.
    stop: Arc<AtomicBool>,
}

/// Where the bytes come from.
enum Source {
    /// A file that can be read again.
    File(PathBuf),
    /// A stream, with the part that was looked into put back before it; none once it is read.
    Stream(Mutex<Option<Box<dyn Read + Send>>>),
}

/// A packed file, of which the bytes that are read count as done. Of a plain one its lines do.
struct Counted<'a> {
    file: File,
    watch: &'a Watch,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.watch.done.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Input {
    /// Looks into it. Of the journal, only what stands behind `cursor` is read.
    ///
    /// # Errors
    /// Where it cannot be read or is no log.
    pub(crate) fn open(
        named: &Named,
        cursor: Option<&str>,
        watch: &Arc<Watch>,
    ) -> io::Result<Self> {
        let spring = match named {
            Named::Path(path) if path.metadata()?.is_file() => {
                return Self::open_file(named, path, &watch.stop);
            }
            Named::Path(path) => {
                #[cfg(unix)]
                if std::os::unix::fs::FileTypeExt::is_socket(&path.metadata()?.file_type()) {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "is a socket, from which nobody but its server can read",
                    ));
                }
                Spring::File(path.clone())
            }
            Named::Stdin => Spring::Stdin,
            Named::Journal => {
                let after = cursor.map(|cursor| format!("--after-cursor={cursor}"));
                Spring::Journal(after.into_iter().collect())
            }
        };
        let mut stream = Stream::new(spring, Arc::clone(watch));
        let mut packed = Vec::new();
        head::read(&mut stream, MOST_ZEROS, &mut packed)?;
        let packing = Packing::of(&packed);
        let text = match packing {
            Packing::None => {
                head::check_is_no_noise(&packed)?;
                packed.clone()
            }
            Packing::Gzip | Packing::Xz | Packing::Bzip2 | Packing::Zstd => {
                head::unpacked(packing, &packed[..])
            }
        };
        let source = Source::Stream(Mutex::new(Some(Box::new(
            io::Cursor::new(packed).chain(stream),
        ))));
        Self::of(named, packing, &text, source, &watch.stop)
    }

    fn open_file(named: &Named, path: &Path, stop: &Arc<AtomicBool>) -> io::Result<Self> {
        let stoppable = |source| Stoppable {
            source,
            stop: Arc::clone(stop),
        };
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        let mut packed = Vec::new();
        head::read(stoppable(&file), u64::MAX, &mut packed)?;
        let packing = Packing::of(&packed);
        let text = match packing {
            Packing::None => packed,
            Packing::Gzip | Packing::Xz | Packing::Bzip2 | Packing::Zstd => {
                head::unpacked(packing, stoppable(&File::open(path)?))
            }
        };
        let source = Source::File(path.to_path_buf());
        let mut input = Self::of(named, packing, &text, source, stop)?;
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

    fn of(
        named: &Named,
        packing: Packing,
        text: &[u8],
        source: Source,
        stop: &Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let front = &text[..text.len().min(FRONT)];
        // What is shorter has been looked into as a whole.
        let last = if text.len() < head::LENGTH {
            head::last_stamp(text)?
        } else {
            None
        };
        Ok(Self {
            named: named.clone(),
            packing,
            head: Head::of(text)?,
            front: front.to_vec(),
            calendar: Calendar::default(),
            size: 0,
            source,
            last,
            modified: None,
            stop: Arc::clone(stop),
        })
    }

    /// Its text, unpacked, from the byte `start` of it on, which only a file can have other than 0.
    ///
    /// # Errors
    /// Where it can no longer be opened, or not be unpacked up to there.
    pub(crate) fn text<'a>(
        &'a self,
        start: u64,
        watch: &'a Watch,
    ) -> io::Result<Box<dyn Read + 'a>> {
        match &self.source {
            Source::Stream(stream) => {
                let stream = stream.lock().ok().and_then(|mut stream| stream.take());
                Ok(self
                    .packing
                    .unpack(stream.unwrap_or_else(|| Box::new(io::empty()))))
            }
            Source::File(path) => {
                let mut file = File::open(path)?;
                if self.packing == Packing::None {
                    file.seek(SeekFrom::Start(start))?;
                    return Ok(Box::new(self.stoppable(file)));
                }
                let text = self.packing.unpack(Counted { file, watch });
                let mut text = Box::new(self.stoppable(text));
                io::copy(&mut text.by_ref().take(start), &mut io::sink())?;
                Ok(text)
            }
        }
    }

    /// Whether the last bytes of a plain file stand in another one at the same place, so that one is a copy of the other.
    pub(crate) fn goes_on_as(&self, other: &Self) -> bool {
        let start = self.size.saturating_sub(FRONT as u64);
        let bytes = |input: &Self| {
            let mut bytes = Vec::new();
            let watch = Watch::default();
            let text = input.text(start, &watch)?;
            text.take(self.size - start).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        matches!((bytes(self), bytes(other)), (Ok(one), Ok(two)) if one == two)
    }

    fn stoppable<R>(&self, source: R) -> Stoppable<R> {
        Stoppable {
            source,
            stop: Arc::clone(&self.stop),
        }
    }

    /// The name of the log that it is a part of.
    pub(crate) fn stem(&self) -> PathBuf {
        rotation::stem(self.named.shown())
    }

    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.source, Source::Stream(_))
    }

    /// Whether parts of it can be read by themselves.
    pub(crate) fn can_be_cut(&self) -> bool {
        !self.is_stream() && self.packing == Packing::None && self.head.form != Form::Export
    }

    /// How many bytes there are to read for a part of it, as far as that is known.
    pub(crate) fn bytes_of(&self, part: &Part) -> u64 {
        if self.packing == Packing::None {
            part.end.unwrap_or(self.size).saturating_sub(part.start)
        } else {
            self.size
        }
    }

    /// The moments, with a day to spare, between which its lines were written, as far as its ends tell.
    pub(crate) fn span(&self) -> (i64, i64) {
        let moment = |time: Option<Time>| time.map(|time| time.order().0);
        let first = moment(self.time(self.head.first)).map_or(i64::MIN, |first| first - DAY);
        let last = moment(self.time(self.last)).map_or(i64::MAX, |last| last + DAY);
        (first, last)
    }

    /// The stamp of its last line, where that can be told without reading all of it.
    pub(crate) const fn last_stamp(&self) -> Option<Stamp> {
        self.last
    }

    /// The time of its last line, even if all of it has to be unpacked for that.
    ///
    /// # Errors
    /// Where it is a stream.
    pub(crate) fn last_time(&self) -> io::Result<Option<Time>> {
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
                None => self
                    .text(0, &Watch::default())
                    .and_then(head::last_stamp)
                    .unwrap_or_default(),
                last => last,
            },
        };
        Ok(self.time(stamp))
    }

    pub(crate) fn time(&self, stamp: Option<Stamp>) -> Option<Time> {
        self.calendar.time(&stamp?)
    }
}
