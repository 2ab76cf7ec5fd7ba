//! A transaction: new texts for several files on this disk, of which all are written or none.
//!
//! What is about to happen is written down first, as a `Record` with a copy of every old and every new text
//! (`record` beside this file); then the files are exchanged one by one (`replace`), with owner, mode and attributes kept
//! (`attributes`). `whole` writes a single file of our own. Whoever opens the [`Store`] of records next finds what a killed run left behind and undoes or finishes it.
//!
//! A record is a directory, and its name says how far it has come; the name is changed by one rename:
//!
//! | name | meaning | what the next run does |
//! |---|---|---|
//! | `7.new` | it is being written down; no file has been touched, or all have been put back | deletes it |
//! | `7.pending` | files are being exchanged, or wait for the daemons' own checkers | puts the old files back |
//! | `7.accepted` | every file is new and stays | deletes the spares |
//! | `7` | it is done, and can be reverted | nothing |
//! | `7.kept` | it was undone but for files that somebody else has changed | nothing |

mod attributes;
mod error;
mod record;
mod replace;
mod whole;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use error::TransactionError;
pub use whole::{Readers, write_whole};

use rustix::fs::OFlags;

use error::failed;
use record::{Record, State};
use replace::Replacement;

/// A file that is to get another text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it lies, absolute and without links.
    pub path: PathBuf,
    /// The text it is known to have.
    pub old: Vec<u8>,
    /// The text it is to get.
    pub new: Vec<u8>,
}

/// The directory that holds the records of one server, locked for this run.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    /// Where the paths in manifests begin; nothing outside of it is touched.
    base: PathBuf,
    /// Held until the store is dropped.
    _lock: File,
}

impl Store {
    /// Opens the store in `directory` if there is one; every file it changes lies below `base`.
    ///
    /// # Errors
    /// Another run holds it, or the system refuses.
    pub fn existing(directory: &Path, base: &Path) -> Result<Option<Self>, TransactionError> {
        match fs::symlink_metadata(directory) {
            Ok(_) => Self::create(directory, base).map(Some),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(failed(directory, "looking for earlier changes")(why)),
        }
    }

    /// Opens the store in `directory`, which is made if it is not there, readable for its owner alone.
    ///
    /// # Errors
    /// As [`Store::existing`].
    pub fn create(directory: &Path, base: &Path) -> Result<Self, TransactionError> {
        let (is_new, is_link) = match fs::symlink_metadata(directory) {
            Ok(meta) => (false, meta.is_symlink()),
            Err(_) => (true, false),
        };
        if is_link {
            // A checkout may hold one of somebody else's making.
            return Err(TransactionError::Unfit {
                path: directory.to_path_buf(),
                why: "it is a link, and backups are kept in a directory of their own; look where it leads and delete it"
                    .to_owned(),
            });
        }
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(directory)
            .map_err(failed(directory, "making the directory for backups"))?;
        let ignore = directory.join(".gitignore");
        if fs::symlink_metadata(&ignore).map_or(true, |meta| meta.len() == 0) {
            // Copies of a server's configuration are no part of the repository it may be in.
            fs::write(&ignore, "*\n").map_err(failed(&ignore, "writing it"))?;
        }
        if is_new {
            let directory =
                fs::canonicalize(directory).map_err(failed(directory, "resolving it"))?;
            sync_directory(directory.parent().unwrap_or(&directory))?;
        }
        let base = fs::canonicalize(base).map_err(failed(base, "resolving it"))?;
        let lock_path = directory.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            // Neither a link out of the store nor a pipe without a reader.
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&lock_path)
            .map_err(failed(&lock_path, "locking"))?;
        match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(TransactionError::Busy { path: lock_path });
            }
            Err(why) => return Err(failed(&lock_path, "locking")(why.into())),
        }
        Ok(Self {
            directory: directory.to_path_buf(),
            base,
            _lock: lock,
        })
    }

    /// Finishes or undoes what a killed run left behind, and says what was found and done.
    ///
    /// # Errors
    /// The system refuses; the next run goes on with it.
    pub fn recover(&self) -> Result<Vec<String>, TransactionError> {
        let mut said = Vec::new();
        for (id, state) in self.records()? {
            match state {
                State::New => Record::at(self, id).delete(state)?,
                State::Pending => {
                    said.push(format!(
                        "an earlier run was interrupted while it made change {id}; putting the old files back"
                    ));
                    said.extend(Pending::load(self, id)?.undo()?);
                }
                State::Accepted => {
                    said.push(format!(
                        "an earlier run was interrupted after it had made change {id}; the change stands"
                    ));
                    Pending::load(self, id)?.finish()?;
                }
                State::Done | State::Kept => {}
            }
        }
        Ok(said)
    }

    /// The change that a killed run left unfinished, for [`Store::recover`]; nothing is touched.
    ///
    /// # Errors
    /// The system refuses.
    pub fn interrupted(&self) -> Result<Option<u32>, TransactionError> {
        let records = self.records()?;
        let open = records
            .iter()
            .find(|(_, state)| matches!(state, State::Pending | State::Accepted));
        Ok(open.map(|&(id, _)| id))
    }

    /// The changes that were made and can be reverted, the oldest first.
    ///
    /// # Errors
    /// The system refuses.
    pub fn changes(&self) -> Result<Vec<u32>, TransactionError> {
        let records = self.records()?;
        let done = records
            .into_iter()
            .filter(|(_, state)| *state == State::Done);
        Ok(done.map(|(id, _)| id).collect())
    }

    /// The last change that was neither reverted nor is itself the way back of another.
    ///
    /// # Errors
    /// The system refuses, or a record cannot be read.
    pub fn last(&self) -> Result<Option<u32>, TransactionError> {
        let mut standing = Vec::new();
        for id in self.changes()? {
            match Record::at(self, id).manifest(State::Done)?.reverts {
                Some(reverted) => standing.retain(|&other| other != reverted),
                None => standing.push(id),
            }
        }
        Ok(standing.pop())
    }

    /// What change `id` wrote.
    ///
    /// # Errors
    /// There is no such change, or it cannot be read.
    pub fn load(&self, id: u32) -> Result<Vec<Target>, TransactionError> {
        let known = self.changes()?;
        if !known.contains(&id) {
            return Err(TransactionError::NoSuchChange {
                path: self.directory.clone(),
                id,
                known,
            });
        }
        Record::at(self, id).targets(State::Done)
    }

    /// Writes down what is about to happen; no file is touched yet. `reverts` is the change of which this is the way back.
    ///
    /// # Errors
    /// A target is not as it was read or cannot be exchanged, or the system refuses.
    pub fn begin(
        &self,
        targets: Vec<Target>,
        reverts: Option<u32>,
    ) -> Result<Pending<'_>, TransactionError> {
        for target in &targets {
            self.covers(&target.path)?;
            Replacement::of(target).check()?;
        }
        let last = self.records()?.last().map_or(0, |&(id, _)| id);
        let id = last
            .checked_add(1)
            .ok_or_else(|| TransactionError::Broken {
                path: self.directory.join(last.to_string()),
                why: "no number comes after this one".to_owned(),
            })?;
        let record = Record::at(self, id);
        if let Err(error) = record.write(&targets, reverts) {
            // Nothing has been touched; a leftover would be deleted by the next run as well.
            let _ = record.delete(State::New);
            return Err(error);
        }
        record.turn(State::New, State::Pending)?;
        Ok(Pending { record, targets })
    }

    /// Whether a file lies below the base, and not only by way of a link.
    fn covers(&self, path: &Path) -> Result<(), TransactionError> {
        let directory = path.parent().unwrap_or(path);
        let real = fs::canonicalize(directory).map_err(failed(directory, "resolving it"))?;
        if real == directory && real.starts_with(&self.base) {
            return Ok(());
        }
        Err(TransactionError::Unfit {
            path: path.to_path_buf(),
            why: format!(
                "it lies outside of {}, so other servers may read it as well; change it by hand, \
                 or with `plainsight diff` from a directory above both",
                self.base.display()
            ),
        })
    }

    /// All records with their states, by number.
    fn records(&self) -> Result<Vec<(u32, State)>, TransactionError> {
        let mut found = Vec::new();
        let reading = || failed(&self.directory, "reading earlier changes");
        for entry in fs::read_dir(&self.directory).map_err(reading())? {
            let entry = entry.map_err(reading())?;
            let name = entry.file_name();
            if let Some(known) = name.to_str().and_then(State::of_name) {
                found.push(known);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// A transaction under way.
#[derive(Debug)]
pub struct Pending<'a> {
    record: Record<'a>,
    targets: Vec<Target>,
}

impl<'a> Pending<'a> {
    fn load(store: &'a Store, id: u32) -> Result<Self, TransactionError> {
        let record = Record::at(store, id);
        let state = record.state()?;
        let targets = record.targets(state)?;
        Ok(Self { record, targets })
    }

    /// Exchanges every file; where one cannot be, all that were are put back.
    ///
    /// # Errors
    /// What stood in the way. Everything is as it was, unless the error says that going back failed as well.
    pub fn replace(self) -> Result<Self, TransactionError> {
        match self.exchange() {
            Ok(()) => Ok(self),
            Err(first) => match self.undo() {
                Ok(_) => Err(first),
                Err(then) => Err(TransactionError::Stuck {
                    first: Box::new(first),
                    then: Box::new(then),
                }),
            },
        }
    }

    fn exchange(&self) -> Result<(), TransactionError> {
        // All spares first: a full disk shows before any file has changed.
        for target in &self.targets {
            Replacement::of(target).prepare()?;
        }
        for target in &self.targets {
            Replacement::of(target).exchange()?;
        }
        Ok(())
    }

    /// The change stands; gives its number.
    ///
    /// # Errors
    /// The system refuses. The files are new then, and the next run finishes the rest.
    pub fn accept(self) -> Result<u32, TransactionError> {
        self.record.turn(State::Pending, State::Accepted)?;
        self.finish()
    }

    fn finish(self) -> Result<u32, TransactionError> {
        for target in &self.targets {
            Replacement::of(target).finish()?;
        }
        self.record.turn(State::Accepted, State::Done)?;
        Ok(self.record.id)
    }

    /// Puts every old file back; says which could not be, because somebody else has changed them.
    ///
    /// # Errors
    /// The system refuses; the next run goes on with it.
    pub fn undo(self) -> Result<Vec<String>, TransactionError> {
        let mut kept = Vec::new();
        for (number, target) in self.targets.iter().enumerate() {
            if !Replacement::of(target).put_back()? {
                let copy = self.record.old_copy(State::Kept, number);
                kept.push(format!(
                    "{}: somebody else has changed it, so it is left as it is; its old text is in {}",
                    target.path.display(),
                    copy.display()
                ));
            }
        }
        if kept.is_empty() {
            self.record.turn(State::Pending, State::New)?;
            self.record.delete(State::New)?;
        } else {
            self.record.turn(State::Pending, State::Kept)?;
        }
        Ok(kept)
    }
}

/// Makes a rename or a deletion in `directory` last.
fn sync_directory(directory: &Path) -> Result<(), TransactionError> {
    let open = File::open(directory);
    open.and_then(|directory| directory.sync_all())
        .map_err(failed(directory, "writing it to the disk"))
}
