//! A time: when a line was written, as far as the log says.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use jiff::{SignedDuration, Timestamp, tz};

/// When a line was written, as far as the log says.
///
/// It is shown as RFC 3339 has it: `2026-10-30T08:52:45`, with `+01:00` or `Z` behind it where the zone is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00 on the log's own clock face (not shifted to UTC).
    pub clock: i64,
    /// The zone's offset from UTC in seconds, where the log or `--timezone` gives one.
    pub offset: Option<i32>,
}

impl Time {
    /// By what times are ordered: the moment, then the clock face and whether the zone is known, so that no two are alike and it
    /// does not matter which comes first. A time without a zone is taken as if it were in UTC.
    pub(crate) fn order(self) -> (i64, i64, bool) {
        let moment = self.clock - i64::from(self.offset.unwrap_or(0));
        (moment, self.clock, self.offset.is_some())
    }

    /// Whether it is before another: by the moment where both have a zone, else by the clock face.
    pub(crate) fn is_before(self, other: Self) -> bool {
        match (self.offset, other.offset) {
            (Some(_), Some(_)) => self.order().0 < other.order().0,
            (Some(_) | None, _) => self.clock < other.clock,
        }
    }

    /// `2026-10-30`.
    pub fn day(self) -> String {
        clock_face(self.clock).strftime("%Y-%m-%d").to_string()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = clock_face(self.clock);
        write!(f, "{}", clock.strftime("%Y-%m-%dT%H:%M:%S"))?;
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let seconds = offset.unsigned_abs();
                let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
                write!(f, "{sign}{hours:02}:{minutes:02}")?;
                // Only clocks that ran by the sun, more than a century ago, were off by seconds.
                match seconds % 60 {
                    0 => Ok(()),
                    seconds => write!(f, ":{seconds:02}"),
                }
            }
        }
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pieces = Pieces::parse(text).map_err(|error| error.to_string())?;
        let time = pieces.time().ok_or("the time of day is missing")?;
        let clock = tz::Offset::UTC
            .to_timestamp(DateTime::from_parts(pieces.date(), time))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            clock: clock.as_second(),
            offset: pieces.to_numeric_offset().map(|offset| offset.seconds()),
        })
    }
}

/// Times outside of what a calendar can hold are shown as the calendar's nearest end.
fn clock_face(seconds: i64) -> DateTime {
    let timestamp =
        Timestamp::from_duration(SignedDuration::from_secs(seconds)).unwrap_or(if seconds < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
    tz::Offset::UTC.to_datetime(timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_said_only_where_known() {
        let clock = 1_793_350_365;
        for (offset, text) in [
            (None, "2026-10-30T08:52:45"),
            (Some(0), "2026-10-30T08:52:45Z"),
            (Some(3600), "2026-10-30T08:52:45+01:00"),
            (Some(-12600), "2026-10-30T08:52:45-03:30"),
            (Some(3208), "2026-10-30T08:52:45+00:53:28"),
        ] {
            let time = Time { clock, offset };
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse(), Ok(time));
        }
        let never = Time {
            clock: i64::MAX,
            offset: None,
        };
        assert!(never.to_string().starts_with("9999-12-30"));
        assert!("2026-10-30".parse::<Time>().is_err());
    }

    #[test]
    fn no_two_times_are_alike_in_their_order() {
        let unknown = Time {
            clock: 0,
            offset: None,
        };
        let known = Time {
            offset: Some(0),
            ..unknown
        };
        assert!(unknown.order() < known.order());
    }

    #[test]
    fn moments_are_compared_where_both_are_known() {
        let time = |text: &str| text.parse::<Time>().expect("a time");
        let ten = time("2026-10-30T10:00:00+02:00");
        assert!(ten.is_before(time("2026-10-30T09:00:00Z")));
        assert!(!ten.is_before(time("2026-10-30T08:00:00Z")));
        assert!(!ten.is_before(time("2026-10-30T09:00:00")));
    }
}
