//! A recognition: which input is which file of an earlier scan, whatever name rotation and packing gave it since.

use std::hash::Hasher;
use std::path::PathBuf;

use bstr::{ByteSlice, ByteVec};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::input::{FRONT, Input, Named};
use super::rotation;
use super::row::{File, Text};
use super::unpack::Packing;

/// Whether an input may be a file, by their names.
type Close<'a> = dyn Fn(&Input, &File) -> bool + 'a;

/// Which of `files` each input is.
///
/// Files of a few lines may begin alike, and even be the same to the last byte. Rotation gives a file another name, but it
/// leaves the parts of a log in their order; so the oldest input is the oldest file that it can be.
pub(crate) fn recognized(inputs: &[Input], files: &[File]) -> Vec<Option<usize>> {
    let stem = |file: &File| rotation::stem(&path(&file.name));
    let of_one_log = |input: &Input, file: &File| input.stem() == stem(file);
    let of_logs_named_alike =
        |input: &Input, file: &File| input.stem().file_name() == stem(file).file_name();
    let closeness: [&Close<'_>; 3] = [&of_one_log, &of_logs_named_alike, &|_, _| true];
    let mut found: Vec<Option<usize>> = vec![None; inputs.len()];
    for close in closeness {
        let mut next = 0;
        for (number, input) in inputs.iter().enumerate() {
            if number == 0 || inputs[number - 1].stem() != input.stem() {
                next = 0;
            }
            if found[number].is_none() {
                found[number] = (next..files.len()).find(|&number| {
                    let file = &files[number];
                    !found.contains(&Some(number))
                        && close(input, file)
                        && begins_as(input, file)
                        && changed(input, file).is_none()
                });
                next = found[number].map_or(next, |file| file + 1);
            }
        }
    }
    found
}

/// Whether an input begins with what is known of the beginning of a file.
pub(crate) fn begins_as(input: &Input, file: &File) -> bool {
    match &input.named {
        Named::Journal => file.cursor.is_some(),
        Named::Stdin => false,
        Named::Path(_) => {
            file.cursor.is_none()
                && input
                    .front
                    .get(..file.head)
                    .is_some_and(|head| digest(head) == file.digest)
        }
    }
}

/// Why an input that begins as a file is not that file as it was read.
pub(crate) fn changed(input: &Input, file: &File) -> Option<String> {
    // Of the journal there is only one.
    if file.cursor.is_some() {
        return None;
    }
    // Only what was read to its end can be shorter than a front, and then that is all of it.
    if file.finished && file.head < FRONT && input.front.len() != file.head {
        return Some(", but goes on where that ended".to_owned());
    }
    let packed = input.packing != Packing::None;
    // Of a file that was packed since, or unpacked, the size says nothing.
    if packed != file.packed {
        return None;
    }
    let as_before = if file.finished {
        input.size == file.bytes
    } else {
        input.size >= file.bytes
    };
    (!as_before).then(|| format!(", but has {} bytes and that had {}", input.size, file.bytes))
}

/// What tells one text from another.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    format!("{:032x}", hasher.finish128().as_u128())
}

/// The name of an input, as it is saved.
pub(crate) fn name(input: &Input) -> Text {
    Text(
        <Vec<u8>>::from_path_lossy(input.named.shown())
            .into_owned()
            .into(),
    )
}

/// A saved name as the path that it is.
pub(crate) fn path(name: &Text) -> PathBuf {
    name.0.to_path_lossy().into_owned()
}
