//! A site: where one server's files lie on this disk, and where the records of their changes are kept.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root::Root;

/// One server's place on the disk.
pub(super) struct Site {
    pub(super) root: Root,
    /// Whether these are the files that the daemons of this machine read.
    pub(super) running: bool,
}

impl Site {
    pub(super) fn of(root: Root) -> Self {
        let same = |daemon: &Option<PathBuf>| {
            let daemon = daemon.as_deref()?;
            let here = fs::canonicalize(root.tree.locate(daemon)?).ok()?;
            Some(here == fs::canonicalize(daemon).ok()?)
        };
        let running = same(&root.postfix) == Some(true) || same(&root.dovecot) == Some(true);
        Self { root, running }
    }

    /// Where the records of changes are kept: out of the way of both servers, and found again by the next run.
    ///
    /// Neither server reads a `.plainsight` beside its files: Dovecot's globs do not match a leading dot (glob(3)),
    /// and Postfix reads its files by name.
    pub(super) fn store(&self) -> PathBuf {
        if self.running {
            PathBuf::from("/var/lib/plainsight")
        } else {
            without_dot(&self.root.shown.join(".plainsight"))
        }
    }

    /// The directory that holds everything a change may touch.
    pub(super) fn base(&self) -> &Path {
        if self.running {
            Path::new("/")
        } else {
            &self.root.shown
        }
    }

    /// A path without links, as the user would type it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        let base = fs::canonicalize(self.base());
        match base.ok().and_then(|base| path.strip_prefix(base).ok()) {
            Some(rest) if !self.running => without_dot(&self.root.shown.join(rest)),
            Some(_) | None => path.to_path_buf(),
        }
    }
}

fn without_dot(path: &Path) -> PathBuf {
    path.strip_prefix("./").unwrap_or(path).to_path_buf()
}
