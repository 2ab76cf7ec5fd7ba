//! A rhythm: when logins came, as counts per hour of the week, minutes of the hour, and days.
//!
//! `log` fills one for each row of its tally, `evidence` hands it on, and `impact` reads from it whether a person or the clock
//! logs in. Each part is a sum or a union, so rhythms join in any order; and none grows with the number of logins.

/// When logins came, on the log's own clock face.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rhythm {
    /// Hour of the week in the upper 8 bits, count in the others; ascending.
    hours: Vec<u32>,
    /// Bit n for the nth minute of an hour.
    minutes: u64,
    /// Days since 1970-01-01, as a bit set of 64 days each; ascending.
    days: Vec<(i64, u64)>,
}

/// The most that is counted of one hour of the week.
const MOST: u32 = (1 << 24) - 1;

const DAY: i64 = 86_400;

impl Rhythm {
    /// Counts logins at a moment, in seconds since 1970-01-01T00:00:00 on the log's clock face.
    pub fn add(&mut self, clock: i64, count: u32) {
        self.add_hours(hour_of_week(clock), count);
        self.minutes |= 1 << (clock.rem_euclid(3600) / 60);
        let day = clock.div_euclid(DAY);
        self.add_days(day.div_euclid(64), 1 << day.rem_euclid(64));
    }

    /// Takes in another one.
    pub fn join(&mut self, other: &Self) {
        for packed in &other.hours {
            self.add_hours((packed >> 24) as u8, packed & MOST);
        }
        self.minutes |= other.minutes;
        for &(block, days) in &other.days {
            self.add_days(block, days);
        }
    }

    /// Logins per hour of the week, Monday 00:00 first.
    pub fn hours(&self) -> [u32; 168] {
        let mut hours = [0u32; 168];
        for packed in &self.hours {
            if let Some(hour) = hours.get_mut((packed >> 24) as usize) {
                *hour = hour.saturating_add(packed & MOST);
            }
        }
        hours
    }

    /// Hours of the week with their logins, minutes of the hour, and days: all that there is, to be kept and read again.
    pub(crate) fn parts(&self) -> (Vec<(u8, u32)>, Vec<u8>, Vec<i64>) {
        let hours = self.hours.iter();
        let minutes = (0..60).filter(|minute| self.minutes & 1 << minute != 0);
        (
            hours.map(|one| ((one >> 24) as u8, one & MOST)).collect(),
            minutes.collect(),
            self.days().collect(),
        )
    }

    /// The rhythm of such parts. What cannot be an hour, a minute or a day is left out.
    pub(crate) fn of_parts(hours: &[(u8, u32)], minutes: &[u8], days: &[i64]) -> Self {
        let mut rhythm = Self::default();
        for &(hour, count) in hours.iter().filter(|(hour, _)| *hour < 168) {
            rhythm.add_hours(hour, count);
        }
        for minute in minutes.iter().filter(|minute| **minute < 60) {
            rhythm.minutes |= 1 << minute;
        }
        for day in days {
            rhythm.add_days(day.div_euclid(64), 1 << day.rem_euclid(64));
        }
        rhythm
    }

    /// The minutes of the hour at which there were logins, bit n for minute n.
    pub const fn minutes(&self) -> u64 {
        self.minutes
    }

    /// The days on which there were logins, since 1970-01-01, ascending.
    pub fn days(&self) -> impl Iterator<Item = i64> + '_ {
        self.days.iter().flat_map(|&(block, days)| {
            (0..64)
                .filter(move |bit| days & 1 << bit != 0)
                .map(move |bit| block * 64 + bit)
        })
    }

    fn add_hours(&mut self, hour: u8, count: u32) {
        let known = self
            .hours
            .binary_search_by_key(&hour, |packed| (packed >> 24) as u8);
        match known {
            Ok(at) => self.hours[at] += count.min(MOST - (self.hours[at] & MOST)),
            Err(at) => {
                self.hours
                    .insert(at, u32::from(hour) << 24 | count.min(MOST));
            }
        }
    }

    fn add_days(&mut self, block: i64, days: u64) {
        match self.days.binary_search_by_key(&block, |entry| entry.0) {
            Ok(at) => self.days[at].1 |= days,
            Err(at) => {
                self.days.reserve_exact(1);
                self.days.insert(at, (block, days));
            }
        }
    }
}

/// The hour of the week, Monday 00:00 first, of a moment on the log's clock face.
pub fn hour_of_week(clock: i64) -> u8 {
    // 1970-01-01 was a Thursday.
    let hour = (clock + 3 * DAY).rem_euclid(7 * DAY) / 3600;
    u8::try_from(hour).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_follow_the_week() {
        assert_eq!(hour_of_week(0), 72, "a Thursday");
        assert_eq!(
            hour_of_week(20_781 * DAY + 7 * 3600 + 59),
            24 + 7,
            "2026-11-24, a Tuesday"
        );
        assert_eq!(hour_of_week(-1), 71);
    }

    #[test]
    fn joining_parts_is_adding_all() {
        let moments = [
            0,
            59,
            60,
            3 * DAY,
            63 * DAY,
            64 * DAY,
            -DAY,
            400 * DAY + 7 * 3600,
        ];
        let mut whole = Rhythm::default();
        let (mut even, mut odd) = (Rhythm::default(), Rhythm::default());
        for (number, clock) in moments.into_iter().enumerate() {
            whole.add(clock, 2);
            if number % 2 == 0 { &mut even } else { &mut odd }.add(clock, 2);
        }
        odd.join(&even);
        assert_eq!(odd, whole);
        assert_eq!(odd.minutes(), 0b11);
        assert_eq!(odd.days().collect::<Vec<_>>(), [-1, 0, 3, 63, 64, 400]);
        assert_eq!(whole.hours().iter().sum::<u32>(), 16);
    }
}
