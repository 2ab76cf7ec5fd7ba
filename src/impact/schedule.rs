//! A schedule: that logins come by the clock, so that a device or a job makes them and not a person.
//!
//! Read from a rhythm alone: minutes that stay within a few of the hour while the days go by, or counts that are the same at
//! every hour of the day. A person does neither for long. Where neither is plain, nothing is said.

use crate::rhythm::Rhythm;

/// The fewest logins from which a period can be read.
const LEAST_LOGINS: u64 = 20;
/// The fewest days from which a time of day can be read, and the fewest of a day of the week.
const LEAST_DAYS: usize = 5;
const LEAST_WEEKS: usize = 3;
/// How far apart, in minutes, the logins of one time of day may be.
const WIDEST: u32 = 10;
/// The most times of day that are told one by one.
const MOST_TIMES: usize = 4;

const DAY_NAMES: [&str; 7] = [
    "Mondays",
    "Tuesdays",
    "Wednesdays",
    "Thursdays",
    "Fridays",
    "Saturdays",
    "Sundays",
];

/// The schedule in words, such as `daily at 07:00`; none where the logins do not come by the clock.
/// `span` is the time from the first login to the last, in seconds.
pub(super) fn schedule(rhythm: &Rhythm, logins: u64, span: i64) -> Option<String> {
    let when = When::of(rhythm, logins, span)?;
    when.times_of_day()
        .or_else(|| when.minutes_of_hour())
        .or_else(|| when.steady())
}

/// What the schedule is read from.
struct When {
    logins: u64,
    /// From the first to the last, in seconds.
    span: i64,
    days: Vec<i64>,
    /// Logins per hour of the day.
    hours: [u64; 24],
    minutes: u64,
}

impl When {
    fn of(rhythm: &Rhythm, logins: u64, span: i64) -> Option<Self> {
        let mut hours = [0u64; 24];
        for (hour, count) in rhythm.hours().iter().enumerate() {
            hours[hour % 24] += u64::from(*count);
        }
        let days: Vec<i64> = rhythm.days().collect();
        (!days.is_empty()).then_some(Self {
            logins,
            span,
            days,
            hours,
            minutes: rhythm.minutes(),
        })
    }

    /// The hours of the day with logins.
    fn hours_seen(&self) -> Vec<usize> {
        (0..24).filter(|&hour| self.hours[hour] > 0).collect()
    }

    /// `daily at 07:00`, `Monday to Friday at 07:00 and 19:00`, `Sundays at 03:15`.
    fn times_of_day(&self) -> Option<String> {
        let days = self.regular_days()?;
        let (from, width) = narrowest(self.minutes, 60)?;
        if width > WIDEST {
            return None;
        }
        let hours = self.hours_seen();
        let times: Vec<(usize, u64)> = if from + width > 60 {
            self.straddling()?
        } else {
            let counted = hours.into_iter().map(|hour| (hour, self.hours[hour]));
            counted.collect()
        };
        // Each time comes on each day, perhaps with several logins in a run, so each has about as many as the others.
        let least = times.iter().map(|time| time.1).min()?;
        let most = times.iter().map(|time| time.1).max()?;
        if times.len() > MOST_TIMES || least * 3 < most * 2 || least + 1 < self.days.len() as u64 {
            return None;
        }
        let about = if width > 3 { "about " } else { "" };
        let times: Vec<String> = times
            .iter()
            .map(|(hour, _)| format!("{about}{hour:02}:{from:02}"))
            .collect();
        Some(format!("{days} at {}", listed(&times)))
    }

    /// The times whose runs begin a few minutes before a full hour and end behind it: each has two hours, also around
    /// midnight. None where an hour stands alone or with several: nobody can tell to which time it belongs.
    fn straddling(&self) -> Option<Vec<(usize, u64)>> {
        let seen = |hour: usize| self.hours[hour % 24] > 0;
        let starts = (0..24).filter(|&hour| seen(hour) && !seen(hour + 23));
        starts
            .map(|hour| {
                let is_pair = seen(hour + 1) && !seen(hour + 2);
                is_pair.then(|| (hour, self.hours[hour] + self.hours[(hour + 1) % 24]))
            })
            .collect()
    }

    /// Which days they come on, where that is a pattern: every day from the first to the last, or every one of some weekdays.
    fn regular_days(&self) -> Option<String> {
        let (first, last) = (*self.days.first()?, *self.days.last()?);
        // 1970-01-01 was a Thursday.
        let weekday = |day: i64| usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
        let mut seen = [0usize; 7];
        for &day in &self.days {
            seen[weekday(day)] += 1;
        }
        let used: Vec<usize> = (0..7).filter(|&day| seen[day] > 0).collect();
        // Only the days there are: a rhythm with bad stamps may span millennia.
        let span = last.checked_sub(first)?;
        if span > 40 * i64::try_from(self.days.len()).ok()? {
            return None;
        }
        let expected = (first..=last)
            .filter(|&day| used.contains(&weekday(day)))
            .count();
        // A holiday or a day of maintenance in ten may be missing.
        if self.days.len() * 10 < expected * 9 {
            return None;
        }
        let enough = if used.len() == 1 {
            LEAST_WEEKS
        } else {
            LEAST_DAYS
        };
        if self.days.len() < enough {
            return None;
        }
        match used.as_slice() {
            [0, 1, 2, 3, 4, 5, 6] => Some("daily".to_owned()),
            // Too short a stretch to tell the days that were left out from those that did not come.
            _ if span < 7 => None,
            [0, 1, 2, 3, 4] => Some("Monday to Friday".to_owned()),
            [0, 1, 2, 3, 4, 5] => Some("Monday to Saturday".to_owned()),
            some => {
                let names: Vec<String> =
                    some.iter().map(|&day| DAY_NAMES[day].to_owned()).collect();
                Some(listed(&names))
            }
        }
    }

    /// `every 15 minutes`, `hourly at :17`, with the hours of the day where it is not all of them.
    fn minutes_of_hour(&self) -> Option<String> {
        if self.logins < LEAST_LOGINS {
            return None;
        }
        for (period, widest) in [(5, 2), (10, 3), (15, 3), (20, 4), (30, 5), (60, 6)] {
            let mut residues = 0u64;
            let mut met = 0u64;
            for minute in (0..60).filter(|&minute| self.minutes & 1 << minute != 0) {
                residues |= 1 << (minute % period);
                met |= 1 << (minute / period);
            }
            let (from, width) = narrowest(residues, period)?;
            // Most of the turns within the hour have to be there, or it is a longer period.
            if width > widest || u64::from(met.count_ones()) * u64::from(period) * 10 < 60 * 7 {
                continue;
            }
            let hours = self.hours_in_words()?;
            return Some(match period {
                60 => format!("hourly at :{from:02}{hours}"),
                _ => format!("every {period} minutes{hours}"),
            });
        }
        None
    }

    /// The hours of the day as ` between 08:00 and 18:00`, empty for all of them; none where they have holes.
    fn hours_in_words(&self) -> Option<String> {
        let hours = self.hours_seen();
        let (first, last) = (*hours.first()?, *hours.last()?);
        if hours.len() == 24 {
            return Some(String::new());
        }
        // At most one hour in eight may be missing between the first and the last.
        if hours.len() < 4 || (last - first + 1 - hours.len()) * 8 > hours.len() {
            return None;
        }
        Some(format!(
            " between {first:02}:00 and {:02}:00",
            (last + 1) % 24
        ))
    }

    /// `about every 7 minutes, day and night`: as many logins at every hour of the day, which nobody keeps up.
    fn steady(&self) -> Option<String> {
        let mean = self.logins / 24;
        let span = self.days.last()? - self.days.first()?;
        if mean < 20 || span < 1 || usize::try_from(span).ok()? >= self.days.len() {
            return None;
        }
        // The first and the last day are cut, so the hours differ by a day's worth.
        let even = self
            .hours
            .iter()
            .all(|&count| count * 10 >= mean * 6 && count * 10 <= mean * 15);
        if !even {
            return None;
        }
        let seconds = u64::try_from(self.span).ok()? / self.logins.max(2).saturating_sub(1);
        let minutes = ((seconds + 30) / 60).max(1);
        Some(match minutes {
            1 => "about every minute, day and night".to_owned(),
            minutes => format!("about every {minutes} minutes, day and night"),
        })
    }
}

/// The narrowest stretch of a circle of `size` places that holds every bit: where it begins and how many places it has.
fn narrowest(bits: u64, size: u32) -> Option<(u32, u32)> {
    let set = |place: u32| bits & 1 << (place % size) != 0;
    // It begins behind the widest gap.
    let starts = (0..size).filter(|&place| set(place) && !set(place + size - 1));
    let width = |start: u32| {
        (0..size)
            .rev()
            .find(|&step| set(start + step))
            .map_or(0, |step| step + 1)
    };
    if bits.count_ones() == size {
        return Some((0, size));
    }
    starts
        .map(|start| (start, width(start)))
        .min_by_key(|&(start, width)| (width, start))
}

fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    /// 2026-11-02, a Monday.
    const MONDAY: i64 = 20_759 * DAY;

    fn said(moments: impl IntoIterator<Item = i64>) -> Option<String> {
        let mut rhythm = Rhythm::default();
        let moments: Vec<i64> = moments.into_iter().collect();
        for moment in &moments {
            rhythm.add(*moment, 1);
        }
        let first = moments.iter().min().copied().unwrap_or(0);
        let last = moments.iter().max().copied().unwrap_or(0);
        schedule(&rhythm, moments.len() as u64, last - first)
    }

    /// A stream of numbers that looks like chance and is the same each time.
    fn chance(seed: u64) -> impl FnMut(i64) -> i64 {
        let mut state = seed;
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            i64::try_from(state >> 33).unwrap_or(0) % below
        }
    }

    #[test]
    fn times_of_day() {
        let daily = (0..14).map(|day| MONDAY + day * DAY + 7 * 3600 + day % 3);
        assert_eq!(said(daily).as_deref(), Some("daily at 07:00"));
        let workdays = (0..14).filter(|day| day % 7 < 5);
        let twice =
            workdays.flat_map(|day| [7, 19].map(|hour| MONDAY + day * DAY + hour * 3600 + 90));
        assert_eq!(
            said(twice).as_deref(),
            Some("Monday to Friday at 07:01 and 19:01")
        );
        let sundays = (0..4).map(|week| MONDAY + (7 * week + 6) * DAY + 3 * 3600 + 900);
        assert_eq!(said(sundays).as_deref(), Some("Sundays at 03:15"));
        let around_the_hour = (0..10).map(|day| MONDAY + day * DAY + 7 * 3600 - 30 + day * 7);
        assert_eq!(said(around_the_hour).as_deref(), Some("daily at 06:59"));
        let around_midnight = (0..12).map(|day| MONDAY + day * DAY + DAY - 30 + day * 7);
        assert_eq!(said(around_midnight).as_deref(), Some("daily at 23:59"));
        let apart = (0..10)
            .flat_map(|day| [7 * 60, 18 * 60 + 59].map(|minute| MONDAY + day * DAY + minute * 60));
        assert_eq!(said(apart), None, "07:00 or 07:59, the minutes do not tell");
        let few = (0..4).map(|day| MONDAY + day * DAY + 7 * 3600);
        assert_eq!(said(few), None, "four days may be chance");
    }

    #[test]
    fn periods() {
        let quarters = (0..96 * 3).map(|turn| MONDAY + turn * 900 + turn % 50);
        assert_eq!(said(quarters).as_deref(), Some("every 15 minutes"));
        let hourly = (0..10).flat_map(|day| {
            (8..18).map(move |hour| MONDAY + day * DAY + hour * 3600 + 17 * 60 + hour)
        });
        assert_eq!(
            said(hourly).as_deref(),
            Some("hourly at :17 between 08:00 and 18:00")
        );
        let drifting = (0..3 * 24 * 60 / 7).map(|turn| MONDAY + turn * 421);
        assert_eq!(
            said(drifting).as_deref(),
            Some("about every 7 minutes, day and night")
        );
    }

    #[test]
    fn people_have_no_schedule() {
        for seed in 0..200 {
            let mut chance = chance(seed);
            let mut moments = Vec::new();
            for day in (0..28).filter(|day| day % 7 < 5) {
                // Comes at about eight, and looks at the mail a few times a day.
                moments.push(MONDAY + day * DAY + 8 * 3600 + chance(1800));
                for _ in 0..chance(6) {
                    moments.push(MONDAY + day * DAY + 8 * 3600 + chance(10 * 3600));
                }
            }
            assert_eq!(said(moments), None, "seed {seed}");
        }
        assert_eq!(said([0, i64::from(i32::MAX), 1 << 50]), None);
        assert_eq!(said([]), None);
    }
}
