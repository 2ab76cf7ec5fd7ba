//! A role: what an input is among the others of a scan: a part of a log, with other logs that may hold the same lines.

use std::path::{Path, PathBuf};

use super::input::Input;
use super::inputs;
use super::recognition::path;
use super::rotation;
use super::row::File;

/// What is known of an input beside itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Role {
    /// Its number in the positions of a segment.
    pub(crate) file: u32,
    /// The number of the log that it is a part of.
    pub(crate) log: usize,
    /// Other logs that may hold the same lines.
    pub(crate) twins: Vec<usize>,
    /// Those of them that a scan of everything reads later.
    pub(crate) later_twins: Vec<usize>,
}

/// The logs of a scan, by the names that their parts share.
#[derive(Debug)]
pub(crate) struct Stems(Vec<PathBuf>);

impl Stems {
    /// How many logs there are.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Of the inputs, and of files that an earlier scan has read.
    pub(crate) fn of(inputs: &[Input], files: &[File]) -> Self {
        let mut stems: Vec<PathBuf> = inputs.iter().map(Input::stem).collect();
        stems.extend(files.iter().map(|file| rotation::stem(&path(&file.name))));
        stems.sort();
        stems.dedup();
        Self(stems)
    }

    /// The number of the log whose parts have this name.
    pub(crate) fn number(&self, stem: &Path) -> usize {
        self.0
            .binary_search_by(|known| known.as_path().cmp(stem))
            .unwrap_or(0)
    }
}

/// What each input is among the others; the first has the number `first`. What they get `later` may count as well.
pub(crate) fn roles(inputs: &[Input], stems: &Stems, first: u32, later: bool) -> Vec<Role> {
    let logs: Vec<usize> = inputs
        .iter()
        .map(|input| stems.number(&input.stem()))
        .collect();
    let role = |(file, number): (u32, usize)| {
        let mut twins: Vec<usize> = (0..inputs.len())
            .filter(|other| inputs::may_repeat(inputs, number, *other, later))
            .map(|other| logs[other])
            .collect();
        twins.sort_unstable();
        twins.dedup();
        Role {
            file,
            log: logs[number],
            twins,
            later_twins: Vec::new(),
        }
    };
    (first..).zip(0..inputs.len()).map(role).collect()
}
