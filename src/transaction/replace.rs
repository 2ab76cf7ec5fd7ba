//! A replacement: one file that is exchanged for a spare beside it, in one step.
//!
//! The spare is written in full and down to the disk first, under a name that neither server reads: Dovecot's globs
//! (`conf.d/*.conf`, glob(3)) do not match a leading dot, and Postfix reads its files by name.
//! The exchange swaps the two names (renameat2(2), RENAME_EXCHANGE), so that the old file lies under the spare's name
//! afterwards: it can be looked at once more, and going back needs no room on the disk.
//! Where the file system cannot do that, the spare is renamed over the file, and going back writes the copy.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{Target, TransactionError, attributes, failed, sync_directory};

/// One file and its spare.
pub(super) struct Replacement<'a> {
    target: &'a Target,
    spare: PathBuf,
}

impl<'a> Replacement<'a> {
    pub(super) fn of(target: &'a Target) -> Self {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.path.file_name().unwrap_or_default());
        name.push(".plainsight");
        Self {
            target,
            spare: target.path.with_file_name(name),
        }
    }

    fn path(&self) -> &'a Path {
        &self.target.path
    }

    fn directory(&self) -> &'a Path {
        self.path().parent().unwrap_or_else(|| Path::new("/"))
    }

    /// Whether the file is as it was read and can be exchanged.
    pub(super) fn check(&self) -> Result<(), TransactionError> {
        let unfit = |why: String| {
            Err(TransactionError::Unfit {
                path: self.path().to_path_buf(),
                why,
            })
        };
        let meta = fs::symlink_metadata(self.path()).map_err(failed(self.path(), "reading it"))?;
        if !meta.is_file() {
            return unfit("no regular file any more, so nothing is written".to_owned());
        }
        if meta.nlink() > 1 {
            return unfit(
                "it has other names (hard links), which would keep the old text; \
                 make it a file of its own, or change it by hand"
                    .to_owned(),
            );
        }
        if fs::symlink_metadata(&self.spare).is_ok() {
            return unfit(format!(
                "{} is in the way; look at it and delete it",
                self.spare.display()
            ));
        }
        self.expect_old(self.path())
    }

    /// Writes the spare.
    pub(super) fn prepare(&self) -> Result<(), TransactionError> {
        self.write_spare(&self.target.new)
    }

    fn write_spare(&self, text: &[u8]) -> Result<(), TransactionError> {
        let original = File::open(self.path()).map_err(failed(self.path(), "reading it"))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let writing = || failed(&self.spare, "writing the new text");
        let mut spare = options.open(&self.spare).map_err(writing())?;
        spare.write_all(text).map_err(writing())?;
        attributes::copy(&original, self.path(), &spare)?;
        spare.sync_all().map_err(writing())
    }

    /// Swaps the file and its spare, unless somebody else has written to the file.
    pub(super) fn exchange(&self) -> Result<(), TransactionError> {
        self.expect_old(self.path())?;
        if self.swap()? {
            // Whoever wrote between the look and the swap gets the file back.
            self.expect_old(&self.spare)?;
        }
        sync_directory(self.directory())
    }

    /// Gives whether the old file lies under the spare's name now.
    fn swap(&self) -> Result<bool, TransactionError> {
        let renaming = || failed(self.path(), "putting the new text in its place");
        match renameat_with(CWD, &self.spare, CWD, self.path(), RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                fs::rename(&self.spare, self.path()).map_err(renaming())?;
                Ok(false)
            }
            Err(Errno::BUSY) => Err(TransactionError::Unfit {
                path: self.path().to_path_buf(),
                why: "it is mounted there by itself, as for a container, and cannot be exchanged; \
                      change the file where it comes from"
                    .to_owned(),
            }),
            Err(Errno::PERM) => Err(TransactionError::Unfit {
                path: self.path().to_path_buf(),
                why: "the system lets nobody exchange it; lsattr tells whether it is immutable, and in a directory \
                      with the sticky bit only its owner may"
                    .to_owned(),
            }),
            Err(why) => Err(renaming()(why.into())),
        }
    }

    /// Deletes the old file, which lies under the spare's name.
    pub(super) fn finish(&self) -> Result<(), TransactionError> {
        self.remove_spare()
    }

    /// Puts the old file back, whatever the state in which the run ended; gives whether the old text stands there now.
    pub(super) fn put_back(&self) -> Result<bool, TransactionError> {
        let (now, spare) = (text_of(self.path())?, text_of(&self.spare)?);
        let (old, new) = (&self.target.old, &self.target.new);
        // A spare that is not the old file is the beginning of a text that was being written;
        // or the file of somebody who wrote just before the swap.
        let is_old = spare.as_ref() == Some(old);
        let began = !is_old
            && spare
                .as_ref()
                .is_some_and(|text| new.starts_with(text) || old.starts_with(text));
        if now.as_ref() == Some(old) {
            if began || is_old {
                self.remove_spare()?;
            }
            return Ok(true);
        }
        if now.as_ref() != Some(new) {
            if began || is_old {
                self.remove_spare()?;
            }
            return Ok(false);
        }
        let stranger = spare.is_some() && !is_old && !began;
        if !is_old && !stranger {
            self.remove_spare()?;
            self.write_spare(old)?;
        }
        fs::rename(&self.spare, self.path()).map_err(failed(self.path(), "putting it back"))?;
        sync_directory(self.directory())?;
        Ok(!stranger)
    }

    fn remove_spare(&self) -> Result<(), TransactionError> {
        match fs::remove_file(&self.spare) {
            Ok(()) => sync_directory(self.directory()),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(why) => Err(failed(&self.spare, "deleting it")(why)),
        }
    }

    fn expect_old(&self, path: &Path) -> Result<(), TransactionError> {
        if text_of(path)?.as_ref() == Some(&self.target.old) {
            return Ok(());
        }
        Err(TransactionError::Changed {
            path: self.path().to_path_buf(),
        })
    }
}

/// The text of a file; none where there is no such file.
fn text_of(path: &Path) -> Result<Option<Vec<u8>>, TransactionError> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(failed(path, "reading it")(why)),
    }
}
