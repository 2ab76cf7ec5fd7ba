//! An error: why a transaction did not come about.

use std::io;
use std::path::{Path, PathBuf};

/// Why a transaction did not come about. Nothing has changed then, unless the message says so.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// The system refused.
    #[error("{}: {doing}: {why}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        why: io::Error,
    },
    /// Somebody else has written to a file.
    #[error("{}: changed since it was read, so nothing is written; run it again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be exchanged without harm.
    #[error("{}: {why}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Another run is at work.
    #[error("{}: another plainsight is changing these files; wait until it has ended", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// There is no such change.
    #[error("{}: no change {id} here; there is {}", path.display(), listed(known))]
    NoSuchChange {
        /// The store.
        path: PathBuf,
        /// What was asked for.
        id: u32,
        /// What is there.
        known: Vec<u32>,
    },
    /// A record that cannot be understood.
    #[error(
        "{}: {why}; so this change cannot be taken back here: see by hand whether its files are as they should be, \
         and move its directory away",
        path.display()
    )]
    Broken {
        /// The manifest, or another part of the record.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It failed, and going back failed as well.
    #[error(
        "{first}; and going back failed: {then}; run `plainsight apply` again, which goes on with it"
    )]
    Stuck {
        /// What failed.
        first: Box<Self>,
        /// What failed on the way back.
        then: Box<Self>,
    },
}

fn listed(known: &[u32]) -> String {
    if known.is_empty() {
        return "none".to_owned();
    }
    let known: Vec<String> = known.iter().map(u32::to_string).collect();
    known.join(", ")
}

/// Makes an [`TransactionError::Io`] out of what the system said.
pub(super) fn failed(
    path: &Path,
    doing: &'static str,
) -> impl FnOnce(io::Error) -> TransactionError {
    let path = path.to_path_buf();
    move |why| TransactionError::Io { path, doing, why }
}
