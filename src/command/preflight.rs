//! `plainsight preflight`: may I enforce it now, and who breaks?

use clap::Args;

use super::Outcome;

/// Arguments of `preflight`.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) fn run(_arguments: &Arguments) -> Outcome {
    Outcome::trouble(vec!["preflight is not there yet".to_owned()])
}
