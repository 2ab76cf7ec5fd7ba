//! A source: one file that was read, as bytes, with the only conversion of a place in it to `line:column`.
//!
//! Daemons name files by absolute paths (`/etc/postfix/main.cf`). A [`FileTree`] says where those paths lie on this disk,
//! so that a checkout, a lone `postfix` directory and the running machine are read in the same way,
//! and so that a patched text can be judged before it is written (`overlay`).
//! Everything to the right takes bytes and returns values; only `tree` beside this file and `log/read.rs` read files.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

mod lines;
mod tree;
mod way;

pub use lines::{Lines, Position};
pub use tree::{FileTree, LARGEST_FILE, ReadError, Snapshot, absolute};
pub use way::Way;

/// A file in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A stretch of bytes of one file, from `start` up to but without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file it lies in.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes `start..end` of `file`.
    pub const fn new(file: FileId, start: usize, end: usize) -> Self {
        Self { file, start, end }
    }

    /// How many bytes it covers.
    pub const fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether it is only a place between two bytes.
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// It is written there.
    File(Span),
    /// It is built into the daemon since this release ("2.3"), or "always" where no release is known without it.
    Default(&'static str),
    /// The daemon or its master sets it by itself; the text says how.
    Implied(&'static str),
}

/// Something wrong or doubtful in a file; reading goes on behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub span: Span,
    /// What is wrong, in lower case and without a final period.
    pub message: String,
}

/// One file that was read.
#[derive(Debug)]
struct SourceFile {
    /// The path by which the daemon knows it.
    daemon: PathBuf,
    /// The path to show: where it lies on this disk, as the user would type it.
    shown: PathBuf,
    /// Its text, or what is kept of it.
    bytes: Vec<u8>,
    /// How many bytes and lines stood before what is kept.
    bytes_before: usize,
    lines_before: usize,
    /// Where its lines begin, once somebody asked.
    lines: OnceLock<Lines>,
    /// Where it lies behind links, once somebody asked.
    place: OnceLock<PathBuf>,
}

/// The files that were read for one server, and the tree they come from.
#[derive(Debug, Default)]
pub struct Sources {
    tree: FileTree,
    files: Vec<SourceFile>,
    /// What is there and could not be read.
    unreadable: Vec<(PathBuf, String)>,
}

impl Sources {
    /// No file read yet.
    pub const fn new(tree: FileTree) -> Self {
        Self {
            tree,
            files: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// The tree the files come from.
    pub const fn tree(&self) -> &FileTree {
        &self.tree
    }

    /// Takes a text under the path by which the daemon would know it.
    pub fn add(&mut self, daemon: impl Into<PathBuf>, bytes: Vec<u8>) -> FileId {
        let daemon = daemon.into();
        let shown = self.tree.locate(&daemon).unwrap_or_else(|| daemon.clone());
        let shown = shown
            .strip_prefix("./")
            .map_or_else(|_| shown.clone(), Path::to_path_buf);
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            daemon,
            shown,
            bytes,
            bytes_before: 0,
            lines_before: 0,
            lines: OnceLock::new(),
            place: OnceLock::new(),
        });
        id
    }

    /// Reads the file at a daemon path; a file that was read before keeps its id.
    ///
    /// # Errors
    /// As [`FileTree::read`].
    pub fn read(&mut self, daemon: &Path) -> Result<FileId, ReadError> {
        if let Some(known) = self.files.iter().position(|file| file.daemon == daemon) {
            return Ok(FileId(u32::try_from(known).unwrap_or(u32::MAX)));
        }
        let bytes = self.tree.read(daemon).inspect_err(|error| match error {
            ReadError::Io(_) | ReadError::TooLarge => {
                let shown = self.tree.locate(daemon);
                let shown = shown.unwrap_or_else(|| daemon.to_path_buf());
                self.unreadable.push((shown, error.to_string()));
            }
            ReadError::Outside | ReadError::Missing | ReadError::NotAFile => {}
        })?;
        Ok(self.add(daemon, bytes))
    }

    /// Notes why what a file leads to is not read.
    pub fn give_up(&mut self, file: FileId, why: String) {
        let noted = (self.shown_path(file).to_path_buf(), why);
        if self.unreadable.last() != Some(&noted) {
            self.unreadable.push(noted);
        }
    }

    /// The files that are there and could not be read, with what the system said: nothing can be judged without them.
    pub fn unreadable(&self) -> impl Iterator<Item = (&Path, &str)> {
        let files = self.unreadable.iter();
        files.map(|(path, why)| (path.as_path(), why.as_str()))
    }

    /// The ids of all files, in the order in which they were read.
    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..u32::try_from(self.files.len()).unwrap_or(u32::MAX)).map(FileId)
    }

    /// The bytes of a file, as far as they are kept.
    pub fn bytes(&self, id: FileId) -> &[u8] {
        &self.files[id.0 as usize].bytes
    }

    /// The path by which the daemon knows a file.
    pub fn daemon_path(&self, id: FileId) -> &Path {
        &self.files[id.0 as usize].daemon
    }

    /// The path of a file to show.
    pub fn shown_path(&self, id: FileId) -> &Path {
        &self.files[id.0 as usize].shown
    }

    /// Where a file lies on the disk, behind links; the path to show where it is not there.
    pub fn place_on_disk(&self, id: FileId) -> &Path {
        let file = &self.files[id.0 as usize];
        let place = || {
            file.shown
                .canonicalize()
                .unwrap_or_else(|_| file.shown.clone())
        };
        file.place.get_or_init(place)
    }

    /// The bytes of a span; nothing of what is not kept.
    pub fn text(&self, span: Span) -> &[u8] {
        let file = &self.files[span.file.0 as usize];
        let kept = |offset: usize| offset.checked_sub(file.bytes_before);
        let range = kept(span.start).zip(kept(span.end));
        let text = range.and_then(|(start, end)| file.bytes.get(start..end));
        text.unwrap_or_default()
    }

    /// The lines in which a span lies, without the end of the last.
    pub fn whole_lines(&self, span: Span) -> Span {
        let file = &self.files[span.file.0 as usize];
        let (bytes, before) = (&file.bytes, file.bytes_before);
        let start = span.start.saturating_sub(before).min(bytes.len());
        let end = span.end.saturating_sub(before).clamp(start, bytes.len());
        let start = memchr::memrchr(b'\n', &bytes[..start]).map_or(0, |newline| newline + 1);
        let end = memchr::memchr(b'\n', &bytes[end..]).map_or(bytes.len(), |newline| end + newline);
        Span::new(span.file, before + start, before + end)
    }

    /// Keeps of each file only the lines from the first to the last of these spans, which are where they were.
    /// The whole texts of many servers would fill the memory.
    pub fn keep_only(&mut self, spans: impl IntoIterator<Item = Span>) {
        let mut kept: BTreeMap<FileId, Span> = BTreeMap::new();
        for span in spans {
            let lines = self.whole_lines(span);
            let known = kept.entry(span.file).or_insert(lines);
            known.start = known.start.min(lines.start);
            known.end = known.end.max(lines.end);
        }
        for id in self.ids() {
            let kept = kept.get(&id).copied().unwrap_or(Span::new(id, 0, 0));
            let lines_before = self.position(kept).line - 1;
            let bytes = self.text(kept).to_vec();
            let file = &mut self.files[id.0 as usize];
            file.bytes = bytes;
            file.bytes_before = kept.start;
            file.lines_before = lines_before;
            file.lines = OnceLock::new();
        }
    }

    /// Line and column of the start of a span.
    pub fn position(&self, span: Span) -> Position {
        self.position_at(span.file, span.start)
    }

    /// Line and column of a place in a file.
    pub fn position_at(&self, file: FileId, offset: usize) -> Position {
        let file = &self.files[file.0 as usize];
        let lines = file.lines.get_or_init(|| Lines::of(&file.bytes));
        let position = lines.position(&file.bytes, offset.saturating_sub(file.bytes_before));
        Position {
            line: file.lines_before + position.line,
            ..position
        }
    }

    /// `path:line:column` of the start of a span.
    pub fn place(&self, span: Span) -> Place<'_> {
        Place {
            path: self.shown_path(span.file),
            position: self.position(span),
        }
    }
}

/// A place to show, written `path:line:column`.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The path to show.
    pub path: &'a Path,
    /// The line and column in it.
    pub position: Position,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        write!(f, "{}:{line}:{column}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_stands_in_for_the_disk() {
        let mut tree = FileTree::rooted("/nonexistent");
        tree.overlay("/etc/postfix/main.cf", b"x = y\n".to_vec());
        let mut sources = Sources::new(tree);
        let id = sources
            .read(Path::new("/etc/postfix/main.cf"))
            .expect("the overlay holds it");
        assert_eq!(sources.bytes(id), b"x = y\n");
        assert_eq!(
            sources.place(Span::new(id, 4, 5)).to_string(),
            "/nonexistent/etc/postfix/main.cf:1:5"
        );
    }

    #[test]
    fn what_is_kept_stays_where_it_was() {
        let mut sources = Sources::default();
        let text = b"# comment\n\n  a = b\nc = d\ne = f\n".to_vec();
        let id = sources.add("/etc/postfix/main.cf", text);
        let other = sources.add("/etc/postfix/master.cf", b"smtp inet\n".to_vec());
        let (a, c) = (Span::new(id, 13, 18), Span::new(id, 19, 25));
        let all = |sources: &Sources| {
            let one = |span| {
                let lines = sources.whole_lines(span);
                let text = sources.text(span).to_vec();
                (
                    sources.position(span),
                    sources.position_at(id, span.end),
                    lines,
                    text,
                )
            };
            [one(a), one(c)]
        };
        let before = all(&sources);
        sources.keep_only([c, a]);
        assert_eq!(all(&sources), before);
        assert_eq!(sources.bytes(id), b"  a = b\nc = d\ne = f");
        sources.keep_only([c, a]);
        assert_eq!(all(&sources), before);
        assert_eq!(sources.bytes(other), b"");
        assert_eq!(sources.text(Span::new(id, 0, 9)), b"");
    }
}
