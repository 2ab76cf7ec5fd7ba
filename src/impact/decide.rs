//! Go or no-go: everything that stands in the way, the step that helps most first.

use std::collections::BTreeSet;

use crate::evidence::{Evidence, Time, Window};
use crate::fix::Change;

use super::{AccountImpact, Decision, Impact};

/// Decides from the change, who it breaks, and how much time the logs cover (`asked` days).
pub(super) fn decide(
    change: &Change,
    accounts: &[AccountImpact],
    evidence: &Evidence,
    asked: i64,
) -> (Decision, Vec<String>) {
    let mut reasons = Vec::new();
    let breaking = with_impact(accounts, Impact::Breaks);
    if breaking > 0 {
        reasons.push(format!("{} would break", accounts_in_words(breaking)));
    }
    reasons.extend(change.left_open.iter().cloned());
    reasons.extend(
        evidence
            .warnings
            .iter()
            .map(|warning| format!("not all of the logs could be read: {warning}")),
    );
    let unknown = with_impact(accounts, Impact::Unknown);
    if unknown > 0 {
        reasons.push(format!("of {} nobody can tell", accounts_in_words(unknown)));
    }
    // Whoever is refused already tells nothing about those who are not.
    let logins = accounts
        .iter()
        .flat_map(|one| &one.clients)
        .any(|client| client.impact != Impact::Refused);
    if !logins {
        reasons.insert(
            0,
            "the logs hold no login, so nobody can tell who would break".to_owned(),
        );
        return (Decision::CannotTell, reasons);
    }
    reasons.extend(uncovered(&evidence.window, asked));
    if reasons.is_empty() {
        let days = evidence.window.days().unwrap_or(0);
        return (
            Decision::Go,
            vec![format!(
                "nobody would break, by the logs of {days} days, and every endpoint ends TLS only or without login"
            )],
        );
    }
    (Decision::NoGo, reasons)
}

/// How many accounts have a client that fares so; one that is seen on several protocols counts once.
fn with_impact(accounts: &[AccountImpact], impact: Impact) -> usize {
    let hit = accounts
        .iter()
        .filter(|one| one.clients.iter().any(|client| client.impact == impact));
    hit.map(|one| &one.account).collect::<BTreeSet<_>>().len()
}

fn accounts_in_words(number: usize) -> String {
    if number == 1 {
        "1 account".to_owned()
    } else {
        format!("{number} accounts")
    }
}

/// What the logs lack of the window that was asked for.
fn uncovered(window: &Window, asked: i64) -> Vec<String> {
    let mut lacks = Vec::new();
    match window.days() {
        None => lacks
            .push("no line in the logs has a time, so nobody can tell what they cover".to_owned()),
        Some(days) if days < asked => lacks.push(format!(
            "the logs cover {days} of the {asked} days asked for (--window)"
        )),
        Some(_) => {}
    }
    let days = uncovered_days(window, asked);
    if days > 0 {
        lacks.push(format!(
            "the logs have no line for {days} of the last {asked} days"
        ));
    }
    lacks
}

/// How many of the last `asked` days lie in a gap.
fn uncovered_days(window: &Window, asked: i64) -> i64 {
    let day = |time: Time| time.clock.div_euclid(86_400);
    let Some(last) = window.last.map(day) else {
        return 0;
    };
    let first = last - asked + 1;
    let days = |&(from, to): &(Time, Time)| (day(to) - day(from).max(first) + 1).max(0);
    window.gaps.iter().map(days).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gaps_in_the_window_count() {
        let day = |day: i64| Time {
            clock: day * 86_400,
            offset: None,
        };
        let window = Window {
            first: Some(day(0)),
            last: Some(day(30)),
            gaps: vec![(day(2), day(3)), (day(15), day(18)), (day(25), day(25))],
        };
        assert_eq!(uncovered_days(&window, 14), 3, "17, 18 and 25 of 17 to 30");
        assert_eq!(uncovered_days(&window, 31), 7);
    }
}
