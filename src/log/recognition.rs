//! A recognition: which input is which file of an earlier scan, whatever name rotation and packing gave it since.

use std::hash::Hasher;
use std::path::PathBuf;

use bstr::{ByteSlice, ByteVec};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::input::{Input, Named};
use super::rotation;
use super::row::{File, Text};
use super::unpack::Packing;

/// Whether an input is likely to be a file, beside that both begin alike.
type Close<'a> = dyn Fn(&Input, &File) -> bool + 'a;

/// Which of `files` each input is. Of several that begin alike, the one of the same length, else of the same name, else of
/// the same log.
pub(crate) fn recognized(inputs: &[Input], files: &[File]) -> Vec<Option<usize>> {
    let alike = |input: &Input, file: &File| match &input.named {
        Named::Journal => file.cursor.is_some(),
        Named::Stdin => false,
        Named::Path(_) => {
            file.cursor.is_none()
                && input
                    .front
                    .get(..file.head)
                    .is_some_and(|head| digest(head) == file.digest)
        }
    };
    // What was short then and is so no more is rather another file that begins with the same line.
    let as_short = |input: &Input, file: &File| !file.finished || file.head == input.front.len();
    let named_alike = |input: &Input, file: &File| input.named.shown() == path(&file.name);
    let of_one_log = |input: &Input, file: &File| input.stem() == rotation::stem(&path(&file.name));
    let closeness: [&Close<'_>; 6] = [
        &|input, file| as_short(input, file) && named_alike(input, file),
        &|input, file| as_short(input, file) && of_one_log(input, file),
        &as_short,
        &named_alike,
        &of_one_log,
        &|_, _| true,
    ];
    let mut found: Vec<Option<usize>> = vec![None; inputs.len()];
    for close in closeness {
        for (place, input) in inputs.iter().enumerate() {
            if found[place].is_none() {
                found[place] = (0..files.len()).find(|file| {
                    !found.contains(&Some(*file))
                        && close(input, &files[*file])
                        && alike(input, &files[*file])
                });
            }
        }
    }
    found
}

/// Why a file cannot be taken up again where it was left.
pub(crate) fn changed(input: &Input, file: &File) -> Option<String> {
    let packed = input.packing != Packing::None;
    // Of a file that was packed since, or unpacked, the size says nothing.
    if packed != file.packed || file.cursor.is_some() {
        return None;
    }
    let as_before = if file.finished {
        input.size == file.bytes
    } else {
        input.size >= file.bytes
    };
    (!as_before).then(|| {
        format!(
            "has {} bytes and had {} when it was read; begin a new file for --resume",
            input.size, file.bytes
        )
    })
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
