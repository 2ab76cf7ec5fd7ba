//! A state: the file in which one scan leaves what the next one needs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Its bytes; none where it is not there yet.
///
/// # Errors
/// Where it is there and cannot be read.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes it whole or not at all: beside the old one first, and then in its place.
///
/// # Errors
/// Where that is not allowed or there is no room.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays one; what it leads to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new.{}", std::process::id()));
    let beside = path.with_file_name(name);
    let written = create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    });
    if written.is_err() {
        // It is of no use, and may not even be there.
        let _left = fs::remove_file(&beside);
    }
    written
}

/// For its owner alone, since it names accounts as the log does.
fn create(path: &PathBuf) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
