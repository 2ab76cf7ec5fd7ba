//! A finding: what a rule says of one endpoint, with the place that decides it and the fix.

use crate::rule::{Remedy, Rule, Severity};
use crate::source::{Origin, Span};
use crate::surface::{Endpoint, Server, Verdict};

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

/// What a rule says of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// How grave it is.
    pub severity: Severity,
    /// What was found, for this endpoint.
    pub message: String,
    /// The server behind the endpoint.
    pub server: Server,
    /// The endpoint's id.
    pub endpoint: String,
    /// The setting that decides it, where one is written down.
    pub span: Option<Span>,
    /// The fix.
    pub fix: Fix,
}

impl Finding {
    /// A name for this finding that survives edits elsewhere in the file.
    pub fn fingerprint(&self) -> String {
        // FNV-1a, 64 bits: short, stable across releases and machines, and nobody gains by forging it.
        let text = format!("{}\0{}", self.rule, self.endpoint);
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}

/// What the rules say of these endpoints, in the order of the endpoints. A fix counts as safe here;
/// who holds evidence may find that it is not.
pub fn of_endpoints(endpoints: &[Endpoint], rules: &[Rule]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for endpoint in endpoints {
        for rule in rules.iter().filter(|rule| rule.when.holds(endpoint)) {
            findings.push(Finding {
                rule: rule.id.clone(),
                severity: rule.severity,
                message: message(rule, endpoint),
                server: endpoint.server,
                endpoint: endpoint.id(),
                span: endpoint
                    .because
                    .iter()
                    .find_map(|because| match because.origin {
                        Origin::File(span) => Some(span),
                        Origin::Default(_) | Origin::Implied(_) => None,
                    }),
                fix: match rule.remedy {
                    Remedy::EnforceTls => Fix::Safe,
                    Remedy::None => Fix::None,
                },
            });
        }
    }
    findings
}

fn message(rule: &Rule, endpoint: &Endpoint) -> String {
    let place = format!("{} on port {}", endpoint.service, endpoint.port);
    match &endpoint.verdict {
        Verdict::Fails(why) | Verdict::Unknown(why) => {
            format!("{place}: {}: {why}", rule.summary)
        }
        Verdict::TlsOnly
        | Verdict::Cleartext
        | Verdict::Challenge
        | Verdict::LockedOut
        | Verdict::NoAuth => format!("{place}: {}", rule.summary),
    }
}
