//! A record: one transaction written down, as a directory with a manifest and a copy of every text, old and new.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Store, Target, TransactionError, failed, sync_directory};

/// How far a record has come; the table in `mod.rs` says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    New,
    Pending,
    Accepted,
    Done,
    Kept,
}

impl State {
    const ALL: [Self; 5] = [
        Self::New,
        Self::Pending,
        Self::Accepted,
        Self::Done,
        Self::Kept,
    ];

    const fn suffix(self) -> &'static str {
        match self {
            Self::New => ".new",
            Self::Pending => ".pending",
            Self::Accepted => ".accepted",
            Self::Done => "",
            Self::Kept => ".kept",
        }
    }

    /// Number and state that the name of a directory tells.
    pub(super) fn of_name(name: &str) -> Option<(u32, Self)> {
        Self::ALL.into_iter().find_map(|state| {
            {
                let number = name.strip_suffix(state.suffix())?;
                let plain = number.bytes().all(|byte| byte.is_ascii_digit());
                plain.then(|| number.parse().ok()).flatten()
            }
            .map(|id| (id, state))
        })
    }
}

/// What a manifest says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    schema: String,
    /// The change of which this is the way back.
    pub(super) reverts: Option<u32>,
    /// The files; the old text of the first is in `0.old`, its new text in `0.new`.
    files: Vec<Name>,
}

/// A path; as a list of bytes where it is no UTF-8.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

const SCHEMA: &str = "plainsight/change/1";

/// One transaction in a store.
pub(super) struct Record<'a> {
    store: &'a Store,
    pub(super) id: u32,
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Record").field(&self.id).finish()
    }
}

impl<'a> Record<'a> {
    pub(super) const fn at(store: &'a Store, id: u32) -> Self {
        Self { store, id }
    }

    fn directory(&self, state: State) -> PathBuf {
        let name = format!("{}{}", self.id, state.suffix());
        self.store.directory.join(name)
    }

    /// Where the copy of an old text is.
    pub(super) fn old_copy(&self, state: State, number: usize) -> PathBuf {
        self.directory(state).join(format!("{number}.old"))
    }

    fn new_copy(&self, state: State, number: usize) -> PathBuf {
        self.directory(state).join(format!("{number}.new"))
    }

    /// How far it has come.
    pub(super) fn state(&self) -> Result<State, TransactionError> {
        let all = self.store.records()?;
        let mine = all.into_iter().find(|&(id, _)| id == self.id);
        mine.map(|(_, state)| state)
            .ok_or_else(|| TransactionError::NoSuchChange {
                path: self.store.directory.clone(),
                id: self.id,
                known: Vec::new(),
            })
    }

    /// Writes everything down, so that it outlives a loss of power.
    pub(super) fn write(
        &self,
        targets: &[Target],
        reverts: Option<u32>,
    ) -> Result<(), TransactionError> {
        let directory = self.directory(State::New);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .map_err(failed(&directory, "making the directory of a backup"))?;
        for (number, target) in targets.iter().enumerate() {
            write_new(&self.old_copy(State::New, number), &target.old)?;
            write_new(&self.new_copy(State::New, number), &target.new)?;
        }
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            reverts,
            files: targets
                .iter()
                .map(|target| self.store.name(&target.path))
                .collect(),
        };
        let path = directory.join(MANIFEST);
        let mut text = serde_json::to_vec_pretty(&manifest)
            .map_err(|why| failed(&path, "writing the manifest")(why.into()))?;
        text.push(b'\n');
        write_new(&path, &text)?;
        sync_directory(&directory)
    }

    /// Goes from one state to another in one step.
    pub(super) fn turn(&self, from: State, to: State) -> Result<(), TransactionError> {
        let before = self.directory(from);
        fs::rename(&before, self.directory(to))
            .map_err(failed(&before, "writing down how far the change has come"))?;
        sync_directory(&self.store.directory)
    }

    /// Deletes a record that has nothing to tell any more.
    pub(super) fn delete(&self, state: State) -> Result<(), TransactionError> {
        let directory = self.directory(state);
        fs::remove_dir_all(&directory).map_err(failed(&directory, "deleting it"))
    }

    pub(super) fn manifest(&self, state: State) -> Result<Manifest, TransactionError> {
        let path = self.directory(state).join(MANIFEST);
        let text = self.read(&path)?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|why| TransactionError::Broken {
                path: path.clone(),
                why: why.to_string(),
            })?;
        if manifest.schema != SCHEMA {
            return Err(TransactionError::Broken {
                path,
                why: format!(
                    "its schema is \"{}\", and this release knows \"{SCHEMA}\"",
                    manifest.schema
                ),
            });
        }
        Ok(manifest)
    }

    /// Reads a file of the record itself: what a link leads to is no copy that was made here, and would be put
    /// where anybody may read it.
    fn read(&self, path: &Path) -> Result<Vec<u8>, TransactionError> {
        let directory = path.parent().unwrap_or(path);
        for (part, is_fit) in [
            (directory, fs::Metadata::is_dir as fn(&fs::Metadata) -> bool),
            (path, fs::Metadata::is_file),
        ] {
            let meta = fs::symlink_metadata(part).map_err(failed(part, "reading it"))?;
            if !is_fit(&meta) {
                return Err(TransactionError::Broken {
                    path: part.to_path_buf(),
                    why: "this was not written by plainsight".to_owned(),
                });
            }
        }
        fs::read(path).map_err(failed(path, "reading it"))
    }

    /// The files of the transaction with both texts.
    pub(super) fn targets(&self, state: State) -> Result<Vec<Target>, TransactionError> {
        let manifest = self.manifest(state)?;
        let files = manifest.files.into_iter().enumerate();
        files
            .map(|(number, name)| {
                let path = self.store.path(name);
                self.store.covers(&path)?;
                Ok(Target {
                    path,
                    old: self.read(&self.old_copy(state, number))?,
                    new: self.read(&self.new_copy(state, number))?,
                })
            })
            .collect()
    }
}

const MANIFEST: &str = "manifest.json";

impl Store {
    /// A path as the manifest has it: relative to the base, so that a checkout may be moved.
    fn name(&self, path: &Path) -> Name {
        let path = path.strip_prefix(&self.base).unwrap_or(path);
        path.to_str().map_or_else(
            || Name::Bytes(path.as_os_str().as_bytes().to_vec()),
            |text| Name::Text(text.to_owned()),
        )
    }

    fn path(&self, name: Name) -> PathBuf {
        self.base.join(match name {
            Name::Text(text) => PathBuf::from(text),
            Name::Bytes(bytes) => std::ffi::OsString::from_vec(bytes).into(),
        })
    }
}

/// Writes a file that must not be there yet, down to the disk.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), TransactionError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let write = |mut file: File| {
        file.write_all(bytes)?;
        file.sync_all()
    };
    let written = options.open(path).and_then(write);
    written.map_err(failed(path, "writing a backup"))
}
