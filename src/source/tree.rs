//! A tree: where the absolute paths that a daemon uses lie on this disk, or lay in an earlier revision, and how files are read there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A file larger than this is no configuration file; reading it would only use up memory.
pub const LARGEST_FILE: u64 = 64 << 20;

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
        let mut text = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1);
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
}
