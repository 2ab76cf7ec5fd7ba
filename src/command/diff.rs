//! `plainsight diff`: what exactly do I change?

use clap::Args;

use super::Outcome;

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) fn run(_arguments: &Arguments) -> Outcome {
    Outcome::trouble(vec!["diff is not there yet".to_owned()])
}
