//! The calendar of a file: which year a stamp without one belongs to, and which zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::stamp::{DAY, Stamp, days, from_unix, year_of};
use crate::evidence::Time;

/// How the stamps of one file become times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendar {
    /// A moment, on the log's clock face, before which or on whose day the last line was written.
    latest: Option<i64>,
    /// The zone of stamps that have none.
    zone: Option<TimeZone>,
}

impl Calendar {
    /// The calendar of a file whose last line is not younger than `latest`.
    pub(crate) const fn new(latest: Option<i64>, zone: Option<TimeZone>) -> Self {
        Self { latest, zone }
    }

    /// The time of a stamp; none where nothing tells its year.
    pub(crate) fn time(&self, stamp: &Stamp) -> Option<Time> {
        let year = match stamp.year {
            Some(year) => year,
            None => self.year(stamp)?,
        };
        let clock = stamp.clock(year);
        let offset = stamp.offset.or_else(|| self.offset(clock));
        Some(Time { clock, offset })
    }

    /// The newest year in which the stamp is not younger than `latest`; a day is granted for zones.
    fn year(&self, stamp: &Stamp) -> Option<i32> {
        let latest = self.latest?;
        let year = year_of(latest.div_euclid(DAY));
        let into_year = latest - days(year, 1, 1) * DAY;
        let next = stamp.clock(year + 1) <= latest + DAY;
        Some(if next {
            year + 1
        } else if stamp.clock(year) - days(year, 1, 1) * DAY <= into_year + DAY {
            year
        } else {
            year - 1
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::stamp;

    #[test]
    fn a_year_is_found_backwards_from_the_latest_moment() {
        let latest = days(2026, 1, 10) * DAY;
        let calendar = Calendar::new(Some(latest), None);
        for (text, year) in [
            ("Jan 10 08:00:00", 2026),
            ("Jan  1 00:00:00", 2026),
            ("Dec 31 23:59:59", 2025),
            ("Jan 12 08:00:00", 2025),
        ] {
            let (stamp, _) = stamp::cut(text.as_bytes()).expect("a stamp");
            let time = calendar.time(&stamp).expect("a time");
            assert_eq!(year_of(time.clock.div_euclid(DAY)), year, "{text}");
        }
        let new_years_eve = Calendar::new(Some(days(2026, 1, 1) * DAY - 60), None);
        let (stamp, _) = stamp::cut(b"Jan  1 00:30:00").expect("a stamp");
        let time = new_years_eve.time(&stamp).expect("a time");
        assert_eq!(
            time.clock,
            days(2026, 1, 1) * DAY + 1800,
            "the log's zone may be ahead"
        );
    }

    #[test]
    fn a_zone_gives_the_offset_of_the_season() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let calendar = Calendar::new(Some(days(2026, 8, 1) * DAY), Some(zone));
        let (stamp, _) = stamp::cut(b"Jul  1 12:00:00").expect("a stamp");
        assert_eq!(
            calendar.time(&stamp).and_then(|time| time.offset),
            Some(7200)
        );
    }
}
