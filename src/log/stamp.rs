//! A stamp: the time at the beginning of a log line, as the line has it.
//!
//! Every family of stamps that mail logs were seen with is cut here by hand; which year a stamp without one belongs to
//! is for `calendar` to say.

/// The time of a line as it is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The year, where the stamp has one.
    pub(crate) year: Option<i32>,
    /// The month, from 1.
    pub(crate) month: u8,
    /// The day of the month, from 1.
    pub(crate) day: u8,
    /// Seconds since midnight.
    pub(crate) second: u32,
    /// Offset from UTC in seconds, where the stamp has one.
    pub(crate) offset: Option<i32>,
}

impl Stamp {
    /// Seconds since 1970-01-01T00:00:00 on the stamp's own clock face, with `year` where it has none.
    pub(crate) fn clock(&self, year: i32) -> i64 {
        days(self.year.unwrap_or(year), self.month, self.day) * DAY + i64::from(self.second)
    }
}

/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub(crate) fn days(year: i32, month: u8, day: u8) -> i64 {
    // Counted from March on, so that the leap day is the last of its year.
    let year = i64::from(year) - i64::from(month <= 2);
    let shifted = (i64::from(month) + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year of a day that is counted from 1970-01-01.
pub(crate) fn year_of(day: i64) -> i32 {
    let guess = i32::try_from(1970 + day.div_euclid(366)).unwrap_or(1970);
    // The guess is at most a few years early: a year has at most 366 days.
    (guess..guess.saturating_add(8))
        .rev()
        .find(|&year| days(year, 1, 1) <= day)
        .unwrap_or(guess)
}

/// Cuts a stamp off the front: what it says, and how many bytes it takes.
pub(crate) fn cut(line: &[u8]) -> Option<(Stamp, usize)> {
    match line.first()? {
        b'0'..=b'9' => iso(line).or_else(|| unix(line)),
        b'@' => tai64n(line),
        b'A'..=b'Z' => bsd(line).or_else(|| weekday(line)),
        _ => None,
    }
}

/// `Nov  4 08:00:01`, with the day padded by a blank, by a zero or not at all; a year may follow the day.
fn bsd(line: &[u8]) -> Option<(Stamp, usize)> {
    let month = month(line.get(..3)?)?;
    let mut at = 3 + blanks(line.get(3..)?)?;
    let (day, digits) = number(line.get(at..)?, 2)?;
    at += digits;
    at += blanks(line.get(at..)?)?;
    let mut year = None;
    if let Some((number, 4)) = number(line.get(at..)?, 4) {
        at += 4;
        at += blanks(line.get(at..)?)?;
        year = Some(i32::try_from(number).ok()?);
    }
    let second = time_of_day(line.get(at..)?)?;
    at += 8;
    at += fraction(line.get(at..)?);
    let stamp = Stamp {
        year,
        month,
        day: day_of_month(day)?,
        second,
        offset: None,
    };
    Some((stamp, at))
}

/// `Mon Nov 11 09:48:23 2019` and the same without the year.
fn weekday(line: &[u8]) -> Option<(Stamp, usize)> {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    let name = line.get(..3)?;
    WEEKDAYS.contains(&name).then_some(())?;
    let start = 3 + blanks(line.get(3..)?)?;
    if let Some((mut stamp, length)) = iso(line.get(start..)?) {
        // journalctl -o short-full: `Tue 2026-11-24 03:26:47 UTC`.
        let zone = line.get(start + length..)?.strip_prefix(b" ")?;
        let name = zone
            .iter()
            .take_while(|byte| byte.is_ascii_uppercase())
            .count();
        if &zone[..name] == b"UTC" {
            stamp.offset = Some(0);
        }
        return Some((stamp, start + length + 1 + name));
    }
    let (mut stamp, length) = bsd(line.get(start..)?)?;
    let mut end = start + length;
    if stamp.year.is_none() {
        let rest = line.get(end..)?;
        if let Some((year, 4)) = rest.get(1..).and_then(|rest| number(rest, 5)) {
            stamp.year = i32::try_from(year).ok();
            end += 5;
        }
    }
    Some((stamp, end))
}

/// `2026-11-24T03:26:47.017621+00:00`, with a blank for the `T`, a comma for the point, with `Z` or without zone.
fn iso(line: &[u8]) -> Option<(Stamp, usize)> {
    let head = line.get(..19)?;
    if head[4] != b'-' || head[7] != b'-' || !matches!(head[10], b'T' | b' ') {
        return None;
    }
    let (year, 4) = number(head, 4)? else {
        return None;
    };
    let month = u8::try_from(two_digits(head, 5)?).ok()?;
    if !(1..=12).contains(&month) {
        return None;
    }
    let day = day_of_month(two_digits(head, 8)?)?;
    let second = time_of_day(&head[11..])?;
    let mut at = 19 + fraction(&line[19..]);
    let (offset, length) = zone(&line[at..]);
    at += length;
    let stamp = Stamp {
        year: Some(i32::try_from(year).ok()?),
        month,
        day,
        second,
        offset,
    };
    Some((stamp, at))
}

/// `1795490807.158776`, as journalctl -o short-unix writes it.
fn unix(line: &[u8]) -> Option<(Stamp, usize)> {
    let (seconds, 10) = number(line, 10)? else {
        return None;
    };
    let length = 10 + fraction(&line[10..]);
    (length > 10).then_some(())?;
    Some((from_unix(i64::from(seconds))?, length))
}

/// `@400000004a32b1a2 2b8a3c14` as multilog writes it: seconds since 1970 in TAI, ten ahead of UTC then.
fn tai64n(line: &[u8]) -> Option<(Stamp, usize)> {
    let hex = std::str::from_utf8(line.get(1..17)?).ok()?;
    let label = u64::from_str_radix(hex, 16).ok()?;
    let seconds = i64::try_from(label.checked_sub(1 << 62)?).ok()? - 10;
    let end = 17
        + line[17..]
            .iter()
            .take(8)
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
    Some((from_unix(seconds)?, end))
}

/// The stamp of a moment in seconds since 1970-01-01T00:00:00Z.
pub(crate) fn from_unix(seconds: i64) -> Option<Stamp> {
    let day = seconds.div_euclid(DAY);
    // Beyond the year 9999 it is not a time but damage.
    if !(0..2_932_897).contains(&day) {
        return None;
    }
    let year = year_of(day);
    let month = (1..=12)
        .rev()
        .find(|&month| days(year, month, 1) <= day)
        .unwrap_or(1);
    Some(Stamp {
        year: Some(year),
        month,
        day: u8::try_from(day - days(year, month, 1) + 1).ok()?,
        second: u32::try_from(seconds.rem_euclid(DAY)).ok()?,
        offset: Some(0),
    })
}

fn month(name: &[u8]) -> Option<u8> {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let number = MONTHS.iter().position(|month| *month == name)?;
    u8::try_from(number + 1).ok()
}

fn day_of_month(day: u32) -> Option<u8> {
    u8::try_from(day).ok().filter(|day| (1..=31).contains(day))
}

/// One or two blanks.
fn blanks(text: &[u8]) -> Option<usize> {
    match text {
        [b' ', b' ', ..] => Some(2),
        [b' ', ..] => Some(1),
        _ => None,
    }
}

/// Up to `most` decimal digits: their value and how many there are; none where 32 bits do not hold it.
fn number(text: &[u8], most: usize) -> Option<(u32, usize)> {
    let digits = text
        .iter()
        .take(most)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let value = text.iter().take(digits).try_fold(0_u32, |value, digit| {
        value.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
    })?;
    (digits > 0).then_some((value, digits))
}

fn two_digits(text: &[u8], at: usize) -> Option<u32> {
    match (text.get(at)?, text.get(at + 1)?) {
        (tens @ b'0'..=b'9', ones @ b'0'..=b'9') => {
            Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        }
        _ => None,
    }
}

/// `hh:mm:ss`, in seconds since midnight.
pub(crate) fn time_of_day(text: &[u8]) -> Option<u32> {
    if text.get(2) != Some(&b':') || text.get(5) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) = (
        two_digits(text, 0)?,
        two_digits(text, 3)?,
        two_digits(text, 6)?,
    );
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// The length of `.175732` or `,175`.
pub(crate) fn fraction(text: &[u8]) -> usize {
    match text {
        [b'.' | b',', digits @ ..] => match number_length(digits) {
            0 => 0,
            length => length + 1,
        },
        _ => 0,
    }
}

fn number_length(text: &[u8]) -> usize {
    text.iter()
        .take(12)
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// `Z`, `+03:00` or `-0300`: the offset and its length.
fn zone(text: &[u8]) -> (Option<i32>, usize) {
    let Some(&sign) = text.first() else {
        return (None, 0);
    };
    if sign == b'Z' {
        return (Some(0), 1);
    }
    if !matches!(sign, b'+' | b'-') {
        return (None, 0);
    }
    let colon = usize::from(text.get(3) == Some(&b':'));
    let (Some(hours), Some(minutes)) = (two_digits(text, 1), two_digits(text, 3 + colon)) else {
        return (None, 0);
    };
    let seconds = i32::try_from(hours * 3600 + minutes * 60).unwrap_or(0);
    let offset = if sign == b'-' { -seconds } else { seconds };
    (Some(offset), 5 + colon)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is cut, as `year month day second offset` and the rest of the line.
    fn shown(line: &str) -> String {
        cut(line.as_bytes()).map_or("none".to_owned(), |(s, length)| {
            format!(
                "{:?} {} {} {} {:?} |{}",
                s.year,
                s.month,
                s.day,
                s.second,
                s.offset,
                &line[length..]
            )
        })
    }

    #[test]
    fn every_family_is_cut() {
        for (line, expected) in [
            ("Nov  4 08:00:01 mail", "None 11 4 28801 None | mail"),
            ("Nov 04 08:00:01 mail", "None 11 4 28801 None | mail"),
            ("Nov 4 08:00:01 mail", "None 11 4 28801 None | mail"),
            ("Nov 14 08:00:01.123 mail", "None 11 14 28801 None | mail"),
            (
                "Nov 14 2019 08:00:01: x",
                "Some(2019) 11 14 28801 None |: x",
            ),
            (
                "Mon Nov 11 09:48:23 2019 x",
                "Some(2019) 11 11 35303 None | x",
            ),
            ("Mon Nov 11 09:48:23 mail", "None 11 11 35303 None | mail"),
            (
                "2025-11-27T16:26:19.175732+03:00 m",
                "Some(2025) 11 27 59179 Some(10800) | m",
            ),
            (
                "2025-11-27T16:26:19.150Z m",
                "Some(2025) 11 27 59179 Some(0) | m",
            ),
            (
                "2025-11-27T16:26:19-0300 m",
                "Some(2025) 11 27 59179 Some(-10800) | m",
            ),
            (
                "2012-06-09 09:45:08 imap",
                "Some(2012) 6 9 35108 None | imap",
            ),
            (
                "2012-06-09 09:45:08,120 imap",
                "Some(2012) 6 9 35108 None | imap",
            ),
            (
                "@400000004a32b1a22b8a3c14 imap",
                "Some(2009) 6 12 71448 Some(0) | imap",
            ),
            (
                "Tue 2026-11-24 03:26:47 UTC mail",
                "Some(2026) 11 24 12407 Some(0) | mail",
            ),
            (
                "Tue 2026-11-24 03:26:47 CET mail",
                "Some(2026) 11 24 12407 None | mail",
            ),
            (
                "1795490807.158776 mail",
                "Some(2026) 11 24 12407 Some(0) | mail",
            ),
            ("9999999999.158776 mail", "none"),
            ("M\u{e4}r  3 10:00:00 mail", "none"),
            ("Nov 41 08:00:01 mail", "none"),
            ("Nov  4 28:00:01 mail", "none"),
            ("Nov", "none"),
            ("2025-1", "none"),
            ("", "none"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn days_and_hours_follow_the_calendar() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        assert_eq!(days(2026, 11, 24), 20_781);
        for year in [1970, 1999, 2000, 2023, 2024, 2100] {
            assert_eq!(year_of(days(year, 1, 1)), year);
            assert_eq!(year_of(days(year, 12, 31)), year);
        }
        // 2026-11-24 is a Tuesday.
        assert_eq!(
            from_unix(20_781 * DAY + 61).map(|stamp| stamp.clock(0)),
            Some(20_781 * DAY + 61)
        );
    }
}
