//! Go or no-go: everything that stands in the way, the step that helps most first.

use std::collections::BTreeSet;

use crate::evidence::{Evidence, Window};
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
    reasons.extend(change.unsafe_because.iter().cloned());
    reasons.extend(change.left_open.iter().cloned());
    let unknown = with_impact(accounts, Impact::Unknown);
    if unknown > 0 {
        reasons.push(format!("of {} nobody can tell", accounts_in_words(unknown)));
    }
    if accounts.is_empty() {
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
    if !window.gaps.is_empty() {
        let days: i64 = window
            .gaps
            .iter()
            .map(|(first, last)| (last.clock - first.clock) / 86_400 + 1)
            .sum();
        lacks.push(format!("the logs have no line for {days} days in between"));
    }
    lacks
}
