//! `plainsight scan`: who authenticates without TLS?

use clap::Args;

use super::Outcome;

/// Arguments of `scan`.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) fn run(_arguments: &Arguments) -> Outcome {
    Outcome::trouble(vec!["scan is not there yet".to_owned()])
}
