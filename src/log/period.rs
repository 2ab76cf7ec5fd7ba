//! A period: the time that is asked for. Logins outside of it are not counted.

use jiff::fmt::temporal::Pieces;

use super::stamp::{DAY, days};
use crate::evidence::Time;

/// One end of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A time; without a zone it is on the log's own clock face.
    At(Time),
    /// So many seconds before the last line of the log.
    BeforeLast(i64),
}

impl Bound {
    /// `2026-03-01`, `2026-03-01T08:00`, the same with a zone, or `14d`: from then on.
    ///
    /// # Errors
    /// Says what can be written.
    pub fn since(text: &str) -> Result<Self, String> {
        Self::parse(text, 0, 0)
    }

    /// The same: up to then. A day is meant to its end, and a time with its second, for that is what is told of a line.
    ///
    /// # Errors
    /// Says what can be written.
    pub fn until(text: &str) -> Result<Self, String> {
        Self::parse(text, DAY, 1)
    }

    /// A day without a time of day is meant `into_day` seconds after its beginning, and a time `after` seconds later; a span is exact, so that
    /// two periods can follow each other.
    fn parse(text: &str, into_day: i64, after: i64) -> Result<Self, String> {
        if let Some(seconds) = seconds(text) {
            return Ok(Self::BeforeLast(seconds));
        }
        if let Ok(time) = text.parse::<Time>() {
            let clock = time.clock + after;
            return Ok(Self::At(Time { clock, ..time }));
        }
        let date = Pieces::parse(text)
            .map_err(|_| "not a date (2026-03-01), a time (2026-03-01T08:00:00+01:00), or a span back from the last line (14d, 36h, 2w)")?
            .date();
        let day = days(
            i32::from(date.year()),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        );
        Ok(Self::At(Time {
            clock: day * DAY + into_day,
            offset: None,
        }))
    }

    /// When that is, by the last line of the log; none where no line has a time.
    pub(crate) fn time(self, last: Option<Time>) -> Option<Time> {
        match self {
            Self::At(time) => Some(time),
            Self::BeforeLast(seconds) => last.map(|last| Time {
                clock: last.clock.saturating_sub(seconds),
                ..last
            }),
        }
    }
}

/// `36h`, `14d` or `2w`, in seconds.
fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "h" => 3600,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    number
        .parse::<u32>()
        .ok()
        .map(|number| i64::from(number) * unit)
}

/// The time that is asked for; either end may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Period {
    /// The first moment.
    pub(crate) since: Option<Time>,
    /// The first moment after it.
    pub(crate) until: Option<Time>,
}

impl Period {
    /// Whether two moments both lie in it, or on the same side of it.
    pub(crate) fn holds_alike(self, a: Option<Time>, b: Option<Time>) -> bool {
        let before = |time: Option<Time>| {
            time.is_some_and(|time| self.since.is_some_and(|since| time.is_before(since)))
        };
        before(a) == before(b) && self.holds(a) == self.holds(b)
    }

    /// Whether a time lies in it; one that is not known does.
    pub(crate) fn holds(self, time: Option<Time>) -> bool {
        time.is_none_or(|time| {
            self.since.is_none_or(|since| !time.is_before(since))
                && self.until.is_none_or(|until| time.is_before(until))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_days_times_or_spans() {
        let last = "2026-03-20T12:00:00+01:00".parse().ok();
        let shown = |bound: Result<Bound, String>| match bound {
            Ok(bound) => bound
                .time(last)
                .map_or("none".to_owned(), |time| time.to_string()),
            Err(error) => error,
        };
        for (text, since, until) in [
            ("2026-03-01", "2026-03-01T00:00:00", "2026-03-02T00:00:00"),
            (
                "2026-03-01T08:00",
                "2026-03-01T08:00:00",
                "2026-03-01T08:00:01",
            ),
            (
                "2026-03-01 08:00:00",
                "2026-03-01T08:00:00",
                "2026-03-01T08:00:01",
            ),
            (
                "2026-03-01T08:00:00Z",
                "2026-03-01T08:00:00Z",
                "2026-03-01T08:00:01Z",
            ),
            (
                "14d",
                "2026-03-06T12:00:00+01:00",
                "2026-03-06T12:00:00+01:00",
            ),
            (
                "2w",
                "2026-03-06T12:00:00+01:00",
                "2026-03-06T12:00:00+01:00",
            ),
            (
                "36h",
                "2026-03-19T00:00:00+01:00",
                "2026-03-19T00:00:00+01:00",
            ),
        ] {
            assert_eq!(shown(Bound::since(text)), since);
            assert_eq!(shown(Bound::until(text)), until);
        }
        for text in ["", "d", "yesterday", "-3d", "2026-13-01", "3ä"] {
            assert!(
                shown(Bound::since(text)).starts_with("not a date"),
                "{text}"
            );
        }
    }
}
