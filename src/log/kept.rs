//! What is kept: the files that a scan has read and their segment, for the scan that goes on behind it.

use std::path::PathBuf;

use super::crew::Progress;
use super::input::Input;
use super::inputs;
use super::recognition::{digest, name, path};
use super::resume::{Plan, span};
use super::rotation;
use super::row::File;
use super::saved::Saved;
use super::stamp::DAY;
use super::unpack::Packing;

impl Plan {
    /// The files of what is kept, with how far they were read, and `segment` in their numbers.
    pub(crate) fn kept(&self, inputs: &[Input], progress: &Progress) -> Saved {
        let gone = self.files.len() - inputs.len();
        let mut files: Vec<File> = self.files.clone();
        for (number, input) in inputs.iter().enumerate() {
            let file = &mut files[gone + number];
            let reached = &progress.reached[number];
            if file.finished || reached.bytes == 0 || input.front.is_empty() {
                continue;
            }
            let head = usize::try_from(reached.bytes).unwrap_or(usize::MAX);
            let head = if input.packing == Packing::None {
                head.min(input.front.len())
            } else {
                input.front.len()
            };
            let finished = reached.whole && inputs::is_finished(inputs, number);
            *file = File {
                name: name(input),
                head,
                digest: digest(&input.front[..head]),
                packed: input.packing != Packing::None,
                bytes: if input.packing == Packing::None {
                    reached.bytes
                } else {
                    input.size
                },
                lines: reached.lines,
                finished,
                cursor: reached.cursor.clone(),
                first: input.time(input.head.first),
                last: reached.last,
                hashes: (!self.roles[number].twins.is_empty()).then(|| reached.hashes.clone()),
            };
        }
        forget_hashes(&mut files);
        let mut segment = progress.segment.clone();
        let mut numbers = vec![0; files.len()];
        let mut kept = Vec::new();
        for (number, file) in files.into_iter().enumerate() {
            numbers[number] = u32::try_from(kept.len()).unwrap_or(u32::MAX);
            if file.bytes > 0 || file.cursor.is_some() {
                kept.push(file);
            }
        }
        segment.renumber_files(|file| numbers.get(file as usize).copied().unwrap_or(0));
        Saved {
            files: kept,
            segment,
            ..Saved::default()
        }
    }
}

/// Forgets the hashes of files whose lines no other log can bring any more: the others were read a week beyond them.
fn forget_hashes(files: &mut [File]) {
    let stems: Vec<PathBuf> = files
        .iter()
        .map(|file| rotation::stem(&path(&file.name)))
        .collect();
    let last: Vec<i64> = files
        .iter()
        .map(|file| span(file.first, file.last).1)
        .collect();
    for number in 0..files.len() {
        let of_others = stems.iter().filter(|stem| **stem != stems[number]);
        let all_beyond = of_others.clone().all(|stem| {
            let read_to = (0..files.len())
                .filter(|one| stems[*one] == *stem)
                .map(|one| last[one])
                .max();
            read_to.is_some_and(|to| to != i64::MAX && to > last[number].saturating_add(7 * DAY))
        });
        if all_beyond && of_others.count() > 0 {
            files[number].hashes = None;
        }
    }
}
