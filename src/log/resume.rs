//! A resumption: which parts of the logs an earlier scan has read already, so that only what is new is read.
//!
//! A file is known again by its first bytes, whatever name rotation and packing gave it since. What an earlier scan keeps is
//! each file that is followed by a younger part of its log, and of the others the parts that a scan of everything would cut
//! them into, up to the last two; these are read again every time. So going on equals scanning everything.
//!
//! A line that stands in two logs counts in the one that is read first. Therefore nothing of a log is kept that is younger
//! than what is read again of a log before it, which may yet bring the same lines. Where it does all the same, since its
//! lines are not in the order of time, [`Progress::overtaken`] tells so, and what was kept is of no use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hashbrown::HashSet;

use super::ScanError;
use super::crew::{self, Part, Progress, Reached};
use super::input::{Input, Named};
use super::inputs;
use super::recognition::{begins_as, changed, name, path, recognized};
use super::role::{self, Role, Stems};
use super::rotation;
use super::row::File;
use super::saved::Saved;
use super::segment::Segment;
use super::stamp::DAY;
use super::tally;
use crate::evidence::{Span, Time};

/// How a scan goes on.
#[derive(Debug)]
pub(crate) struct Plan {
    /// For each input.
    pub(crate) roles: Vec<Role>,
    /// What will never be read again, and after it the rest.
    pub(crate) keep: Vec<Part>,
    pub(crate) rest: Vec<Part>,
    /// All files, by their number; those that are gone stand behind those of the inputs.
    pub(crate) files: Vec<File>,
}

/// Reads everything, from the beginning.
pub(crate) fn whole(inputs: &[Input], segment: Segment) -> (Plan, Progress) {
    let stems = Stems::of(inputs, &[]);
    let roles = role::roles(inputs, &stems, 0, false);
    let rest = (0..inputs.len())
        .flat_map(|input| crew::parts(inputs, input, 0))
        .collect();
    let plan = Plan {
        roles,
        keep: Vec::new(),
        rest,
        files: vec![File::default(); inputs.len()],
    };
    (plan, progress(segment, inputs, &stems))
}

fn progress(segment: Segment, inputs: &[Input], stems: &Stems) -> Progress {
    Progress {
        segment,
        reached: vec![Reached::default(); inputs.len()],
        known: vec![HashSet::new(); stems.len()],
        overtaken: None,
        errors: Vec::new(),
    }
}

/// Reads what is new since `saved`.
///
/// # Errors
/// Where the logs are no longer those that were read, or cannot be taken up again.
pub(crate) fn new_only(inputs: &[Input], saved: Saved) -> Result<(Plan, Progress), Vec<ScanError>> {
    let found = recognized(inputs, &saved.files);
    let errors = obstacles(inputs, &saved.files, &found);
    if !errors.is_empty() {
        return Err(errors);
    }
    let Saved { files, segment, .. } = saved;
    // Files that are gone keep their place before all others; those that are there take the place of their input.
    let gone: Vec<usize> = (0..files.len())
        .filter(|file| !found.contains(&Some(*file)))
        .collect();
    let first = u32::try_from(gone.len()).unwrap_or(u32::MAX);
    let mut numbers = vec![0; files.len()];
    for (number, &file) in (0..).zip(&gone) {
        numbers[file] = number;
    }
    for (number, file) in (first..).zip(&found) {
        if let Some(file) = file {
            numbers[*file] = number;
        }
    }
    let stems = Stems::of(inputs, &files);
    let mut plan = Plan {
        roles: role::roles(inputs, &stems, first, true),
        keep: Vec::new(),
        rest: Vec::new(),
        files: gone.iter().map(|&file| files[file].clone()).collect(),
    };
    let mut progress = progress(segment, inputs, &stems);
    progress
        .segment
        .renumber_files(|file| numbers.get(file as usize).copied().unwrap_or(0));
    for (number, input) in inputs.iter().enumerate() {
        let before = found[number].map(|file| &files[file]);
        plan.files.push(File {
            name: name(input),
            ..before.cloned().unwrap_or_default()
        });
        if let Some(file) = before {
            progress.reached[number] = reached(file);
        }
        plan.add(inputs, number, before, &progress.reached);
    }
    plan.add_twins(inputs, &stems, &found, &files, &mut progress)?;
    plan.order_twins();
    Ok((plan, progress))
}

/// Why a scan cannot go on behind an earlier one that has read these files; `found` tells which of them each input is.
fn obstacles(inputs: &[Input], files: &[File], found: &[Option<usize>]) -> Vec<ScanError> {
    let mut errors = Vec::new();
    for (number, input) in inputs.iter().enumerate() {
        let mut error = |why: String| errors.push(ScanError::input(&input.named, why));
        if input.is_stream() && input.named != Named::Journal {
            error(
                "a pipe or device cannot be taken up again where it was left; give files"
                    .to_owned(),
            );
        }
        if found[number].is_some() {
            continue;
        }
        // What begins alike and was not found again may be the same lines all the same, which would count twice.
        let alike = (0..files.len())
            .filter(|file| !found.contains(&Some(*file)))
            .map(|file| &files[file])
            .find(|file| begins_as(input, file));
        if let Some(file) = alike {
            let but = changed(input, file).unwrap_or_default();
            error(format!(
                "begins as {} did when it was read{but}; begin a new file for --resume",
                path(&file.name).display()
            ));
        }
        let later = (number + 1..inputs.len())
            .find(|&later| inputs[later].stem() == input.stem() && found[later].is_some());
        if let (Some(later), false) = (later, input.front.is_empty()) {
            error(format!(
                "is older than {}, and was not there when that was read; begin a new file for --resume",
                inputs[later].named
            ));
        }
    }
    errors
}

impl Plan {
    /// Plans the parts of one input.
    fn add(&mut self, inputs: &[Input], number: usize, before: Option<&File>, reached: &[Reached]) {
        let input = &inputs[number];
        if before.is_some_and(|file| file.finished) {
            return;
        }
        let start = match &input.named {
            Named::Journal => 0,
            Named::Path(_) | Named::Stdin => before.map_or(0, |file| file.bytes),
        };
        let mut parts = crew::parts(inputs, number, start);
        // The last line of a part is looked at together with the one behind it, which may still be in the making
        // where the next part is the last.
        let settled = if self.may_be_overtaken(inputs, number, reached) {
            0
        } else if inputs::is_finished(inputs, number) || input.named == Named::Journal {
            parts.len()
        } else {
            parts.len().saturating_sub(2)
        };
        self.rest.extend(parts.split_off(settled));
        self.keep.extend(parts);
    }

    /// Whether what is read again of a log before that of an input may yet bring lines that the input holds too,
    /// or whether an older part of its own log is read again, behind which it belongs.
    fn may_be_overtaken(&self, inputs: &[Input], number: usize, reached: &[Reached]) -> bool {
        let log = self.roles[number].log;
        let youngest = inputs::youngest(inputs, number);
        self.rest.iter().any(|part| {
            let other = &self.roles[part.input];
            if other.log == log {
                return part.input != number;
            }
            let oldest = match reached[part.input].last {
                Some(time) => time.order().0,
                None => inputs::oldest(&inputs[part.input]),
            };
            // What is empty gets only lines that are younger than all others.
            let is_empty = inputs[part.input].front.is_empty();
            other.twins.contains(&log) && !is_empty && oldest <= youngest
        })
    }

    /// Notes which twins a scan of everything reads later. Those of which no file is left it would not read at all.
    fn order_twins(&mut self) {
        let logs: Vec<usize> = self.roles.iter().map(|role| role.log).collect();
        let place = |log: usize| logs.iter().position(|one| *one == log);
        for role in &mut self.roles {
            let own = place(role.log);
            let twins = role.twins.iter().copied();
            role.later_twins = twins.filter(|twin| place(*twin) > own).collect();
        }
    }

    /// Whether the segment holds what can no longer be read anew.
    pub(crate) fn holds_gone_files(&self, inputs: &[Input]) -> bool {
        self.files.len() > inputs.len()
    }

    /// Looks after lines that may stand in two logs.
    ///
    /// # Errors
    /// Where what was read before did not reckon with that.
    fn add_twins(
        &mut self,
        inputs: &[Input],
        stems: &Stems,
        found: &[Option<usize>],
        files: &[File],
        progress: &mut Progress,
    ) -> Result<(), Vec<ScanError>> {
        let mut errors = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let present = found.iter().position(|one| *one == Some(number));
            let log = match present {
                Some(input) => self.roles[input].log,
                None => stems.number(&rotation::stem(&path(&file.name))),
            };
            progress.known[log].extend(file.hashes.iter().flatten());
            for (other, input) in inputs.iter().enumerate() {
                let before = found[other].map(|file| &files[file]);
                let unread = unread_span(input, before);
                let apart = self.roles[other].log == log
                    || input.front.is_empty()
                    || before.is_some_and(|file| file.finished)
                    || !overlap(unread, span(file.first, file.last));
                if apart {
                    continue;
                }
                if file.hashes.is_none() {
                    errors.push(ScanError::input(
                        &input.named,
                        format!(
                            "may hold lines of {}, which was read without it; begin a new file for --resume",
                            path(&file.name).display()
                        ),
                    ));
                } else if !self.roles[other].twins.contains(&log) {
                    self.roles[other].twins.push(log);
                }
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// From when to when each log reaches, those parts that are gone by now included.
    pub(crate) fn spans(&self, inputs: &[Input], reached: &[Reached]) -> Vec<Span> {
        let gone = self.files.len().saturating_sub(inputs.len());
        let gone = self.files.iter().take(gone);
        let gone = gone.map(|file| (rotation::stem(&path(&file.name)), file.first, file.last));
        let there = inputs.iter().zip(reached).map(|(input, reached)| {
            let log = rotation::stem(input.named.shown());
            (log, input.time(input.head.first), reached.last)
        });
        let mut spans: BTreeMap<PathBuf, (Option<Time>, Option<Time>)> = BTreeMap::new();
        for (log, first, last) in gone.chain(there) {
            let span = spans.entry(log).or_default();
            *span = (tally::earlier(span.0, first), tally::later(span.1, last));
        }
        let span = |(log, (first, last)): (PathBuf, _)| Span {
            log: log.into(),
            first,
            last,
        };
        spans.into_iter().map(span).collect()
    }

    /// The names of all files, by their number.
    pub(crate) fn names(&self, inputs: &[Input]) -> Vec<PathBuf> {
        let gone = self.files.len().saturating_sub(inputs.len());
        let gone = self.files.iter().take(gone).map(|file| path(&file.name));
        let there = inputs.iter().map(|input| input.named.shown().to_path_buf());
        gone.chain(there).collect()
    }
}

/// How far an earlier scan had read a file.
fn reached(file: &File) -> Reached {
    Reached {
        bytes: file.bytes,
        lines: file.lines,
        whole: file.finished,
        cursor: file.cursor.clone(),
        last: file.last,
        hashes: file.hashes.clone().unwrap_or_default(),
    }
}

/// When the lines were written that are not read yet.
fn unread_span(input: &Input, before: Option<&File>) -> (i64, i64) {
    let (first, last) = input.span();
    match before.and_then(|file| file.last) {
        Some(time) => (time.order().0, last),
        None => (first, last),
    }
}

pub(crate) fn span(first: Option<Time>, last: Option<Time>) -> (i64, i64) {
    (
        first.map_or(i64::MIN, |time| time.order().0),
        last.map_or(i64::MAX, |time| time.order().0),
    )
}

/// Whether two stretches of time touch, with a day to spare.
fn overlap(a: (i64, i64), b: (i64, i64)) -> bool {
    a.0.saturating_sub(DAY) <= b.1 && b.0.saturating_sub(DAY) <= a.1
}
