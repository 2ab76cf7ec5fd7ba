//! A whole file: one of our own, such as plainsight.toml, that is written anew as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::attributes;

/// Who may read a file that is made here: its owner alone, or whom the system's umask lets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// For what names accounts as a log does.
    Owner,
    /// For what belongs to a repository.
    Anybody,
}

/// Puts `bytes` in place of a file in one step, so that nobody ever sees half of them; a link stays one, and what it
/// leads to is replaced. A file that was there keeps its owner and mode, a new one is for `readers`.
///
/// # Errors
/// Where that is not allowed or there is no room; the old file is untouched then.
pub fn write_whole(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    // Whoever opens a pipe waits, and a device must not be replaced.
    if fs::metadata(&path).is_ok_and(|meta| !meta.is_file()) {
        return Err(io::Error::other("not a file"));
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".new.{}", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_beside(&path, &beside, bytes, readers);
    if written.is_err() {
        // It is of no use, and may not even be there.
        let _left = fs::remove_file(&beside);
    }
    written
}

fn write_beside(path: &Path, beside: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(match readers {
            Readers::Owner => 0o600,
            Readers::Anybody => 0o666,
        })
        .open(beside)?;
    match File::open(path) {
        Ok(old) => attributes::copy(&old, path, &file).map_err(io::Error::other)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)
}
