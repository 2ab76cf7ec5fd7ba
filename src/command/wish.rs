//! A wish: what `diff` and `apply` let the user say about the change.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::finding;
use crate::fix::{self, Change, Wish};
use crate::impact::{self, Asked, Impact};
use crate::project::Project;
use crate::rule::Rule;
use crate::spelling;
use crate::surface::server::Surface;
use crate::surface::{Endpoint, Server};

use super::Outcome;
use super::clock::today;
use super::logs::LogOptions;

/// What the user wants of the change.
#[derive(Debug, Args)]
pub(super) struct WishOptions {
    /// Change this server alone
    #[arg(long, value_enum, value_name = "SERVER")]
    only: Option<Product>,
    /// Close this endpoint alone: its service, its port, or its id as in the JSON output; may be given several times
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Vec<String>,
    /// Close only the endpoints at which this rule finds something; may be given several times
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// Put TLS on offer where it is off and a certificate is at hand
    #[arg(long)]
    enable_tls: bool,
    /// Change also what may shut somebody out
    #[arg(long)]
    unsafe_fixes: bool,
    /// Change nothing unless it closes everything
    #[arg(long)]
    strict: bool,
    /// A mail log: a change that would break a client in it is not safe; may be given several times
    #[arg(long, value_name = "LOG")]
    log: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Product {
    /// main.cf and master.cf
    Postfix,
    /// dovecot.conf and what it includes
    Dovecot,
}

impl WishOptions {
    /// The changes to these servers, which agree on the files they share.
    ///
    /// # Errors
    /// What cannot be read, or names nothing.
    pub(super) fn changes(&self, surfaces: &[Surface]) -> Result<Vec<Change>, Outcome> {
        if surfaces.len() > 1 && !self.log.is_empty() {
            return Err(Outcome::trouble(vec![format!(
                "--log tells about one server, and there are {}; name one of them",
                surfaces.len()
            )]));
        }
        let rules = Rule::built_in();
        let known = || rules.iter().map(|rule| rule.id.as_str());
        let unknown = self.rule.iter().filter(|id| known().all(|one| one != **id));
        let unknown: Vec<String> = unknown
            .map(|id| {
                let help = spelling::hint(id, known());
                let help = help.unwrap_or("`plainsight rules` lists them".to_owned());
                format!("there is no rule \"{id}\"; {help}")
            })
            .collect();
        if !unknown.is_empty() {
            return Err(Outcome::trouble(unknown));
        }
        for named in &self.endpoint {
            let mut all = surfaces.iter().flat_map(|surface| &surface.endpoints);
            if !all.any(|endpoint| is_named(endpoint, named)) {
                return Err(Outcome::trouble(vec![no_endpoint(named, surfaces)]));
            }
        }
        let mut changes = Vec::new();
        for surface in surfaces {
            changes.push(self.change(surface, &rules)?);
        }
        Ok(fix::agree(surfaces, changes, &self.wish()))
    }

    /// Whether a change that leaves something open is none.
    pub(super) fn refuses(&self, changes: &[Change]) -> bool {
        self.strict
            && changes
                .iter()
                .any(|change| change.left_open().next().is_some())
    }

    fn change(&self, surface: &Surface, rules: &[Rule]) -> Result<Change, Outcome> {
        let mut wish = self.wish();
        wish.endpoints = self.endpoints(surface, rules);
        let change = fix::enforce(surface, &wish);
        if self.log.is_empty() || change.edits.is_empty() && change.unsafe_because.is_empty() {
            return Ok(change);
        }
        wish.harmful = self.harmful(surface, &wish)?;
        Ok(fix::enforce(surface, &wish))
    }

    fn wish(&self) -> Wish {
        Wish {
            only: self.only.map(|only| match only {
                Product::Postfix => Server::Postfix,
                Product::Dovecot => Server::Dovecot,
            }),
            endpoints: None,
            unsafe_fixes: self.unsafe_fixes,
            enable_tls: self.enable_tls,
            harmful: Vec::new(),
        }
    }

    /// The endpoints that are meant; none where all are.
    fn endpoints(&self, surface: &Surface, rules: &[Rule]) -> Option<BTreeSet<String>> {
        if self.endpoint.is_empty() && self.rule.is_empty() {
            return None;
        }
        let found = finding::of_surface(surface, rules);
        let by_rule = |endpoint: &Endpoint| {
            let mut here = found.iter().filter(|one| self.rule.contains(&one.rule));
            self.rule.is_empty() || here.any(|one| one.endpoint.as_ref() == Some(&endpoint.id()))
        };
        let by_name = |endpoint: &Endpoint| {
            let mut named = self.endpoint.iter();
            self.endpoint.is_empty() || named.any(|named| is_named(endpoint, named))
        };
        let all = surface.endpoints.iter();
        Some(
            all.filter(|endpoint| by_rule(endpoint) && by_name(endpoint))
                .map(Endpoint::id)
                .collect(),
        )
    }

    /// Who in the logs would break, for each server.
    fn harmful(&self, surface: &Surface, wish: &Wish) -> Result<Vec<(Server, String)>, Outcome> {
        let whole = fix::enforce(
            surface,
            &Wish {
                unsafe_fixes: true,
                ..wish.clone()
            },
        );
        let logs = LogOptions::of(&self.log);
        let evidence = logs.read(&logs.named(&[]), Some(surface))?;
        let project = Project::of(&surface.root.shown).map_err(Outcome::trouble)?;
        let today = today();
        let mut acceptances = project.acceptances;
        acceptances.retain(|one| !one.is_expired(today));
        let asked = Asked {
            networks: project.networks,
            acceptances,
            ..Asked::default()
        };
        let answer = impact::preflight(surface, &whole, &evidence, &asked);
        let mut harmful = Vec::new();
        for account in &answer.accounts {
            for client in &account.clients {
                if client.impact != Impact::Breaks || client.accepted.is_some() {
                    continue;
                }
                let server = match client.service.as_slice().ends_with(b"smtpd") {
                    true => Server::Postfix,
                    false => Server::Dovecot,
                };
                let who = account.account.as_ref();
                let logins = if client.logins == 1 {
                    "login"
                } else {
                    "logins"
                };
                harmful.push((
                    server,
                    format!(
                        "{} would break ({} from {}, {} {logins}): {}",
                        who.map_or("somebody".into(), ToString::to_string),
                        account.protocol,
                        client.client,
                        client.logins,
                        client.why
                    ),
                ));
            }
        }
        Ok(harmful)
    }
}

/// That none is meant, and which there are, if these are so few that somebody reads them.
fn no_endpoint(named: &str, surfaces: &[Surface]) -> String {
    const MOST: usize = 12;
    let all = surfaces.iter().flat_map(|surface| &surface.endpoints);
    let known: BTreeSet<String> = all
        .map(|endpoint| format!("{} ({})", endpoint.service, endpoint.port))
        .collect();
    let known: Vec<String> = known.into_iter().collect();
    let help = match known.len() {
        0 => "there is none".to_owned(),
        1..=MOST => format!("there are {}", known.join(", ")),
        _many => "`plainsight check` lists them".to_owned(),
    };
    format!("no endpoint \"{named}\" here; {help}")
}

/// Whether the user means this endpoint: by its id, its service, the first word of that, or its port.
fn is_named(endpoint: &Endpoint, named: &str) -> bool {
    let service = endpoint.service.as_str();
    let first = service.split(' ').next().unwrap_or(service);
    endpoint.id() == named
        || service == named
        || first == named
        || endpoint.port.to_string() == named
}
