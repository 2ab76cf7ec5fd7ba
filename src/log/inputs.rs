//! Inputs: all that one scan reads, seen together: which years they are of, which time is asked for, what they repeat.

use std::path::PathBuf;

use super::calendar::{Calendar, Year};
use super::input::{FRONT, Input};
use super::period::{Bound, Period};
use super::rotation;
use super::stamp::{self, DAY};
use super::tally;
use super::unpack::Packing;
use super::{Options, ScanError};

/// Takes out each input that is a copy of another part of the same log, as there are while logrotate packs or copies one,
/// and says so.
pub(crate) fn leave_out_copies(inputs: &mut Vec<Input>) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut number = 0;
    while number < inputs.len() {
        let copied = (0..inputs.len())
            .find(|other| *other != number && is_copy(&inputs[number], &inputs[*other]));
        match copied {
            Some(other) => {
                warnings.push(format!(
                    "{}: left out, since it begins as {} does",
                    inputs[number].named, inputs[other].named
                ));
                inputs.remove(number);
            }
            None => number += 1,
        }
    }
    warnings
}

/// Whether the lines of an input stand in another part of its log too, as far as both begin.
fn is_copy(input: &Input, other: &Input) -> bool {
    let (part, other_part) = (
        rotation::stem_and_age(input.named.shown()),
        rotation::stem_and_age(other.named.shown()),
    );
    if input.is_stream() || other.is_stream() || part.0 != other_part.0 {
        return false;
    }
    let plain = |input: &Input| input.packing == Packing::None;
    if part == other_part {
        // The one that is being packed, and of what is packed twice the first.
        return !plain(input)
            && (plain(other) || input.named > other.named)
            && other.front.starts_with(&input.front);
    }
    // Files of few lines may well begin alike; rotation with copytruncate first makes a copy of all.
    plain(input)
        && plain(other)
        && input.front.len() == FRONT
        && input.front == other.front
        && (input.size, &part.1) < (other.size, &other_part.1)
        && input.goes_on_as(other)
}

/// Gives every input its calendar. They are one after the other in time only within one rotated log,
/// so a younger neighbour bounds a file's years only there.
pub(crate) fn set_calendars(inputs: &mut [Input], options: &Options) {
    let mut younger: Option<(PathBuf, i64)> = None;
    for input in inputs.iter_mut().rev() {
        let log = input.stem();
        let neighbour = younger
            .filter(|(stem, _)| *stem == log)
            .map(|(_, first)| first);
        let named = rotation::day_in_name(input.named.shown());
        // From what is written in the log to what only lies beside it: the time of the file is the last resort,
        // since copying a file changes it.
        input.calendar = Calendar {
            zone: options.timezone.clone(),
            year: if let Some(year) = options.year {
                let next = stamp::days(i32::from(year) + 1, 1, 1) * DAY;
                Year::UpTo(neighbour.unwrap_or(next - DAY - 1))
            } else if let Some(proven) = input.head.proven {
                Year::From(proven)
            } else if let Some(latest) = neighbour.into_iter().chain(named).min() {
                Year::UpTo(latest)
            } else if let Some(latest) = input.modified {
                Year::UpTo(latest)
            } else {
                Year::Unknown
            }
            .narrowed(input.head.first, input.last_stamp()),
        };
        let first = input.time(input.head.first).map(|time| time.clock);
        younger = first.map(|first| (log, first));
    }
}

/// What is to be said of inputs before they are read.
pub(crate) fn warnings(inputs: &[Input]) -> Vec<String> {
    let undated = inputs.iter().filter(|input| {
        input.head.first.is_some_and(|stamp| stamp.year.is_none())
            && input.calendar.year == Year::Unknown
    });
    undated
        .map(|input| {
            format!(
                "{}: nothing tells the year of its time stamps; --year does",
                input.named
            )
        })
        .collect()
}

/// The period that is asked for.
///
/// # Errors
/// Names an input whose last line cannot be known before it is read, where the period depends on it.
pub(crate) fn period(inputs: &[Input], options: &Options) -> Result<Period, Vec<ScanError>> {
    let bounds = [options.since, options.until];
    let mut last = None;
    if bounds
        .iter()
        .any(|bound| matches!(bound, Some(Bound::BeforeLast(_))))
    {
        for input in inputs {
            let time = input
                .last_time()
                .map_err(|why| vec![ScanError::input(&input.named, why)])?;
            last = tally::later(last, time);
        }
        if let (None, Some(input)) = (last, inputs.first()) {
            return Err(vec![ScanError::input(
                &input.named,
                "no line has a time from which a span could be counted back; give a date, or the --year",
            )]);
        }
    }
    let [since, until] = bounds.map(|bound| bound.and_then(|bound| bound.time(last)));
    Ok(Period { since, until })
}

/// Whether two inputs may hold the same lines: now, or, where what they get `later` counts as well, some day.
///
/// Parts of one rotated log follow each other; other inputs may be copies of each other's lines, such as `mail.info`
/// beside `mail.log`. Their lines are compared by hashes, which takes memory, so only where they must be.
pub(crate) fn may_repeat(inputs: &[Input], a: usize, b: usize, later: bool) -> bool {
    let span = |number: usize| match inputs[number].span() {
        (first, _) if later && !is_finished(inputs, number) => (first, i64::MAX),
        span => span,
    };
    let (first, second) = (span(a), span(b));
    inputs[a].stem() != inputs[b].stem()
        && first.0 <= second.1
        && second.0 <= first.1
        && inputs[a].head.form == inputs[b].head.form
}

/// The time of the first line of an input, as far as it is known.
pub(crate) fn oldest(input: &Input) -> i64 {
    let first = input.time(input.head.first);
    first.map_or(i64::MIN, |time| time.order().0)
}

/// The time after which no line of an input was written, as far as its end or the next part of its log tells.
pub(crate) fn youngest(inputs: &[Input], number: usize) -> i64 {
    let input = &inputs[number];
    let next = || {
        let mut younger = inputs[number + 1..].iter();
        let next = younger.find(|one| one.stem() == input.stem() && !one.front.is_empty());
        next.and_then(|next| next.time(next.head.first))
    };
    let last = input.time(input.last_stamp()).or_else(next);
    last.map_or(i64::MAX, |time| time.order().0)
}

/// Whether nothing will be written to an input any more: it is packed, or a younger part of its log has begun.
pub(crate) fn is_finished(inputs: &[Input], number: usize) -> bool {
    let input = &inputs[number];
    !input.is_stream()
        && (input.packing != Packing::None
            || inputs[number + 1..]
                .iter()
                .any(|younger| younger.stem() == input.stem() && !younger.front.is_empty()))
}
