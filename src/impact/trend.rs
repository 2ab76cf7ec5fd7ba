//! The trend: how many accounts logged in without TLS week by week, so that one can watch the number go to zero.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::{Evidence, Time, Transport};

/// One week on the log's calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its Monday, in days since 1970-01-01.
    monday: i64,
    /// How many accounts logged in without TLS, over the network.
    pub clear: usize,
    /// How many did so by a way the log does not tell.
    pub unknown: usize,
    /// How many accounts logged in at all.
    pub accounts: usize,
}

impl Week {
    /// The first moment of it.
    pub const fn monday(&self) -> Time {
        Time {
            clock: self.monday * 86_400,
            offset: None,
        }
    }
}

/// When somebody logged in without TLS last, over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastClear {
    /// That login.
    pub time: Time,
    /// How many days before the end of the logs it was.
    pub days_ago: i64,
}

/// The last login without TLS; none where there is none, or the log has no times.
pub(super) fn last_clear(evidence: &Evidence) -> Option<LastClear> {
    let rows = evidence.rows.iter().chain(&evidence.anonymous);
    let clear = rows.filter(|row| row.way.transport == Transport::Clear);
    let time = clear.filter_map(|row| row.last).max()?;
    let day = |time: Time| time.clock.div_euclid(86_400);
    Some(LastClear {
        time,
        days_ago: day(evidence.window.last?) - day(time),
    })
}

/// A log with stamps from several centuries is not a trend.
const MOST_WEEKS: i64 = 520;

/// The weeks from the first to the last that the logs cover, those without a login too.
pub(super) fn weeks(evidence: &Evidence) -> Vec<Week> {
    let mut seen: [BTreeMap<i64, BTreeSet<_>>; 3] = Default::default();
    for row in &evidence.rows {
        let which: &[usize] = match row.way.transport {
            Transport::Clear => &[0, 2],
            Transport::Unknown => &[1, 2],
            Transport::Tls | Transport::Local | Transport::Trusted => &[2],
        };
        let mondays: BTreeSet<i64> = row.rhythm.days().map(monday).collect();
        for &number in which {
            for &week in &mondays {
                seen[number].entry(week).or_default().insert(&row.account);
            }
        }
    }
    let day = |time: Time| time.clock.div_euclid(86_400);
    let (Some(first), Some(last)) = (evidence.window.first, evidence.window.last) else {
        return Vec::new();
    };
    let (first, last) = (monday(day(first)), monday(day(last)));
    if last - first > 7 * MOST_WEEKS {
        return Vec::new();
    }
    let count = |number: usize, week: i64| seen[number].get(&week).map_or(0, BTreeSet::len);
    (0..=(last - first) / 7)
        .map(|number| first + 7 * number)
        .map(|monday| Week {
            monday,
            clear: count(0, monday),
            unknown: count(1, monday),
            accounts: count(2, monday),
        })
        .collect()
}

/// The Monday of a day's week. 1970-01-01 was a Thursday.
fn monday(day: i64) -> i64 {
    day - (day + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays() {
        assert_eq!(monday(0), -3);
        // 2026-11-24 is a Tuesday.
        assert_eq!(monday(20_781), 20_780);
        assert_eq!(monday(20_780), 20_780);
        assert_eq!(monday(20_779), 20_773);
    }
}
