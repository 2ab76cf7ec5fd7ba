//! The calendar of a file: which year a stamp without one belongs to, and which zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::stamp::{DAY, Stamp, from_unix, year_of};
use crate::evidence::Time;

/// How the stamps of one file become times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendar {
    /// What is known of the year of stamps that have none.
    pub(crate) year: Year,
    /// The zone of stamps that have none.
    pub(crate) zone: Option<TimeZone>,
}

/// What is known of the year of a file's lines. A file is taken to span less than a year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Year {
    /// Nothing.
    #[default]
    Unknown,
    /// No line is older than this moment on the log's clock face.
    From(i64),
    /// No line is younger.
    UpTo(i64),
}

impl Calendar {
    /// The time of a stamp; none where nothing tells its year.
    pub(crate) fn time(&self, stamp: &Stamp) -> Option<Time> {
        let year = match stamp.year {
            Some(year) => year,
            None => self.year.of(stamp)?,
        };
        let clock = stamp.clock(year);
        let offset = stamp.offset.or_else(|| self.offset(clock));
        Some(Time { clock, offset })
    }
    fn offset(&self, clock: i64) -> Option<i32> {
        let zone = self.zone.as_ref()?;
        let face = from_unix(clock)?;
        let hour = i8::try_from(face.second / 3600).ok()?;
        let minute = i8::try_from(face.second / 60 % 60).ok()?;
        let second = i8::try_from(face.second % 60).ok()?;
        let civil = DateTime::new(
            i16::try_from(face.year?).ok()?,
            i8::try_from(face.month).ok()?,
            i8::try_from(face.day).ok()?,
            hour,
            minute,
            second,
            0,
        )
        .ok()?;
        let zoned = zone.to_ambiguous_zoned_datetime(civil).compatible().ok()?;
        Some(zoned.offset().seconds())
    }
}

impl Year {
    /// The year of a stamp; a day is granted for zones and for clocks that were set.
    fn of(self, stamp: &Stamp) -> Option<i32> {
        match self {
            Self::Unknown => None,
            Self::UpTo(latest) => {
                let year = year_of((latest + DAY).div_euclid(DAY));
                let fits = stamp.clock(year) <= latest + DAY;
                Some(if fits { year } else { year - 1 })
            }
            Self::From(earliest) => {
                let year = year_of((earliest - DAY).div_euclid(DAY));
                let fits = stamp.clock(year) >= earliest - DAY;
                Some(if fits { year } else { year + 1 })
            }
        }
    }
}

impl Year {
    /// The same, of a file whose first and last line have these stamps: its lines follow each other, and span less than a year.
    ///
    /// The time of a file that was copied is long after its last line, so that the same days of the next year seem to fit too.
    pub(crate) fn narrowed(self, first: Option<Stamp>, last: Option<Stamp>) -> Self {
        let (Self::UpTo(latest), Some(first), Some(last)) = (self, first, last) else {
            return self;
        };
        let Some(year) = self.of(&last) else {
            return self;
        };
        if first.year.or(last.year).is_some() {
            return self;
        }
        let (start, end) = (first.clock(year), last.clock(year));
        let start = if start <= end + DAY {
            start
        } else if start > latest + DAY || start > end + 180 * DAY {
            first.clock(year - 1)
        } else {
            // Somebody has put a younger log before an older one.
            return self;
        };
        Self::UpTo(latest.min(end.max(start + 363 * DAY)))
    }
}

/// The moment, in seconds since 1970, at which Dovecot made a session id that stands in a line with this stamp.
///
/// The id is Base64 of the low 48 bits of the time in microseconds, little-endian, then port and address
/// (login-common/client-common.c `client_get_session_id`, 2.1 and later). It repeats after 3257 days,
/// and those are never near the same day of another year, so that the stamp picks the one that is meant.
pub(crate) fn of_session_id(id: &[u8], stamp: &Stamp) -> Option<i64> {
    let mut bits: u64 = 0;
    for byte in id.get(..8)? {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u64::from(value);
    }
    let micros = (bits << 16).swap_bytes();
    // Between 2010, when Dovecot 2.1 was written, and 2100.
    (0..16).find_map(|wraps: u64| {
        let seconds = i64::try_from((micros + (wraps << 48)) / 1_000_000).ok()?;
        let year = year_of(seconds.div_euclid(DAY));
        let near =
            (year - 1..=year + 1).any(|year| (stamp.clock(year) - seconds).abs() <= DAY + 2 * 3600);
        ((2010..2100).contains(&year) && near).then_some(seconds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::stamp::{self, days};

    #[test]
    fn a_year_is_found_backwards_from_the_latest_moment() {
        let calendar = Calendar {
            year: Year::UpTo(days(2026, 1, 10) * DAY),
            zone: None,
        };
        for (text, year) in [
            ("Jan 10 08:00:00", 2026),
            ("Jan  1 00:00:00", 2026),
            ("Dec 31 23:59:59", 2025),
            ("Jan 12 08:00:00", 2025),
        ] {
            assert_eq!(year_in(&calendar, text), year, "{text}");
        }
        let new_years_eve = Calendar {
            year: Year::UpTo(days(2026, 1, 1) * DAY - 60),
            zone: None,
        };
        assert_eq!(
            year_in(&new_years_eve, "Jan  1 00:30:00"),
            2026,
            "the log's zone may be ahead"
        );
        let from = Calendar {
            year: Year::From(days(2025, 11, 20) * DAY),
            zone: None,
        };
        for (text, year) in [("Nov 20 08:00:00", 2025), ("Jan  1 00:00:00", 2026)] {
            assert_eq!(year_in(&from, text), year, "{text}");
        }
    }

    #[test]
    fn the_ends_of_a_file_tell_the_new_year_and_that_it_was_copied() {
        let stamp = |text: &str| stamp::cut(text.as_bytes()).map(|(stamp, _)| stamp);
        let end_of_2026 = Year::UpTo(days(2026, 12, 31) * DAY - 1);
        let in_autumn = Year::UpTo(days(2026, 11, 24) * DAY);
        for (year, first, last, text, expected) in [
            (end_of_2026, "Dec 30", "Jan  2", "Dec 30", 2025),
            (end_of_2026, "Dec 30", "Jan  2", "Jan  2", 2026),
            (end_of_2026, "Jan  2", "Dec 30", "Jan  2", 2026),
            (end_of_2026, "Jan  2", "Dec 30", "Dec 30", 2026),
            // A week that was copied in the middle of the same week of the next year.
            (in_autumn, "Nov 20", "Nov 30", "Nov 20", 2025),
            (in_autumn, "Nov 20", "Nov 30", "Nov 30", 2025),
            (in_autumn, "Nov 20", "Nov 23", "Nov 20", 2026),
            // Nearly a year.
            (in_autumn, "Nov 30", "Nov 20", "Nov 30", 2025),
            (in_autumn, "Nov 30", "Nov 20", "Mar  1", 2026),
            // Two logs, the younger one first.
            (in_autumn, "Nov 10", "Oct 31", "Nov 14", 2026),
        ] {
            let ends = [first, last].map(|day| stamp(&format!("{day} 12:00:00")));
            let calendar = Calendar {
                year: year.narrowed(ends[0], ends[1]),
                zone: None,
            };
            let text = format!("{text} 12:00:00");
            assert_eq!(year_in(&calendar, &text), expected, "{first} {last} {text}");
        }
    }

    fn year_in(calendar: &Calendar, text: &str) -> i32 {
        let (stamp, _) = stamp::cut(text.as_bytes()).expect("a stamp");
        let time = calendar.time(&stamp).expect("a time");
        year_of(time.clock.div_euclid(DAY))
    }

    #[test]
    fn a_session_id_tells_the_year() {
        // From a line that Dovecot 2.3.19.1 wrote at 2026-11-24T03:26:47Z.
        let (stamp, _) = stamp::cut(b"Nov 24 03:26:47").expect("a stamp");
        let moment = of_session_id(b"1jDER/1g45XAAAIK", &stamp).expect("a moment");
        assert_eq!(moment.div_euclid(DAY), days(2026, 11, 24));
        let (other, _) = stamp::cut(b"Nov 28 03:26:47").expect("a stamp");
        assert_eq!(of_session_id(b"1jDER/1g45XAAAIK", &other), None);
        assert_eq!(of_session_id(b"hostile", &stamp), None);
    }

    #[test]
    fn a_zone_gives_the_offset_of_the_season() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let calendar = Calendar {
            year: Year::UpTo(days(2026, 8, 1) * DAY),
            zone: Some(zone),
        };
        let (stamp, _) = stamp::cut(b"Jul  1 12:00:00").expect("a stamp");
        assert_eq!(
            calendar.time(&stamp).and_then(|time| time.offset),
            Some(7200)
        );
    }
}
