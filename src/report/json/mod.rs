//! The reports as JSON, in the names that docs/json.md fixes. Names are added, never changed.
//! The document of `preflight` is beside this file.

mod preflight;

use std::collections::BTreeMap;
use std::io::{self, Write};

use bstr::ByteSlice;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::evidence::{Calibration, Evidence, Example, Refusal, Row, Text, Time};
use crate::finding::Finding;
use crate::source::{Origin, Sources, Span};
use crate::surface::{Because, Endpoint, Exemption};
use crate::version::Range;

use super::{Checked, plain, totals};

pub use preflight::preflight;

/// The version of this program, in every document.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Writes a document, indented, with a newline at its end.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let mut lines = Lines {
        out,
        line: Vec::new(),
    };
    serde_json::to_writer_pretty(&mut lines, document)?;
    lines.write_all(b"\n")
}

/// Makes what is written through it harmless, line by line; no string of an indented document goes beyond its line.
struct Lines<'o> {
    out: &'o mut dyn Write,
    /// The line that has not ended yet.
    line: Vec<u8>,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if bytes.ends_with(b"\n") {
            let line = self.line.to_str_lossy();
            self.out.write_all(plain::json(&line).as_bytes())?;
            self.line.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A list of which each item is made when its turn comes, so that the list itself takes no memory.
pub(super) struct List<F>(pub(super) F);

impl<F, I> Serialize for List<F>
where
    F: Fn() -> I,
    I: Iterator<Item = Value>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// The names of the document of `check`, in the order of the alphabet as everywhere.
#[derive(Serialize)]
struct Check<Endpoints, Findings, Problems> {
    endpoints: Endpoints,
    findings: Findings,
    problems: Problems,
    schema: &'static str,
    summary: Value,
    version: &'static str,
}

/// The document of `check`.
pub fn check(checked: &[Checked], exceptions: &[Finding]) -> impl Serialize {
    let endpoints = move || {
        checked.iter().flat_map(|one| {
            let (root, surface) = (root_of(one), &one.surface);
            let endpoints = surface.endpoints.iter();
            endpoints.map(move |endpoint| self::endpoint(endpoint, &root, &surface.sources))
        })
    };
    let findings = move || {
        let of_servers = checked.iter().flat_map(|one| {
            let root = root_of(one);
            let findings = one.findings.iter();
            findings.map(move |finding| self::finding(finding, Some(&root), &one.name))
        });
        let exceptions = exceptions.iter();
        of_servers.chain(exceptions.map(|finding| self::finding(finding, None, "")))
    };
    let problems = move || {
        checked.iter().flat_map(|one| {
            one.surface.problems.iter().map(|problem| {
                let mut object = place(&one.surface.sources, problem.span);
                object.insert("message".to_owned(), json!(problem.message));
                Value::Object(object)
            })
        })
    };
    Check {
        endpoints: List(endpoints),
        findings: List(findings),
        problems: List(problems),
        schema: "plainsight/check/1",
        summary: summary(checked, exceptions),
        version: VERSION,
    }
}

fn root_of(one: &Checked) -> String {
    one.surface.root.shown.display().to_string()
}

fn summary(checked: &[Checked], exceptions: &[Finding]) -> Value {
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let endpoints = checked.iter().any(|one| !one.surface.endpoints.is_empty());
    let mut enforced = true;
    for one in checked {
        for endpoint in &one.surface.endpoints {
            *verdicts.entry(endpoint.verdict.word()).or_default() += 1;
            enforced &= endpoint.verdict.is_enforced();
        }
    }
    let findings = checked.iter().flat_map(|one| &one.findings);
    let (mut open, mut suppressed) = (BTreeMap::<&str, usize>::new(), 0);
    for finding in findings.chain(exceptions) {
        match finding.suppressed {
            None => *open.entry(finding.severity.word()).or_default() += 1,
            Some(_) => suppressed += 1,
        }
    }
    json!({
        "roots": checked.len(),
        "enforced": endpoints.then_some(enforced),
        "verdicts": verdicts,
        "findings": open,
        "suppressed": suppressed,
    })
}

fn endpoint(endpoint: &Endpoint, root: &str, sources: &Sources) -> Value {
    json!({
        "id": endpoint.id(),
        "server": endpoint.server.to_string(),
        "root": root,
        "service": endpoint.service,
        "protocol": endpoint.protocol.to_string(),
        "address": endpoint.address,
        "port": endpoint.port,
        "tls": endpoint.tls.to_string(),
        "verdict": endpoint.verdict.word(),
        "why": verdict_text(endpoint),
        "because": endpoint.because.iter().map(|because| self::because(because, sources)).collect::<Vec<_>>(),
        "exemptions": endpoint.exemptions.iter().map(exemption).collect::<Vec<_>>(),
        "assumed": endpoint.assumed,
        "version_range": (endpoint.versions != Range::ANY).then(|| endpoint.versions.to_string()),
        "log_name": endpoint.log_name,
    })
}

fn verdict_text(endpoint: &Endpoint) -> Option<&str> {
    use crate::surface::Verdict;
    match &endpoint.verdict {
        Verdict::Fails(why) | Verdict::Unknown(why) => Some(why),
        Verdict::TlsOnly
        | Verdict::Cleartext
        | Verdict::Challenge
        | Verdict::LockedOut
        | Verdict::NoAuth => None,
    }
}

fn because(because: &Because, sources: &Sources) -> Value {
    let mut object = Map::new();
    object.insert("setting".to_owned(), json!(because.setting));
    object.insert("value".to_owned(), json!(because.value.to_string()));
    match because.origin {
        Origin::File(span) => object.extend(place(sources, span)),
        Origin::Default(since) => {
            object.insert("default".to_owned(), json!(format!("since {since}")));
        }
        Origin::Implied(how) => {
            object.insert("default".to_owned(), json!(how));
        }
    }
    Value::Object(object)
}

fn exemption(exemption: &Exemption) -> Value {
    json!({
        "kind": exemption.kind.word(),
        "network": exemption.network,
        "detail": exemption.detail,
    })
}

fn finding(finding: &Finding, root: Option<&str>, name: &str) -> Value {
    let place = finding.place.as_ref();
    json!({
        "rule": finding.rule,
        "severity": finding.severity.word(),
        "message": finding.message,
        "endpoint": finding.endpoint,
        "root": root,
        "file": place.map(|place| place.file.display().to_string()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "fix": finding.fix.word(),
        "fingerprint": finding.fingerprint(name),
        "suppressed": finding.suppressed.as_ref().map(|why| json!({
            "by": why.by.word(),
            "reason": why.reason,
            "owner": why.owner,
            "until": why.until.map(|until| until.to_string()),
        })),
    })
}

fn place(sources: &Sources, span: Span) -> Map<String, Value> {
    let position = sources.position(span);
    let mut object = Map::new();
    object.insert(
        "file".to_owned(),
        json!(sources.shown_path(span.file).display().to_string()),
    );
    object.insert("line".to_owned(), json!(position.line));
    object.insert("column".to_owned(), json!(position.column));
    object
}

/// The names of the document of `scan`.
#[derive(Serialize)]
struct Scan<'a, Anonymous, Calibrations, Rows, Refusals> {
    anonymous: Anonymous,
    calibration: Calibrations,
    evidence: Rows,
    lines: Value,
    refused: Refusals,
    schema: &'static str,
    stopped: bool,
    totals: Map<String, Value>,
    version: &'static str,
    warnings: &'a [String],
    window: Value,
}

/// The document of `scan`. A log has millions of accounts, so that each row is made when its turn comes.
pub fn scan(evidence: &Evidence) -> impl Serialize {
    let totals: Map<String, Value> = totals::totals(evidence)
        .protocols
        .into_iter()
        .map(|(protocol, one)| {
            let numbers = json!({
                "accounts": one.accounts,
                "clear": one.clear,
                "tls": one.tls,
                "local": one.local,
                "trusted": one.trusted,
                "unknown": one.unknown,
            });
            (protocol.to_string(), numbers)
        })
        .collect();
    Scan {
        anonymous: List(|| evidence.anonymous.iter().map(row)),
        calibration: List(|| evidence.calibration.iter().map(calibration)),
        evidence: List(|| evidence.rows.iter().map(row)),
        lines: json!({
            "read": evidence.lines.read,
            "candidate": evidence.lines.candidate,
            "unparsed": evidence.lines.unparsed,
        }),
        refused: List(|| evidence.refused.iter().map(refusal)),
        schema: "plainsight/scan/1",
        stopped: evidence.stopped,
        totals,
        version: VERSION,
        warnings: &evidence.warnings,
        window: window(evidence),
    }
}

fn window(evidence: &Evidence) -> Value {
    let window = &evidence.window;
    let gaps: Vec<Value> = window
        .gaps
        .iter()
        .map(|(first, last)| json!({"first": first.to_string(), "last": last.to_string()}))
        .collect();
    json!({
        "first": time(window.first),
        "last": time(window.last),
        "days": window.days(),
        "gaps": gaps,
    })
}

fn time(time: Option<Time>) -> Value {
    json!(time.map(|time| time.to_string()))
}

/// A text of a log; what is no UTF-8 in it is replaced.
fn text(text: &Text) -> String {
    text.to_string()
}

fn example(example: Option<&Example>) -> Value {
    match example {
        Some(example) => {
            json!({"file": example.file.display().to_string(), "line": example.line})
        }
        None => Value::Null,
    }
}

fn row(row: &Row) -> Value {
    json!({
        "host": text(&row.way.host),
        "service": text(&row.way.service),
        "protocol": row.way.protocol.to_string(),
        "account": row.account.as_ref().map(text),
        "client": text(&row.client),
        "client_name": row.client_name.as_ref().map(text),
        "server_address": row.way.server_address.as_ref().map(text),
        "method": text(&row.way.method),
        "transport": row.way.transport.word(),
        "tls_version": row.tls_version.as_ref().map(text),
        "logins": row.logins,
        "first": time(row.first),
        "last": time(row.last),
        "example": example(row.example.as_ref()),
        "ambiguous": row.ambiguous,
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "host": text(&refusal.host),
        "service": text(&refusal.service),
        "protocol": refusal.protocol.to_string(),
        "account": refusal.account.as_ref().map(text),
        "client": text(&refusal.client),
        "reason": refusal.reason,
        "certain": refusal.certain,
        "times": refusal.times,
        "first": time(refusal.first),
        "last": time(refusal.last),
        "example": example(refusal.example.as_ref()),
    })
}

fn calibration(calibration: &Calibration) -> Value {
    json!({
        "host": text(&calibration.host),
        "service": text(&calibration.service),
        "silence_proves": calibration.silence_proves,
        "why": calibration.why,
    })
}
