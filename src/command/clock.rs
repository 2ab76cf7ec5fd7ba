//! The clock, at which only what has an end date looks: certificates and exceptions.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The date where the clock stands, in UTC.
pub(super) fn today() -> Date {
    let now = Timestamp::from_second(now()).unwrap_or_default();
    TimeZone::UTC.to_datetime(now).date()
}

/// Seconds since 1970. `PLAINSIGHT_TODAY=2027-01-31` in the environment stands in for the clock, so that tests need none.
pub(super) fn now() -> i64 {
    let said = env::var("PLAINSIGHT_TODAY").ok();
    if let Some(day) = said.and_then(|said| crate::toml::day(&said))
        && let Ok(midnight) = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0))
    {
        return midnight.as_second();
    }
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}
