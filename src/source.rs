//! A source: one file that was read, as bytes, with the only conversion of a place in it to `line:column`.
//!
//! Daemons name files by absolute paths (`/etc/postfix/main.cf`). A [`FileTree`] says where those paths lie on this disk,
//! so that a checkout, a lone `postfix` directory and the running machine are read in the same way,
//! and so that a patched text can be judged before it is written (`overlay`).
//! Everything to the right takes bytes and returns values; only this file and `log/read.rs` read files.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

mod lines;

pub use lines::{Lines, Position};

/// A file larger than this is no configuration file; reading it would only use up memory.
pub const LARGEST_FILE: u64 = 64 << 20;

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

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The path lies outside of everything that was given to read, so nothing is known about it.
    #[error("not part of what was given to read")]
    Outside,
    /// There is no such file.
    #[error("no such file")]
    Missing,
    /// It is a directory.
    #[error("a directory")]
    NotAFile,
    /// It is larger than any configuration.
    #[error("larger than {} MiB, so it is not read", LARGEST_FILE >> 20)]
    TooLarge,
    /// The system refused.
    #[error(transparent)]
    Io(io::Error),
}

/// Where the absolute paths that a daemon uses lie on this disk.
#[derive(Clone, Debug, Default)]
pub struct FileTree {
    /// Daemon path and disk path, the deepest daemon path first.
    mounts: Vec<(PathBuf, PathBuf)>,
    /// Texts that stand in for what the disk holds, by daemon path.
    overlay: BTreeMap<PathBuf, Vec<u8>>,
    /// What the disk held once, if that is meant.
    past: Option<Snapshot>,
}

/// What a disk held once: files by their absolute paths.
pub type Snapshot = Arc<BTreeMap<PathBuf, Vec<u8>>>;

impl FileTree {
    /// A tree in which the daemon's `/` is `root`.
    pub fn rooted(root: impl Into<PathBuf>) -> Self {
        let mut tree = Self::default();
        tree.mount("/", root);
        tree
    }

    /// Lets the daemon path `daemon` and all below it be read from `disk`.
    pub fn mount(&mut self, daemon: impl Into<PathBuf>, disk: impl Into<PathBuf>) {
        self.mounts.push((daemon.into(), disk.into()));
        self.mounts
            .sort_by_key(|(daemon, _)| std::cmp::Reverse(daemon.components().count()));
    }

    /// Lets `text` stand in for the file at `daemon`, whatever the disk holds there.
    pub fn overlay(&mut self, daemon: impl Into<PathBuf>, text: Vec<u8>) {
        self.overlay.insert(daemon.into(), text);
    }

    /// The same tree over what the disk held once.
    pub fn at(&self, past: Snapshot) -> Self {
        Self {
            past: Some(past),
            ..self.clone()
        }
    }

    /// The place on this disk of a daemon path; none where it lies outside of what was given.
    pub fn locate(&self, daemon: &Path) -> Option<PathBuf> {
        let daemon = normalize(daemon);
        self.mounts.iter().find_map(|(prefix, disk)| {
            let rest = daemon.strip_prefix(prefix).ok()?;
            Some(if rest.as_os_str().is_empty() {
                disk.clone()
            } else {
                disk.join(rest)
            })
        })
    }

    /// The bytes of the file at a daemon path.
    ///
    /// # Errors
    /// Says whether the path is outside, missing, no file, too large, or refused by the system.
    pub fn read(&self, daemon: &Path) -> Result<Vec<u8>, ReadError> {
        if let Some(text) = self.overlay.get(&normalize(daemon)) {
            return Ok(text.clone());
        }
        let disk = self.locate(daemon).ok_or(ReadError::Outside)?;
        if let Some(past) = &self.past {
            return match past.get(&absolute(&disk)) {
                Some(bytes) => Ok(bytes.clone()),
                None if self.is_directory(daemon) => Err(ReadError::NotAFile),
                None => Err(ReadError::Missing),
            };
        }
        let meta = fs::metadata(&disk).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing,
            _ => ReadError::Io(error),
        })?;
        if meta.is_dir() {
            return Err(ReadError::NotAFile);
        }
        if !meta.is_file() {
            return Err(ReadError::Io(io::Error::other(
                "neither a file nor a directory",
            )));
        }
        if meta.len() > LARGEST_FILE {
            return Err(ReadError::TooLarge);
        }
        // Some files of the system have no length, and no end.
        let mut text = Vec::new();
        let mut file = File::open(&disk)
            .map_err(ReadError::Io)?
            .take(LARGEST_FILE + 1);
        match file.read_to_end(&mut text).map_err(ReadError::Io)? {
            length if length as u64 > LARGEST_FILE => Err(ReadError::TooLarge),
            _ => Ok(text),
        }
    }

    /// Whether a directory stands at a daemon path.
    pub fn is_directory(&self, daemon: &Path) -> bool {
        self.locate(daemon).is_some_and(|disk| match &self.past {
            Some(past) => below(past, &disk).next().is_some(),
            None => disk.is_dir(),
        })
    }

    /// Whether anything stands at a daemon path.
    pub fn exists(&self, daemon: &Path) -> bool {
        self.locate(daemon).is_some_and(|disk| match &self.past {
            Some(past) => past.contains_key(&absolute(&disk)) || self.is_directory(daemon),
            None => disk.symlink_metadata().is_ok(),
        })
    }

    /// Whether the daemon path leads into a part of the tree that was given to read.
    pub fn covers(&self, daemon: &Path) -> bool {
        self.locate(daemon).is_some()
    }

    /// The daemon paths of the entries of a directory, sorted by bytes; empty where it cannot be listed.
    pub fn list(&self, daemon: &Path) -> Vec<PathBuf> {
        let Some(disk) = self.locate(daemon) else {
            return Vec::new();
        };
        let mut names: Vec<PathBuf> = match &self.past {
            Some(past) => below(past, &disk)
                .filter_map(|rest| rest.components().next().map(|name| daemon.join(name)))
                .collect(),
            None => fs::read_dir(disk)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| daemon.join(entry.file_name()))
                .collect(),
        };
        // A template goes by the name of the file that it makes.
        let mounted = self.mounts.iter().map(|(path, _)| path);
        names.extend(
            mounted
                .filter(|path| path.parent() == Some(daemon) && self.exists(path))
                .cloned(),
        );
        names.sort();
        names.dedup();
        names
    }
}

/// What lies below a directory of a snapshot, as paths from there; sorted.
fn below<'s>(past: &'s Snapshot, directory: &Path) -> impl Iterator<Item = PathBuf> + use<'s> {
    let directory = absolute(directory);
    let behind = past.range(directory.clone()..);
    behind
        .map(|(path, _)| path)
        .take_while({
            let directory = directory.clone();
            move |path| path.starts_with(&directory)
        })
        .filter_map(move |path| path.strip_prefix(&directory).ok().map(Path::to_path_buf))
        .filter(|rest| !rest.as_os_str().is_empty())
}

/// The path from the root of the file system, without `.` and without `..` as far as the text tells.
pub fn absolute(path: &Path) -> PathBuf {
    normalize(&std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()))
}

/// Resolves `.` and `..` by their text alone, as the mapping of a checkout needs it.
fn normalize(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => clean.push(part),
        }
    }
    clean
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
    fn the_deepest_mount_holds() {
        let mut tree = FileTree::rooted("/srv/checkout");
        tree.mount("/etc/postfix", "/srv/other");
        assert_eq!(
            tree.locate(Path::new("/etc/postfix/main.cf")),
            Some("/srv/other/main.cf".into())
        );
        assert_eq!(
            tree.locate(Path::new("/etc/postfix/../ssl/c.pem")),
            Some("/srv/checkout/etc/ssl/c.pem".into())
        );
        assert_eq!(
            tree.locate(Path::new("/../../outside")),
            Some("/srv/checkout/outside".into()),
            "a checkout cannot be left through its paths"
        );
    }

    #[test]
    fn a_lone_directory_covers_nothing_else() {
        let mut tree = FileTree::default();
        tree.mount("/etc/postfix", "postfix");
        assert!(tree.covers(Path::new("/etc/postfix/main.cf")));
        assert!(matches!(
            tree.read(Path::new("/etc/ssl/cert.pem")),
            Err(ReadError::Outside)
        ));
    }

    #[test]
    fn a_snapshot_is_read_like_a_disk() {
        let files = [
            "/r/etc/dovecot/conf.d/b.conf",
            "/r/etc/dovecot/conf.d/a.conf",
            "/r/etc/dovecot.old",
        ];
        let past = files.map(|file| (PathBuf::from(file), file.as_bytes().to_vec()));
        let mut tree = FileTree::rooted("/r").at(Arc::new(past.into_iter().collect()));
        let listed = tree.list(Path::new("/etc/dovecot"));
        assert_eq!(listed, [PathBuf::from("/etc/dovecot/conf.d")]);
        let listed = tree.list(Path::new("/etc/dovecot/conf.d"));
        assert_eq!(listed.len(), 2);
        assert!(listed[0].ends_with("a.conf") && tree.exists(&listed[0]));
        assert!(tree.is_directory(Path::new("/etc")) && !tree.is_directory(&listed[0]));
        assert_eq!(
            tree.read(&listed[0]).ok().as_deref(),
            Some(files[1].as_bytes())
        );
        assert!(matches!(
            tree.read(Path::new("/etc")),
            Err(ReadError::NotAFile)
        ));
        assert!(matches!(
            tree.read(Path::new("/etc/x")),
            Err(ReadError::Missing)
        ));
        tree.overlay("/etc/x", b"y".to_vec());
        assert!(tree.read(Path::new("/etc/x")).is_ok());
    }

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
