//! `plainsight explain` and `plainsight rules`: why a rule matters, and how to fix what it finds.

use clap::Args;

use crate::rule::Rule;

use super::{Exit, Outcome};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The rule's name, as findings show it in brackets
    rule: String,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let rules = Rule::built_in();
    let Some(rule) = rules.iter().find(|rule| rule.id == arguments.rule) else {
        let names: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        return Outcome::trouble(vec![format!(
            "there is no rule \"{}\"; there are {}",
            arguments.rule.escape_default(),
            names.join(", ")
        )]);
    };
    let mut text = format!(
        "{} ({})\n{}\n\n{}\n",
        rule.id, rule.severity, rule.summary, rule.doc.why
    );
    for (heading, remedy) in &rule.doc.remedies {
        text.push_str(&format!("\n{heading}\n{remedy}\n"));
    }
    text.push_str(&format!("\nHow it was verified\n{}\n", rule.doc.verified));
    Outcome {
        exit: Exit::Clean,
        result: text.into_bytes(),
        notes: Vec::new(),
    }
}

pub(super) fn list() -> Outcome {
    let rules = Rule::built_in();
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let text: String = rules
        .iter()
        .map(|rule| {
            let severity = rule.severity.to_string();
            format!("{:width$}  {severity:7}  {}\n", rule.id, rule.summary)
        })
        .collect();
    Outcome {
        exit: Exit::Clean,
        result: text.into_bytes(),
        notes: Vec::new(),
    }
}
