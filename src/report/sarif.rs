//! The report of `check` as SARIF 2.1.0, for GitHub code scanning and its like. It names no account and no address.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::finding::{By, Finding, Place, Suppression};
use crate::project;
use crate::rule::Rule;
use crate::source::{Sources, Span};

use super::discreet::discreet;
use super::json::{List, VERSION};
use super::{Checked, rule};

/// Where the schema is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The names of the document, in the order of the alphabet as everywhere.
#[derive(Serialize)]
struct Document<Run> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run; 1],
    version: &'static str,
}

/// The names of its one run.
#[derive(Serialize)]
struct Run<Results> {
    #[serde(rename = "columnKind")]
    column_kind: &'static str,
    results: Results,
    tool: Value,
}

/// The document: every rule with its help, and every finding, those that are excepted marked so.
pub fn document(checked: &[Checked], exceptions: &[Finding], rules: &[Rule]) -> impl Serialize {
    let results = move || {
        let of_servers = checked.iter().flat_map(move |one| {
            let findings = one.findings.iter();
            findings.map(move |finding| result(finding, Some(one), rules))
        });
        let exceptions = exceptions.iter();
        of_servers.chain(exceptions.map(|finding| result(finding, None, rules)))
    };
    Document {
        schema: SCHEMA,
        runs: [Run {
            column_kind: "unicodeCodePoints",
            results: List(results),
            tool: json!({ "driver": {
                "name": "plainsight",
                "version": VERSION,
                "semanticVersion": VERSION,
                "rules": rules.iter().map(descriptor).collect::<Vec<_>>(),
            }}),
        }],
        version: "2.1.0",
    }
}

fn descriptor(rule: &Rule) -> Value {
    let mut text = rule.doc.why.clone();
    for (heading, remedy) in &rule.doc.remedies {
        text.push_str(&format!("\n\n{heading}\n{remedy}"));
    }
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.doc.why },
        "help": { "text": text, "markdown": rule::help(rule) },
        "defaultConfiguration": { "level": rule.severity.word() },
        "properties": { "tags": ["security", "mail", "tls"] },
    })
}

fn result(finding: &Finding, server: Option<&Checked>, rules: &[Rule]) -> Value {
    let mut object = Map::new();
    object.insert("ruleId".to_owned(), json!(finding.rule));
    if let Some(index) = rules.iter().position(|rule| rule.id == finding.rule) {
        object.insert("ruleIndex".to_owned(), json!(index));
    }
    object.insert("level".to_owned(), json!(finding.severity.word()));
    let message = discreet(&finding.message);
    object.insert("message".to_owned(), json!({ "text": message }));
    object.insert("locations".to_owned(), json!([location(finding, server)]));
    let related: Vec<Value> = server
        .into_iter()
        .flat_map(|one| {
            let others = finding.deciders.iter();
            let others = others.filter(|span| Some(**span) != finding.span);
            others.map(|span| json!({ "physicalLocation": physical(one, *span) }))
        })
        .collect();
    if !related.is_empty() {
        object.insert("relatedLocations".to_owned(), json!(related));
    }
    let name = server.map_or("", |one| one.name.as_str());
    object.insert(
        "partialFingerprints".to_owned(),
        json!({ "plainsight/v1": finding.fingerprint(name) }),
    );
    if let Some(why) = &finding.suppressed {
        object.insert("suppressions".to_owned(), json!([suppression(why)]));
    }
    Value::Object(object)
}

fn suppression(why: &Suppression) -> Value {
    let (kind, justification) = match why.by {
        By::Comment => ("inSource", why.reason.as_str()),
        By::Project => ("external", why.reason.as_str()),
        By::Baseline => ("external", "it is in the baseline"),
    };
    json!({ "kind": kind, "status": "accepted", "justification": discreet(justification) })
}

/// Where a finding is: in a file, or where no line decides it, at the server itself.
fn location(finding: &Finding, server: Option<&Checked>) -> Value {
    let mut object = Map::new();
    let physical = match (server, finding.span, &finding.place) {
        (Some(one), Some(span), _) => Some(physical(one, span)),
        (_, _, Some(place)) => Some(at(place)),
        (Some(one), None, None) => {
            let file = one.first_file(finding);
            file.map(|name| json!({ "artifactLocation": { "uri": uri(&name) } }))
        }
        (None, _, None) => None,
    };
    if let Some(physical) = physical {
        object.insert("physicalLocation".to_owned(), physical);
    }
    if let Some(endpoint) = &finding.endpoint {
        object.insert(
            "logicalLocations".to_owned(),
            json!([{ "fullyQualifiedName": discreet(endpoint), "kind": "endpoint" }]),
        );
    }
    Value::Object(object)
}

fn at(place: &Place) -> Value {
    json!({
        "artifactLocation": { "uri": uri(&place.name) },
        "region": { "startLine": place.line, "startColumn": place.column },
    })
}

fn physical(one: &Checked, span: Span) -> Value {
    json!({
        "artifactLocation": { "uri": uri_of(one, span) },
        "region": region(&one.surface.sources, span),
    })
}

fn uri_of(one: &Checked, span: Span) -> String {
    let path = one.surface.sources.shown_path(span.file);
    uri(&project::name_below(&one.base, path))
}

fn region(sources: &Sources, span: Span) -> Value {
    let start = sources.position(span);
    let end = sources.position_at(span.file, span.end);
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// A path as a URI: relative to the repository, or from the root of the file system.
fn uri(path: &str) -> String {
    let mut uri = if Path::new(path).is_absolute() {
        "file://".to_owned()
    } else {
        String::new()
    };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri("hosts/a b/ü.cf"), "hosts/a%20b/%C3%BC.cf");
        assert_eq!(uri("/etc/postfix/main.cf"), "file:///etc/postfix/main.cf");
        assert_eq!(uri("a:b"), "a%3Ab");
    }
}
