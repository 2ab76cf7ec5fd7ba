//! The report of `check` as JUnit XML: a suite for each server, and in it a case for each endpoint and rule, passed or not.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::finding::Finding;
use crate::rule::{About, Rule, Severity};

use super::Checked;
use super::discreet::discreet;
use super::plain::html;

/// Writes the document. A finding of at least `fails` makes its case fail; one below that is told and passes.
///
/// # Errors
/// What the writer says.
pub fn write(
    out: &mut dyn Write,
    checked: &[Checked],
    exceptions: &[Finding],
    rules: &[Rule],
    fails: Option<Severity>,
) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"plainsight\">")?;
    let write_suite = |out: &mut dyn Write, name: &str, cases: &[Case<'_>]| {
        Suite { name, cases, fails }.write(out)
    };
    for one in checked {
        write_suite(out, &one.name, &cases(one, rules))?;
    }
    if !exceptions.is_empty() {
        let cases: Vec<Case<'_>> = exceptions
            .iter()
            .map(|finding| Case {
                class: "plainsight.toml".to_owned(),
                rule: &finding.rule,
                findings: vec![finding],
            })
            .collect();
        write_suite(out, "exceptions", &cases)?;
    }
    writeln!(out, "</testsuites>")
}

/// One rule asked of one thing.
struct Case<'a> {
    class: String,
    rule: &'a str,
    /// What it found; nothing where it passed.
    findings: Vec<&'a Finding>,
}

/// Each rule about endpoints for each of them, each other rule for the server as a whole.
fn cases<'a>(one: &'a Checked, rules: &'a [Rule]) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    let mut ids: Vec<String> = one.surface.endpoints.iter().map(|one| one.id()).collect();
    ids.dedup();
    let mut found: HashMap<(Option<&str>, &str), Vec<&'a Finding>> = HashMap::new();
    for finding in &one.findings {
        let key = (finding.endpoint.as_deref(), finding.rule.as_str());
        found.entry(key).or_default().push(finding);
    }
    let mut classes: HashMap<String, usize> = HashMap::new();
    for id in &ids {
        let class = distinct(discreet(id), &mut classes);
        for rule in rules.iter().filter(|rule| rule.about == About::Endpoint) {
            let here = found.remove(&(Some(id.as_str()), &*rule.id));
            cases.push(Case {
                class: class.clone(),
                rule: &rule.id,
                findings: here.unwrap_or_default(),
            });
        }
    }
    for rule in rules.iter().filter(|rule| rule.about != About::Endpoint) {
        let here = found.remove(&(None, &*rule.id));
        cases.push(Case {
            class: "server".to_owned(),
            rule: &rule.id,
            findings: here.unwrap_or_default(),
        });
    }
    cases
}

/// A name that no other endpoint has: without their addresses some would have the same.
fn distinct(name: String, taken: &mut HashMap<String, usize>) -> String {
    let number = taken.entry(name.clone()).or_default();
    *number += 1;
    match *number {
        1 => name,
        number => format!("{name} ({number})"),
    }
}

struct Suite<'a> {
    name: &'a str,
    cases: &'a [Case<'a>],
    fails: Option<Severity>,
}

impl Suite<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let failed = self
            .cases
            .iter()
            .filter(|case| self.has_failed(case))
            .count();
        let skipped = self
            .cases
            .iter()
            .filter(|case| self.is_skipped(case))
            .count();
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\">",
            html(self.name.as_bytes()),
            self.cases.len(),
        )?;
        for case in self.cases {
            self.write_case(out, case)?;
        }
        writeln!(out, "  </testsuite>")
    }

    fn write_case(&self, out: &mut dyn Write, case: &Case<'_>) -> io::Result<()> {
        let (class, rule) = (html(case.class.as_bytes()), html(case.rule.as_bytes()));
        write!(out, "    <testcase classname=\"{class}\" name=\"{rule}\"")?;
        if case.findings.is_empty() {
            return writeln!(out, "/>");
        }
        writeln!(out, ">")?;
        if self.has_failed(case) {
            let failing: Vec<&&Finding> =
                case.findings.iter().filter(|one| self.fails(one)).collect();
            let first = failing
                .first()
                .map_or("", |finding| finding.message.as_str());
            let first = html(discreet(first).as_bytes());
            writeln!(out, "      <failure message=\"{first}\" type=\"{rule}\">")?;
            for finding in failing {
                writeln!(out, "{}", line(finding))?;
            }
            writeln!(out, "      </failure>")?;
        } else if self.is_skipped(case) {
            let reasons = case
                .findings
                .iter()
                .filter_map(|one| one.suppressed.as_ref());
            let reason = reasons
                .map(|why| why.reason.as_str())
                .next()
                .unwrap_or_default();
            let reason = html(discreet(reason).as_bytes());
            writeln!(out, "      <skipped message=\"{reason}\"/>")?;
        }
        let told: Vec<&&Finding> = case
            .findings
            .iter()
            .filter(|one| one.suppressed.is_none() && !self.fails(one))
            .collect();
        if !told.is_empty() {
            writeln!(out, "      <system-out>")?;
            for finding in told {
                writeln!(out, "{}", line(finding))?;
            }
            writeln!(out, "      </system-out>")?;
        }
        writeln!(out, "    </testcase>")
    }

    /// Whether a finding counts and is grave enough.
    fn fails(&self, finding: &Finding) -> bool {
        let grave = self.fails.is_some_and(|least| finding.severity >= least);
        finding.suppressed.is_none() && grave
    }

    fn has_failed(&self, case: &Case<'_>) -> bool {
        case.findings.iter().any(|finding| self.fails(finding))
    }

    /// Whether everything that was found is excepted.
    fn is_skipped(&self, case: &Case<'_>) -> bool {
        let mut findings = case.findings.iter();
        !case.findings.is_empty() && findings.all(|finding| finding.suppressed.is_some())
    }
}

/// A finding on a line of its own, in XML.
fn line(finding: &Finding) -> String {
    let place = finding.place.as_ref().map_or_else(String::new, |place| {
        format!("{}:{}:{}: ", place.name, place.line, place.column)
    });
    let text = format!(
        "{place}{}: {}",
        finding.severity,
        discreet(&finding.message)
    );
    html(text.as_bytes())
}
