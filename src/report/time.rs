//! Times as RFC 3339 has them, with a zone where the log gives one.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, tz};

use crate::evidence::Time;

/// `2026-10-30T08:52:45`, with `+01:00` or `Z` behind it where the zone is known.
pub fn format_time(time: Time) -> String {
    let clock = clock_face(time.clock);
    match time.offset {
        None => format!("{}", clock.strftime("%Y-%m-%dT%H:%M:%S")),
        Some(0) => format!("{}Z", clock.strftime("%Y-%m-%dT%H:%M:%S")),
        Some(offset) => {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.unsigned_abs() / 60;
            format!(
                "{}{sign}{:02}:{:02}",
                clock.strftime("%Y-%m-%dT%H:%M:%S"),
                minutes / 60,
                minutes % 60
            )
        }
    }
}

/// `2026-10-30`.
pub(super) fn format_day(time: Time) -> String {
    clock_face(time.clock).strftime("%Y-%m-%d").to_string()
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
        ] {
            assert_eq!(format_time(Time { clock, offset }), text);
        }
        let never = Time {
            clock: i64::MAX,
            offset: None,
        };
        assert!(format_time(never).starts_with("9999-12-30"));
    }
}
