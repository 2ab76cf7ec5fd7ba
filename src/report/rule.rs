//! A rule for people and for programs: what `explain` and `rules` print, and its page in docs/rules.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::rule::{Remedy, Rule, Severity};

use super::link;
use super::plain::plain;
use super::screen::{Screen, Tone};
use super::table::{Cell, Column, Table};

/// Writes all that there is to know about a rule.
///
/// # Errors
/// What the writer says.
pub fn explain(out: &mut dyn Write, rule: &Rule, screen: &Screen) -> io::Result<()> {
    let id = screen.paint(Tone::Heading, &rule.id);
    let id = screen.link(link::rule(screen, &rule.id).as_deref(), &id);
    let severity = screen.paint(tone(rule.severity), rule.severity.word());
    writeln!(out, "{id} ({severity})")?;
    screen.line(out, 0, &plain(rule.summary.as_bytes()))?;
    for (heading, text) in sections(rule) {
        writeln!(out)?;
        if let Some(heading) = heading {
            writeln!(out, "{}", screen.paint(Tone::Heading, &heading))?;
        }
        for line in text.lines() {
            screen.line(out, 0, &plain(line.as_bytes()))?;
        }
    }
    Ok(())
}

const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Doubt,
        Severity::Note => Tone::Neutral,
    }
}

/// Writes a line for each rule.
///
/// # Errors
/// What the writer says.
pub fn list(out: &mut dyn Write, rules: &[Rule], screen: &Screen) -> io::Result<()> {
    let mut table = Table::new(vec![Column::name(""), Column::name(""), Column::aside("")]);
    for rule in rules {
        table.row(vec![
            Cell::linked(rule.id.clone(), link::rule(screen, &rule.id)),
            Cell::toned(rule.severity.word(), tone(rule.severity)),
            plain(rule.summary.as_bytes()).into(),
        ]);
    }
    table.write(out, screen, 0)
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
