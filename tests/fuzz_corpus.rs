//! What the fuzz targets are made of holds for every input that is kept: those to begin with, and those that once broke it.

#[expect(
    unreachable_pub,
    reason = "it is a library of its own for the fuzz targets"
)]
#[path = "../fuzz/src/lib.rs"]
mod entry;

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_kept_input_passes() {
    for (name, pass) in entry::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let entries = fs::read_dir(&folder).expect("every target has a corpus");
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        for file in files {
            let bytes = fs::read(&file).expect("it was listed");
            // The name stands above the message of whatever it breaks.
            println!("{}", file.display());
            pass(&bytes, entry::Depth::All);
            pass(&bytes, entry::Depth::One);
        }
    }
}
