//! A trial: files in a directory of a test's own, and the program run on them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the program said: its exit code, its result, and everything else.
pub(crate) type Said = (Option<i32>, String, String);

/// A directory of this test's own with these files.
pub(crate) fn place(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let tests = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME"));
    let root = tests.join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).expect("the build directory is writable");
    for (file, text) in files {
        write(&root.join(file), text);
    }
    root
}

/// Writes a file, with the directories that lead to it.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("it lies in a directory"))
        .and_then(|()| fs::write(path, bytes))
        .expect("the build directory is writable");
}

/// Runs the program in a directory, on the same day each time.
pub(crate) fn run(at: &Path, words: &[impl AsRef<OsStr>]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args(words)
        .current_dir(at)
        .env("PLAINSIGHT_TODAY", "2026-11-24")
        .stdin(Stdio::null())
        .output()
        .expect("the program was built for this test");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}
