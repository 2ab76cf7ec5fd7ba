//! A reach: the time of which lines show that TLS was logged, and what of a row falls into it.
//!
//! Somebody who sets smtpd_tls_loglevel because the log does not tell has an older log that does not tell. A row knows its days
//! and how many logins came in which hour of the week, not when each was; so where it goes beyond the reach, as many count within
//! as are certain to have been.

use super::cell::Cell;
use super::services::Habits;
use super::stamp::DAY;
use super::tally::Position;
use crate::evidence::Time;
use crate::rhythm::{Rhythm, hour_of_week};

/// When a service logged TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach {
    /// What is silent is judged by something else, or has no times.
    Always,
    /// From the day before the first line that shows it on: by the configuration it is still so.
    Since(Time),
    /// The same to the day behind the last line.
    Between(Time, Time),
}

impl Reach {
    /// By what lines show, and the configuration.
    pub(crate) fn of(habits: &Habits, still: bool) -> Self {
        match (habits.tls_first, habits.tls_last) {
            (Some(first), Some(_)) if still => Self::Since(first),
            (Some(first), Some(last)) => Self::Between(first, last),
            (None, _) | (_, None) => Self::Always,
        }
    }

    /// In words, where it has a beginning.
    pub(crate) fn when(self) -> Option<String> {
        match self {
            Self::Always => None,
            Self::Since(from) => Some(format!("from {} on", from.day())),
            Self::Between(from, to) => Some(format!("from {} to {}", from.day(), to.day())),
        }
    }

    /// Whether it was so for all that came between two moments.
    pub(crate) fn holds(self, first: Time, last: Time) -> bool {
        self.has(day(first)) && self.has(day(last))
    }

    fn has(self, one: i64) -> bool {
        match self {
            Self::Always => true,
            Self::Since(from) => one >= day(from) - 1,
            Self::Between(from, to) => (day(from) - 1..=day(to) + 1).contains(&one),
        }
    }

    /// Leaves in a row what is certain to be within. Gives the rest; none where all or nothing is.
    pub(crate) fn rest_of(self, row: &mut Cell) -> Option<Cell> {
        let (first, last) = (row.first?, row.last?);
        if self.holds(first, last) {
            return None;
        }
        let (hours, minutes, days) = row.rhythm.parts();
        let (within, beyond): (Vec<i64>, Vec<i64>) =
            days.into_iter().partition(|day| self.has(*day));
        if within.is_empty() || beyond.is_empty() {
            return None;
        }
        let on = |days: &[i64], weekday: u8| {
            let are = days.iter();
            are.filter(|day| hour_of_week(**day * DAY) / 24 == weekday)
                .count() as u64
        };
        let mut logins = 0;
        let (mut hours_within, mut hours_beyond) = (Vec::new(), Vec::new());
        for weekday in 0..7 {
            let hours = hours.iter().filter(|(hour, _)| hour / 24 == weekday);
            if on(&beyond, weekday) == 0 {
                logins += hours
                    .clone()
                    .map(|(_, count)| u64::from(*count))
                    .sum::<u64>();
                hours_within.extend(hours);
            } else {
                // Of days of one name only that there was a login on each is known.
                logins += on(&within, weekday);
                hours_beyond.extend(hours);
            }
        }
        let mut rest = row.clone();
        (row.count, rest.count) = (logins.min(row.count), row.count.saturating_sub(logins));
        row.rhythm = Rhythm::of_parts(&hours_within, &minutes, &within);
        rest.rhythm = Rhythm::of_parts(&hours_beyond, &minutes, &beyond);
        keep(row, &within);
        keep(&mut rest, &beyond);
        (rest.count > 0).then_some(rest)
    }
}

/// The day since 1970-01-01, on the log's own clock face.
fn day(time: Time) -> i64 {
    time.clock.div_euclid(DAY)
}

/// Keeps of a row only what is of these days. Where nothing tells the time of a day, it is that of its beginning or its end.
fn keep(row: &mut Cell, days: &[i64]) {
    let is_kept = |time: &Time| days.contains(&day(*time));
    if !row.first.as_ref().is_some_and(is_kept) {
        let day = days.first().map_or(0, |day| day * DAY);
        row.first = row.first.map(|time| Time { clock: day, ..time });
        // The example is the first line.
        row.example = Position::UNKNOWN;
    }
    if !row.last.as_ref().is_some_and(is_kept) {
        let day = days.last().map_or(0, |day| day * DAY + DAY - 1);
        row.last = row.last.map(|time| Time { clock: day, ..time });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::names::Name;

    const MONDAY: i64 = 20_780;

    fn at(day: i64) -> Time {
        Time {
            clock: (MONDAY + day) * DAY + 12 * 3600,
            offset: None,
        }
    }

    /// A row of so many logins on each of these days.
    fn row(days: &[i64], each: u32) -> Cell {
        let mut row = Cell::new(Name::NONE, Name::NONE, Position { file: 0, line: 7 });
        for day in days {
            row.count += u64::from(each);
            row.rhythm.add(at(*day).clock, each);
        }
        row.first = days.first().map(|day| at(*day));
        row.last = days.last().map(|day| at(*day));
        row
    }

    #[test]
    fn what_is_certain_is_within() {
        let reach = Reach::Between(at(10), at(20));
        for (days, within, rest) in [
            (&[10, 12, 20][..], 9, None),
            (&[9, 21], 6, None),
            // All of it is beyond, and `holds` says so.
            (&[1, 2], 6, None),
            (&[1, 30], 6, None),
            // Other weekdays: all logins.
            (&[1, 8, 10], 3, Some(6)),
            (&[1, 10, 11], 6, Some(3)),
            // The same weekdays: one a day.
            (&[3, 10, 11], 4, Some(5)),
            (&[12, 19, 26], 2, Some(7)),
        ] {
            let mut row = row(days, 3);
            let found = reach.rest_of(&mut row);
            assert_eq!(row.count, within, "{days:?}");
            assert_eq!(found.map(|rest| rest.count), rest, "{days:?}");
        }
    }

    #[test]
    fn each_part_keeps_its_days() {
        let reach = Reach::Between(at(10), at(20));
        let mut row = row(&[1, 12, 13], 1);
        let rest = reach.rest_of(&mut row).expect("one day is beyond");
        assert_eq!(row.first.map(|time| time.clock), Some((MONDAY + 12) * DAY));
        assert_eq!(row.last, Some(at(13)));
        assert_eq!(row.example, Position::UNKNOWN);
        assert_eq!(rest.first, Some(at(1)));
        assert_eq!(
            rest.last.map(|time| time.clock),
            Some((MONDAY + 2) * DAY - 1)
        );
        assert_eq!(rest.example.line, 7);
        assert!(
            row.first
                .zip(row.last)
                .is_some_and(|(first, last)| reach.holds(first, last))
        );
        let days: Vec<i64> = rest.rhythm.days().collect();
        assert_eq!(days, [MONDAY + 1]);
    }
}
