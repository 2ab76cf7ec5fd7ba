//! `plainsight explain` and `plainsight rules`: why a rule matters, and how to fix what it finds.

use clap::Args;

use crate::report;
use crate::report::screen::Screen;
use crate::rule;
use crate::spelling;

use super::options::{Format, RuleOptions};
use super::{Exit, Outcome};

const EXAMPLES: &str = "\
Examples:
  plainsight explain auth-on-port-25
  plainsight explain house-rule --rules rules";

const LIST_EXAMPLES: &str = "\
Examples:
  plainsight rules
  plainsight rules --rules rules --format json";

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The rule's name, as findings show it in brackets
    rule: String,
    #[command(flatten)]
    rules: RuleOptions,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Arguments of `rules`.
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(super) struct ListArguments {
    #[command(flatten)]
    rules: RuleOptions,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, screen: &Screen) -> Outcome {
    let rules = match arguments.rules.all(None) {
        Ok(rules) => rules,
        Err(outcome) => return outcome,
    };
    let Some(rule) = rules.iter().find(|rule| rule.id == arguments.rule) else {
        let known = rules.iter().map(|rule| rule.id.as_str());
        let help =
            spelling::hint(&arguments.rule, known).unwrap_or(rule::THOSE_THERE_ARE.to_owned());
        return Outcome::trouble(vec![format!(
            "there is no rule \"{}\"; {help}",
            arguments.rule
        )]);
    };
    written(|out| match arguments.format {
        Format::Text => report::rule::explain(out, rule, screen),
        Format::Json => report::json::write(out, &report::rule::document(&[rule])),
    })
}

pub(super) fn list(arguments: &ListArguments, screen: &Screen) -> Outcome {
    let rules = match arguments.rules.all(None) {
        Ok(rules) => rules,
        Err(outcome) => return outcome,
    };
    written(|out| match arguments.format {
        Format::Text => report::rule::list(out, &rules, screen),
        Format::Json => {
            let all: Vec<_> = rules.iter().collect();
            report::json::write(out, &report::rule::document(&all))
        }
    })
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Outcome {
    let mut result = Vec::new();
    match write(&mut result) {
        Ok(()) => Outcome {
            exit: Exit::Clean,
            result,
            notes: Vec::new(),
        },
        Err(error) => Outcome::trouble(vec![error.to_string()]),
    }
}
