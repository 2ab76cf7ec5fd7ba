//! A clock: the times of the lines of one file, of which most are of the same second, or at least the same day, as the line before.

use super::calendar::Calendar;
use super::stamp::{self, DAY, Stamp};
use crate::evidence::Time;

/// Tells the times of lines.
#[derive(Debug)]
pub(crate) struct Clock<'a> {
    calendar: &'a Calendar,
    /// The last stamp, and its time.
    stamp: Vec<u8>,
    time: Option<Time>,
    /// How the last stamp is made, where others of its day can be told by it.
    shape: Option<Shape>,
}

/// `DATE hh:mm:ss.FRACTION ZONE`: of two stamps with the same date and zone only the time of day differs.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Where the time of day begins, and where the fraction of the second ends; it may be empty.
    day: usize,
    fraction: usize,
    /// The time at which the day begins.
    midnight: Time,
}

/// How many bytes `hh:mm:ss` are.
const TIME_OF_DAY: usize = 8;

impl<'a> Clock<'a> {
    pub(crate) const fn new(calendar: &'a Calendar) -> Self {
        Self {
            calendar,
            stamp: Vec::new(),
            time: None,
            shape: None,
        }
    }

    /// The time of a line with this stamp; none where nothing tells it.
    pub(crate) fn time(&mut self, stamp: &[u8]) -> Option<Time> {
        if self.stamp == stamp {
            return self.time;
        }
        self.time = match self.of_same_day(stamp) {
            Some(time) => Some(time),
            None => self.read(stamp),
        };
        self.stamp.clear();
        self.stamp.extend_from_slice(stamp);
        self.time
    }

    fn of_same_day(&self, stamp: &[u8]) -> Option<Time> {
        let shape = self.shape?;
        let (last, end) = (&*self.stamp, shape.day + TIME_OF_DAY);
        let fraction = stamp.get(end..shape.fraction)?;
        let alike = stamp.len() == last.len()
            && stamp.get(..shape.day) == last.get(..shape.day)
            && stamp.get(shape.fraction..) == last.get(shape.fraction..)
            && fraction.first() == last.get(end..shape.fraction)?.first()
            && fraction.iter().skip(1).all(u8::is_ascii_digit);
        let second = stamp::time_of_day(stamp.get(shape.day..)?)?;
        alike.then_some(Time {
            clock: shape.midnight.clock + i64::from(second),
            ..shape.midnight
        })
    }

    fn read(&mut self, text: &[u8]) -> Option<Time> {
        let read = stamp::cut(text);
        self.shape = read.and_then(|(stamp, length)| {
            let whole = length == text.len();
            whole.then(|| self.shape(text, stamp)).flatten()
        });
        read.and_then(|(stamp, _)| self.calendar.time(&stamp))
    }

    fn shape(&self, text: &[u8], stamp: Stamp) -> Option<Shape> {
        // The offset of a zone may change within the day.
        if self.calendar.zone.is_some() && stamp.offset.is_none() {
            return None;
        }
        let day = text.iter().position(|byte| *byte == b':')?.checked_sub(2)?;
        let end = day + TIME_OF_DAY;
        let at = |second| self.calendar.time(&Stamp { second, ..stamp });
        let (midnight, next) = (at(0)?, at(DAY.try_into().ok()?)?);
        // Which year it is may change within the day as well, where the calendar has a last moment.
        (next.clock - midnight.clock == DAY).then_some(Shape {
            day,
            fraction: end + stamp::fraction(text.get(end..)?),
            midnight,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::calendar::Year;
    use proptest::prelude::*;

    fn stamp() -> impl Strategy<Value = String> {
        let parts = (
            prop::sample::select(vec![
                "Nov  4 ",
                "Nov 04 ",
                "Nov 24 ",
                "Dec 31 ",
                "Jan  1 ",
                "Nov 4 ",
                "Mon Nov 23 ",
                "Nov 24 2025 ",
                "2025-11-24T",
                "2025-11-24 ",
                "2025-12-31T",
                "1795490807",
                "@400000004a32b1a2",
                "Nov 41 ",
                "",
            ]),
            prop::sample::select(vec![
                "08:00:01", "23:59:59", "23:59:60", "00:00:00", "24:00:00", "8:00:01", "1x:00:01",
            ]),
            prop::sample::select(vec![
                "",
                ".1",
                ".12",
                ".12x",
                ".123456",
                ",120",
                ".x",
                ".1234567890123",
            ]),
            prop::sample::select(vec!["", "Z", "+01:00", "-0300", " 2025", "+1"]),
        );
        parts.prop_map(|(date, time, fraction, zone)| format!("{date}{time}{fraction}{zone}"))
    }

    proptest! {
        #[test]
        fn it_tells_what_the_calendar_tells(stamps in prop::collection::vec(stamp(), 1..12), year in 0..4usize, zoned: bool) {
            // 2025-11-24T12:00:00, in the middle of a day.
            let moment = 1_763_985_600;
            let year = [Year::Unknown, Year::From(moment), Year::UpTo(moment), Year::UpTo(moment - DAY)][year];
            let zone = zoned.then(|| jiff::tz::TimeZone::fixed(jiff::tz::offset(2)));
            let calendar = Calendar { year, zone };
            let mut clock = Clock::new(&calendar);
            for stamp in stamps {
                let stamp = stamp.as_bytes();
                let expected = stamp::cut(stamp).and_then(|(stamp, _)| calendar.time(&stamp));
                prop_assert_eq!(clock.time(stamp), expected, "{}", bstr::BStr::new(stamp));
            }
        }
    }
}
