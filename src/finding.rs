//! A finding: what a rule says of one endpoint, server, setting or trap, with the place that decides it and the fix.

use std::path::PathBuf;

use bstr::ByteSlice;
use jiff::civil::Date;

use crate::dovecot::Family;
use crate::rule::{About, Case, Remedy, Rule, Severity, Subject, Truth};
use crate::source::{Origin, Sources, Span};
use crate::surface::server::Surface;
use crate::surface::{Because, Endpoint, Server, Verdict};
use crate::trap;
use crate::version::Range;

/// Whether a fix can be made without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fix {
    /// TLS is on offer with a usable certificate and no client in the evidence breaks.
    Safe,
    /// There is a fix, and it may shut somebody out.
    Unsafe,
    /// There is none that a program should make by itself.
    None,
}

impl Fix {
    /// The word for it in every output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::None => "none",
        }
    }
}

/// What a rule says of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// How grave it is.
    pub severity: Severity,
    /// What was found, in words.
    pub message: String,
    /// The server it belongs to; none for what is wrong with an exception.
    pub server: Option<Server>,
    /// The endpoint's id, where the rule is about endpoints.
    pub endpoint: Option<String>,
    /// What it is about, in words that survive edits elsewhere in the file.
    pub subject: String,
    /// The setting that decides it, where one is written down.
    pub span: Option<Span>,
    /// The place to show.
    pub place: Option<Place>,
    /// The settings that decide it with that one, where they are written down.
    pub deciders: Vec<Span>,
    /// The releases for which it holds, where it does not hold for all that can be meant.
    pub releases: Option<String>,
    /// The fix.
    pub fix: Fix,
    /// What to write, in a sentence; the command that shows it where there is a fix.
    pub advice: Option<String>,
    /// Why it does not count, if it does not.
    pub suppressed: Option<Suppression>,
}

/// A place to show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the user would type it.
    pub file: PathBuf,
    /// The file, as its repository names it, where that is known.
    pub name: String,
    /// Its line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place where a span begins.
    pub fn of(sources: &Sources, span: Span) -> Self {
        let position = sources.position(span);
        let file = sources.shown_path(span.file).to_path_buf();
        Self {
            name: file.display().to_string(),
            file,
            line: position.line,
            column: position.column,
        }
    }
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Where that is said.
    pub by: By,
    /// Why; empty for a baseline, which gives no reasons.
    pub reason: String,
    /// Who looks after it.
    pub owner: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Date>,
}

/// Where an exception stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// In a comment of the configuration.
    Comment,
    /// In plainsight.toml.
    Project,
    /// In a baseline.
    Baseline,
}

impl By {
    /// The word for it in every output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Project => "project",
            Self::Baseline => "baseline",
        }
    }
}

impl Finding {
    /// A name for this finding that survives edits elsewhere in the file; `root` is the server as its repository names it.
    pub fn fingerprint(&self, root: &str) -> String {
        // FNV-1a, 64 bits: short, stable across releases and machines, and nobody gains by forging it.
        let text = format!("{}\0{root}\0{}", self.rule, self.subject);
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}

/// What the rules say of a server: first of its endpoints in their order, then of it as a whole, of its settings and traps.
/// A fix counts as safe here; who judges the change, or holds evidence, may find that it is not.
pub fn of_surface(surface: &Surface, rules: &[Rule]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let about = |about: About| rules.iter().filter(move |rule| rule.about == about);
    for endpoint in &surface.endpoints {
        let mut here: Vec<Finding> = about(About::Endpoint)
            .filter_map(|rule| judge(surface, rule, Subject::Endpoint(endpoint)))
            .collect();
        leave_out_replaced(&mut here, rules);
        findings.extend(here);
    }
    for rule in about(About::Server) {
        let servers = [
            (Server::Postfix, surface.postfix.is_some()),
            (Server::Dovecot, surface.dovecot.is_some()),
        ];
        for (server, _) in servers.into_iter().filter(|(_, here)| *here) {
            findings.extend(judge(surface, rule, Subject::Server(server)));
        }
    }
    if about(About::Setting).next().is_some() {
        for written in &surface.written() {
            let rules = about(About::Setting);
            findings
                .extend(rules.filter_map(|rule| judge(surface, rule, Subject::Setting(written))));
        }
    }
    if about(About::Trap).next().is_some() {
        for trap in &trap::find(surface) {
            let rules = about(About::Trap);
            findings.extend(rules.filter_map(|rule| judge(surface, rule, Subject::Trap(trap))));
        }
    }
    findings
}

/// Takes away what another finding at the same endpoint says in more particular words.
fn leave_out_replaced(findings: &mut Vec<Finding>, rules: &[Rule]) {
    let replaced: Vec<String> = findings
        .iter()
        .filter_map(|finding| rules.iter().find(|rule| rule.id == finding.rule))
        .flat_map(|rule| rule.replaces.clone())
        .collect();
    findings.retain(|finding| !replaced.contains(&finding.rule));
}

/// What one rule says of one thing, if it says anything.
fn judge(surface: &Surface, rule: &Rule, subject: Subject<'_>) -> Option<Finding> {
    let mut case = Case::new(surface, subject);
    let truth = rule.when.holds(&mut case);
    let (severity, message) = match truth {
        Truth::No => return None,
        Truth::Yes => (rule.severity, message(rule, &case)),
        // Only an endpoint or a server has values that no file tells.
        Truth::Unknown(why) => (
            rule.severity.min(Severity::Warning),
            format!(
                "{}it cannot be told whether {}: it depends on {why}",
                place(subject),
                rule.summary
            ),
        ),
    };
    let span = span(&case);
    Some(Finding {
        rule: rule.id.clone(),
        severity,
        message,
        server: Some(subject.server()),
        endpoint: match subject {
            Subject::Endpoint(endpoint) => Some(endpoint.id()),
            Subject::Server(_) | Subject::Setting(_) | Subject::Trap(_) => None,
        },
        subject: subject_words(subject),
        span,
        place: span.map(|span| Place::of(&surface.sources, span)),
        deciders: deciders(&case),
        releases: match subject {
            Subject::Endpoint(endpoint) if endpoint.versions != Range::ANY => {
                Some(format!("{} {}", endpoint.server, endpoint.versions))
            }
            Subject::Endpoint(_) | Subject::Server(_) | Subject::Setting(_) | Subject::Trap(_) => {
                None
            }
        },
        fix: match rule.remedy {
            Remedy::EnforceTls => Fix::Safe,
            Remedy::None => Fix::None,
        },
        advice: advice(surface, rule, subject.server()),
        suppressed: None,
    })
}

/// What to write to be rid of it.
fn advice(surface: &Surface, rule: &Rule, server: Server) -> Option<String> {
    match rule.remedy {
        // The change itself tells more.
        Remedy::EnforceTls => return None,
        Remedy::None => {}
    }
    let family = surface.dovecot.as_ref().map(|config| config.family);
    let key = match (server, family) {
        (Server::Postfix, _) => "postfix",
        (Server::Dovecot, Some(Family::V24)) => "dovecot-2_4",
        (Server::Dovecot, Some(Family::V23) | None) => "dovecot-2_3",
    };
    rule.doc.advice(key).or_else(|| rule.doc.advice("any"))
}

/// What was found, and what makes it so as far as the rule asked for it.
fn message(rule: &Rule, case: &Case<'_>) -> String {
    let place = place(case.subject);
    let summary = &rule.summary;
    let mut message = match case.subject {
        Subject::Endpoint(endpoint) => match &endpoint.verdict {
            Verdict::Fails(why) | Verdict::Unknown(why) => format!("{place}{summary}: {why}"),
            Verdict::TlsOnly
            | Verdict::Cleartext
            | Verdict::Challenge
            | Verdict::LockedOut
            | Verdict::NoAuth => format!("{place}{summary}"),
        },
        Subject::Server(_) | Subject::Setting(_) => format!("{place}{summary}"),
        Subject::Trap(trap) => format!("{summary}: {}", trap.detail),
    };
    let settings = case.looked_up.iter().map(short);
    let reasons: Vec<String> = case
        .told
        .iter()
        .map(|(text, _)| text.clone())
        .chain(settings)
        .collect();
    if !reasons.is_empty() {
        message.push_str(": ");
        message.push_str(&reasons.join(", "));
    }
    message
}

/// `name = value`, cut where the value is long.
fn short(because: &Because) -> String {
    let value = because.value.to_str_lossy();
    if value.is_empty() {
        return format!("{} is empty", because.setting);
    }
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} = {}…", because.setting, &value[..end]),
        None => format!("{} = {value}", because.setting),
    }
}

/// More characters of a value than this are not repeated in a message.
const LONGEST: usize = 60;

/// What the message begins with: the thing that the rule speaks of.
fn place(subject: Subject<'_>) -> String {
    match subject {
        Subject::Endpoint(endpoint) => endpoint_place(endpoint),
        Subject::Server(_) | Subject::Trap(_) => String::new(),
        Subject::Setting(written) if written.scope.is_empty() => format!("{}: ", written.name),
        Subject::Setting(written) => format!("{} in {}: ", written.name, written.scope),
    }
}

fn endpoint_place(endpoint: &Endpoint) -> String {
    match endpoint.port {
        0 => format!("{}: ", endpoint.service),
        port => format!("{} on port {port}: ", endpoint.service),
    }
}

/// The words by which the same finding is known again after an edit elsewhere.
fn subject_words(subject: Subject<'_>) -> String {
    match subject {
        // Not the releases: a finding stays the same when somebody says which one runs.
        Subject::Endpoint(endpoint) => endpoint.id(),
        Subject::Server(server) => server.to_string(),
        Subject::Setting(written) => format!(
            "{}\0{}\0{}\0{}",
            written.server, written.scope, written.name, written.value
        ),
        Subject::Trap(trap) => format!("{}\0{}", trap.server, trap.detail),
    }
}

/// The place to show: a setting that the rule asked for, what else makes its condition hold, else what decides the endpoint.
fn span(case: &Case<'_>) -> Option<Span> {
    let because: &[Because] = match case.subject {
        Subject::Endpoint(endpoint) => &endpoint.because,
        Subject::Server(_) => &[],
        Subject::Setting(written) if written.span.is_empty() => return Some(written.name_span),
        Subject::Setting(written) => return Some(written.span),
        Subject::Trap(trap) => return Some(trap.span),
    };
    let looked_up = case.looked_up.iter().map(|because| because.origin);
    let told = case.told.iter().filter_map(|(_, origin)| *origin);
    let deciding = because.iter().map(|because| because.origin);
    looked_up
        .chain(told)
        .find_map(in_file)
        .or_else(|| naming(case))
        .or_else(|| deciding.into_iter().find_map(in_file))
}

/// Every setting that was looked up, else what decides the endpoint, where it is written down.
fn deciders(case: &Case<'_>) -> Vec<Span> {
    let because: &[Because] = match case.subject {
        Subject::Endpoint(endpoint) if case.looked_up.is_empty() => &endpoint.because,
        Subject::Endpoint(_) | Subject::Server(_) | Subject::Setting(_) | Subject::Trap(_) => {
            &case.looked_up
        }
    };
    let origins = because.iter().map(|because| because.origin);
    origins.filter_map(in_file).collect()
}

/// The place of a value that is written down.
pub(crate) const fn in_file(origin: Origin) -> Option<Span> {
    match origin {
        Origin::File(span) => Some(span),
        Origin::Default(_) | Origin::Implied(_) => None,
    }
}

/// The line that names a file of which the condition tells, such as a certificate.
fn naming(case: &Case<'_>) -> Option<Span> {
    let told = &case.told;
    let written = if told.is_empty() {
        Vec::new()
    } else {
        case.surface.written()
    };
    written.into_iter().find_map(|one| {
        let is_path = one.value.starts_with(b"/");
        let is_told = |text: &str| text.as_bytes().contains_str(&one.value);
        let named = told.iter().any(|(text, _)| is_told(text));
        (is_path && one.in_force && named).then_some(one.span)
    })
}
