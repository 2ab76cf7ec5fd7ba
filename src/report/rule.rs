//! A rule for people and for programs: what `explain` and `rules` print, and its page in docs/rules.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::rule::{Remedy, Rule};

use super::plain::plain;

/// Writes all that there is to know about a rule.
///
/// # Errors
/// What the writer says.
pub fn explain(out: &mut dyn Write, rule: &Rule) -> io::Result<()> {
    writeln!(out, "{} ({})", rule.id, rule.severity)?;
    writeln!(out, "{}", plain(rule.summary.as_bytes()))?;
    for (heading, text) in sections(rule) {
        if let Some(heading) = heading {
            writeln!(out, "\n{heading}")?;
        } else {
            writeln!(out)?;
        }
        for line in text.lines() {
            writeln!(out, "{}", plain(line.as_bytes()))?;
        }
    }
    Ok(())
}

/// Writes a line for each rule.
///
/// # Errors
/// What the writer says.
pub fn list(out: &mut dyn Write, rules: &[Rule]) -> io::Result<()> {
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in rules {
        let summary = plain(rule.summary.as_bytes());
        writeln!(
            out,
            "{:width$}  {:7}  {summary}",
            rule.id,
            rule.severity.word()
        )?;
    }
    Ok(())
}

/// The page of a rule in docs/rules, in Markdown.
pub fn page(rule: &Rule) -> String {
    let mut page = format!(
        "<!-- Made from rules/{0}.toml by PLAINSIGHT_DOCS=overwrite cargo test --test rules; edit the rule instead. -->\n\n\
         # {0}\n\n{1}: {2}.\n",
        rule.id, rule.severity, rule.summary
    );
    page.push('\n');
    page.push_str(&help(rule));
    page
}

/// The text of its page, without the head, in Markdown.
pub fn help(rule: &Rule) -> String {
    let mut help = String::new();
    for (heading, text) in sections(rule) {
        match heading {
            Some(heading) => help.push_str(&format!("\n## {heading}\n\n{text}\n")),
            None => help.push_str(&format!("{text}\n")),
        }
    }
    help
}

/// The page that lists the rules, in Markdown.
pub fn index(rules: &[Rule]) -> String {
    let mut page = "<!-- Made from rules/*.toml by PLAINSIGHT_DOCS=overwrite cargo test --test rules; edit the rules instead. -->\n\n\
        # Rules\n\n| rule | severity | what it finds |\n|---|---|---|\n"
        .to_owned();
    for rule in rules {
        let (id, severity, summary) = (&rule.id, rule.severity, &rule.summary);
        page.push_str(&format!("| [{id}]({id}.md) | {severity} | {summary} |\n"));
    }
    page
}

/// The parts of its text: a heading, none for the first, and the words under it.
fn sections(rule: &Rule) -> Vec<(Option<String>, String)> {
    let mut sections = vec![(None, rule.doc.why.clone())];
    for (heading, remedy) in &rule.doc.remedies {
        sections.push((Some(heading.clone()), remedy.clone()));
    }
    match rule.remedy {
        Remedy::EnforceTls => sections.push((
            Some("What plainsight changes".to_owned()),
            "`plainsight diff` shows the change.".to_owned(),
        )),
        Remedy::None => {}
    }
    if let Some(verified) = &rule.doc.verified {
        sections.push((Some("How it was verified".to_owned()), verified.clone()));
    }
    if !rule.doc.see.is_empty() {
        sections.push((Some("See also".to_owned()), rule.doc.see.join(", ")));
    }
    sections
}

/// The document of `explain` and `rules`.
pub fn document(rules: &[&Rule]) -> Value {
    let rules: Vec<Value> = rules.iter().map(|rule| object(rule)).collect();
    json!({
        "schema": "plainsight/rules/1",
        "version": super::json::VERSION,
        "rules": rules,
    })
}

fn object(rule: &Rule) -> Value {
    let remedies: Vec<Value> = rule
        .doc
        .remedies
        .iter()
        .map(|(heading, text)| json!({ "for": heading, "text": text }))
        .collect();
    json!({
        "id": rule.id,
        "severity": rule.severity.word(),
        "summary": rule.summary,
        "about": rule.about.word(),
        "why": rule.doc.why,
        "remedies": remedies,
        "verified": rule.doc.verified,
        "see": rule.doc.see,
    })
}
