//! The names of parameters that some program of some release knows, from the first releases up to 3.11.
//!
//! Any other name can be set in main.cf too; it is then a text that other values refer to as `$name`, or nothing at all.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Sorted. Read from the names in global/mail_params.h at the first release of every branch; `postconf -d` of
/// 3.5.25, 3.7.11, 3.10.13 and 3.11.7 knows no other, but for those that are made of a service and a suffix.
const NAMES: &str = include_str!("names.txt");

/// What follows the name of a service in the parameters of its own (global/mail_params.h; qmgr(8), spawn(8)).
const SUFFIXES: &[&str] = &[
    "_delivery_slot_cost",
    "_delivery_slot_discount",
    "_delivery_slot_loan",
    "_destination_concurrency_failed_cohort_limit",
    "_destination_concurrency_limit",
    "_destination_concurrency_negative_feedback",
    "_destination_concurrency_positive_feedback",
    "_destination_rate_delay",
    "_destination_recipient_limit",
    "_extra_recipient_limit",
    "_initial_destination_concurrency",
    "_minimum_delivery_slots",
    "_recipient_limit",
    "_recipient_refill_delay",
    "_recipient_refill_limit",
    "_time_limit",
    "_transport_rate_delay",
];

/// Every name, sorted.
pub fn parameter_names() -> impl Iterator<Item = &'static str> {
    static SORTED: LazyLock<Vec<&str>> = LazyLock::new(|| NAMES.lines().collect());
    SORTED.iter().copied()
}

/// Whether some release knows a parameter of this name, or makes one like it for a service.
pub fn is_parameter(name: &[u8]) -> bool {
    let own = SUFFIXES
        .iter()
        .any(|suffix| name.len() > suffix.len() && name.ends_with(suffix.as_bytes()));
    own || named(name).is_some()
}

/// The parameter of exactly this name, as some release knows it.
pub fn named(name: &[u8]) -> Option<&'static str> {
    static NAMED: LazyLock<HashSet<&str>> = LazyLock::new(|| parameter_names().collect());
    NAMED.get(std::str::from_utf8(name).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_hold_all_that_smtpd_loads() {
        assert!(parameter_names().is_sorted());
        for name in super::super::builtin_names() {
            assert!(is_parameter(name.as_bytes()), "{name}");
        }
        assert!(is_parameter(b"myrelay_destination_recipient_limit"));
        assert!(!is_parameter(b"smtpd_tsl_auth_only") && !is_parameter(b"_time_limit"));
    }
}
