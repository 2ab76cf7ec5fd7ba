//! A chart: a picture in SVG, with its numbers as text for those who do not see it.

use std::fmt::Write as _;

use crate::impact::Week;
use crate::report::check::count;
use crate::report::plain::html;

const WIDTH: usize = 340;

/// Accounts that logged in without TLS, a bar a week, those of whom nobody can tell on top.
pub(super) fn weeks(weeks: &[Week]) -> String {
    const HEIGHT: usize = 110;
    let most = weeks
        .iter()
        .map(|week| week.clear + week.unknown)
        .max()
        .unwrap_or(0)
        .max(1);
    let step = (WIDTH - 40) / weeks.len().max(1);
    let mut bars = String::new();
    let mut words = Vec::new();
    for (number, week) in weeks.iter().enumerate() {
        let x = 30 + number * step;
        let (clear, unknown) = (week.clear * HEIGHT / most, week.unknown * HEIGHT / most);
        let width = (step * 7 / 10).clamp(1, 40);
        let _ = write!(
            bars,
            "<rect class=\"bar-bad\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{clear}\"/>\
             <rect class=\"bar-open\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{unknown}\"/>",
            HEIGHT + 12 - clear,
            HEIGHT + 12 - clear - unknown,
        );
        // A date takes some room; with many weeks only some are named.
        if number % weeks.len().div_ceil(6).max(1) == 0 {
            let day = week.monday().day();
            let _ = write!(
                bars,
                "<text x=\"{x}\" y=\"{}\">{}</text>",
                HEIGHT + 26,
                &day[5..]
            );
        }
        words.push(format!("{}: {}", week.monday().day(), week.clear));
    }
    let _ = write!(
        bars,
        "<text x=\"0\" y=\"14\">{most}</text><text x=\"0\" y=\"{}\">0</text>",
        HEIGHT + 12
    );
    svg(
        HEIGHT + 32,
        &format!("Accounts without TLS by week: {}", words.join(", ")),
        &bars,
    )
}

/// How much a version of TLS is used.
pub(super) struct Usage {
    /// Its name.
    pub(super) version: String,
    /// Whether it should no longer be (RFC 8996).
    pub(super) is_old: bool,
    /// The accounts that were seen with it.
    pub(super) accounts: usize,
    /// Their logins.
    pub(super) logins: u64,
}

/// How many accounts use each version of TLS, a bar each.
pub(super) fn versions(versions: &[Usage]) -> String {
    const LONGEST: usize = 100;
    let most = versions.iter().map(|one| one.accounts).max();
    let most = most.unwrap_or(0).max(1);
    let mut bars = String::new();
    let mut words = Vec::new();
    for (number, usage) in versions.iter().enumerate() {
        let y = 6 + number * 22;
        let class = if usage.is_old { "bar-bad" } else { "bar-good" };
        let length = (usage.accounts * LONGEST / most).max(1);
        let (accounts, logins) = (
            count(usage.accounts, "account"),
            count(usize::try_from(usage.logins).unwrap_or(usize::MAX), "login"),
        );
        let _ = write!(
            bars,
            "<text x=\"0\" y=\"{}\">{}</text><rect class=\"{class}\" x=\"62\" y=\"{y}\" width=\"{length}\" height=\"14\"/>\
             <text x=\"{}\" y=\"{}\">{accounts}, {logins}</text>",
            y + 11,
            html(usage.version.as_bytes()),
            68 + length,
            y + 11,
        );
        words.push(format!("{}: {accounts}, {logins}", usage.version));
    }
    svg(
        12 + versions.len() * 22,
        &format!("Use of each version of TLS: {}", words.join("; ")),
        &bars,
    )
}

/// Logins by hour and weekday: a device that comes by the clock shows as a straight line.
pub(super) fn hours(hours: &[u32; 168]) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let most = hours.iter().max().copied().unwrap_or(0).max(1);
    let mut cells = String::new();
    let mut words = Vec::new();
    for (day, name) in DAYS.iter().enumerate() {
        let y = 4 + day * 13;
        let _ = write!(
            cells,
            "<text x=\"0\" y=\"{}\">{name}</text><rect class=\"grid\" x=\"28\" y=\"{y}\" width=\"312\" height=\"12\"/>",
            y + 10
        );
        for (hour, count) in hours[day * 24..day * 24 + 24].iter().enumerate() {
            if *count > 0 {
                // Even one login can be seen.
                let shade = 35 + 65 * u64::from(*count) / u64::from(most);
                let _ = write!(
                    cells,
                    "<rect class=\"cell\" x=\"{}\" y=\"{y}\" width=\"12\" height=\"12\" fill-opacity=\"{}.{:02}\"/>",
                    28 + hour * 13,
                    shade / 100,
                    shade % 100
                );
                words.push(format!("{name} {hour:02}: {count}"));
            }
        }
    }
    for hour in [0, 6, 12, 18] {
        let _ = write!(
            cells,
            "<text x=\"{}\" y=\"106\">{hour:02}:00</text>",
            28 + hour * 13
        );
    }
    svg(
        110,
        &format!("Logins by weekday and hour: {}", words.join(", ")),
        &cells,
    )
}

fn svg(height: usize, words: &str, inside: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">{inside}</svg>",
        html(words.as_bytes())
    )
}
