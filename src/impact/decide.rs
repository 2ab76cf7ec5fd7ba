//! Go or no-go: everything that stands in the way, the step that helps most first.

use std::collections::BTreeSet;

use crate::evidence::{Evidence, Text, Transport};
use crate::fix::Change;
use crate::protocol::Protocol;
use crate::surface::server::Surface;
use crate::surface::{Server, Verdict};

use super::calibrate::calibrate;
use super::cause::Cause;
use super::coverage;
use super::{AccountImpact, ClientImpact, Decision, Impact};

/// What is decided on.
pub(super) struct Question<'a> {
    /// The server as it is.
    pub(super) before: &'a Surface,
    pub(super) change: &'a Change,
    /// Nothing is left to change.
    pub(super) enforced: bool,
    pub(super) accounts: &'a [AccountImpact],
    pub(super) causes: &'a [Cause],
    pub(super) evidence: &'a Evidence,
    /// The smtpd services, as the log names them, that do not log TLS.
    pub(super) unlogged: Vec<bstr::BString>,
    /// How many days the logs have to cover.
    pub(super) days: i64,
    /// What they lack.
    pub(super) lacks: Vec<String>,
    /// Why nobody can tell whether the logs are those of the server.
    pub(super) unclear: Option<String>,
}

/// How many front ends are named in a reason; the table has them all.
const MOST_CAUSES: usize = 3;

/// Decides, and says what stands in the way.
pub(super) fn decide(question: &Question<'_>) -> (Decision, Vec<String>) {
    let evidence = question.evidence;
    let mut steps = vec![breaking(question), stale(question)];
    steps.extend(silences(question));
    steps.push(undecided(question));
    let mut steps: Vec<Step> = steps.into_iter().flatten().collect();
    // The step that helps most accounts comes first.
    steps.sort_by_key(|step| std::cmp::Reverse(step.accounts));
    let mut reasons: Vec<String> = steps.into_iter().map(|step| step.text).collect();
    reasons.extend(question.change.left_open().cloned());
    reasons.extend(
        evidence
            .warnings
            .iter()
            .map(|warning| format!("not all of the logs could be read: {warning}")),
    );
    reasons.extend(not_understood(evidence.lines.unparsed));
    // Whoever is refused already tells nothing about those who are not.
    let logins = question
        .accounts
        .iter()
        .flat_map(|one| &one.clients)
        .any(|client| client.impact != Impact::Refused);
    if !logins {
        let why = match refused(question.accounts) {
            Some(refused) if question.enforced => {
                format!("TLS is enforced already; {refused}, and nobody logged in")
            }
            Some(_) | None => {
                "the logs hold no login, so nobody can tell who would break".to_owned()
            }
        };
        reasons.insert(0, why);
        return (Decision::CannotTell, reasons);
    }
    reasons.extend(strangers(question));
    reasons.extend(question.lacks.iter().cloned());
    if let Some(why) = &question.unclear {
        reasons.insert(0, why.clone());
        return (Decision::CannotTell, reasons);
    }
    if reasons.is_empty() {
        return (Decision::Go, vec![go(question)]);
    }
    // What one wants to know after the change, whatever else there is to say.
    if question.enforced {
        reasons.extend(refused(question.accounts));
    }
    (Decision::NoGo, reasons)
}

/// Logins that nobody can read may be anybody's, and by any way.
fn not_understood(lines: u64) -> Option<String> {
    match lines {
        0 => None,
        1 => Some("1 line about a login could not be understood".to_owned()),
        many => Some(format!("{many} lines about logins could not be understood")),
    }
}

/// Something to do before the change, and how many accounts it is about.
struct Step {
    accounts: usize,
    text: String,
}

/// Those who logged in as the files forbid it already. The change is not what breaks them; but if the server was never
/// reloaded, it is the reload.
fn stale(question: &Question<'_>) -> Option<Step> {
    let is_stale = |client: &ClientImpact| {
        client.impact == Impact::Breaks && client.already_forbidden && !accepted(client)
    };
    let accounts = number(question, is_stale);
    let clients = question.accounts.iter().flat_map(|one| &one.clients);
    let last = clients
        .filter(|client| is_stale(client))
        .filter_map(|client| client.last)
        .max();
    let last = last.map_or_else(String::new, |last| format!(", the last at {last}"));
    (accounts > 0).then(|| Step {
        accounts,
        text: format!(
            "{} logged in without TLS{last}, though these files forbid it: they came into force later, or the server \
             was not reloaded (--since leaves out what was before)",
            in_words(accounts)
        ),
    })
}

/// Those whom the change would break.
fn breaking(question: &Question<'_>) -> Option<Step> {
    let breaks =
        |client: &ClientImpact| client.impact == Impact::Breaks && !client.already_forbidden;
    let accounts = number(question, |client| breaks(client) && !accepted(client));
    if accounts == 0 {
        return None;
    }
    let mut details = Vec::new();
    let mut causes = question.causes.iter().filter(|cause| {
        cause.impact == Impact::Breaks && !cause.already_forbidden && cause.accepted.is_none()
    });
    for cause in causes.by_ref().take(MOST_CAUSES) {
        let how_many = if cause.accounts == accounts {
            "all".to_owned()
        } else {
            format!("{} of them", cause.accounts)
        };
        details.push(format!("{how_many} {}", cause.words()));
    }
    match causes.count() {
        0 => {}
        1 => details.push("more behind another address".to_owned()),
        many => details.push(format!("more behind {many} other addresses")),
    }
    let explained = |client: &ClientImpact| question.causes.iter().any(|one| one.explains(client));
    let clockwork = number(question, |client| {
        breaks(client) && !accepted(client) && client.schedule.is_some() && !explained(client)
    });
    match clockwork {
        0 => {}
        1 => details.push("1 of them by the clock, so a device or a job".to_owned()),
        many => details.push(format!("{many} of them by the clock, so devices or jobs")),
    }
    let mut text = format!("{} would break", in_words(accounts));
    if !details.is_empty() {
        text = format!("{text}, {}", details.join("; "));
    }
    Some(Step { accounts, text })
}

/// Services of which the log would tell more after a change of its own.
fn silences(question: &Question<'_>) -> Vec<Option<Step>> {
    [
        (true, "set smtpd_tls_loglevel = 1"),
        (false, "give login_log_format_elements its %c back"),
    ]
    .map(|(smtp, first)| {
        let accounts = accounts_of(question, |protocol, client| {
            (protocol == Protocol::Smtp) == smtp && is_silent(question, protocol, client)
        });
        (accounts > 0).then(|| Step {
            accounts,
            text: format!(
                "{first} and wait {} days: the log does not tell whether {} {} TLS",
                question.days,
                in_words(accounts),
                if accounts == 1 { "uses" } else { "use" },
            ),
        })
    })
    .into()
}

/// Whether nobody can tell of a client because its service does not log TLS.
fn is_silent(question: &Question<'_>, protocol: Protocol, client: &ClientImpact) -> bool {
    let unlogged = match protocol {
        // The counters of a session prove something even so; with TLS logged, every session does.
        Protocol::Smtp => question
            .unlogged
            .iter()
            .any(|name| name.as_slice() == client.service.as_slice()),
        Protocol::Imap | Protocol::Pop3 | Protocol::Sieve | Protocol::Submission => question
            .evidence
            .calibration
            .iter()
            .any(|one| one.service == client.service && !one.silence_proves),
    };
    unlogged
        && client.impact == Impact::Unknown
        && client.transport == Transport::Unknown
        && !accepted(client)
}

/// Those of whom nobody can tell for another reason.
fn undecided(question: &Question<'_>) -> Option<Step> {
    let accounts = accounts_of(question, |protocol, client| {
        client.impact == Impact::Unknown
            && !accepted(client)
            && !is_silent(question, protocol, client)
    });
    // Where all have one reason, it is the thing to look at.
    let clients = question.accounts.iter().flat_map(|one| &one.clients);
    let whys: BTreeSet<&str> = clients
        .filter(|client| client.impact == Impact::Unknown && !accepted(client))
        .map(|client| client.why.as_str())
        .collect();
    let why = match whys.first() {
        Some(why) if whys.len() == 1 => format!(": {why}"),
        Some(_) | None => String::new(),
    };
    (accounts > 0).then(|| Step {
        accounts,
        text: format!("of {} nobody can tell{why}", in_words(accounts)),
    })
}

const fn accepted(client: &ClientImpact) -> bool {
    client.accepted.is_some()
}

/// How many accounts have such a client; one that is seen on several protocols counts once.
fn number(question: &Question<'_>, is_such: impl Fn(&ClientImpact) -> bool) -> usize {
    accounts_of(question, |_, client| is_such(client))
}

fn accounts_of(
    question: &Question<'_>,
    is_such: impl Fn(Protocol, &ClientImpact) -> bool,
) -> usize {
    let hit = question.accounts.iter().filter(|one| {
        one.clients
            .iter()
            .any(|client| is_such(one.protocol, client))
    });
    hit.map(|one| &one.account)
        .collect::<BTreeSet<&Option<Text>>>()
        .len()
}

fn in_words(number: usize) -> String {
    if number == 1 {
        "1 account".to_owned()
    } else {
        format!("{number} accounts")
    }
}

/// The servers that would change and of which the logs hold no line: they may log elsewhere.
fn strangers(question: &Question<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    for server in [Server::Postfix, Server::Dovecot] {
        let name = coverage::name(server);
        let open =
            question.before.endpoints.iter().filter(|endpoint| {
                endpoint.server == server && endpoint.verdict != Verdict::NoAuth
            });
        let changes = open.clone().any(|endpoint| !endpoint.verdict.is_enforced());
        let heard = open.clone().any(|endpoint| {
            let logged = |service: &Text| service.as_slice() == endpoint.log_name.as_bytes();
            question
                .evidence
                .calibration
                .iter()
                .any(|one| logged(&one.service))
        });
        if changes && !heard {
            missing.push(format!(
                "{name} logged in nobody here: if the logs of its logins are elsewhere, name them too (--log)"
            ));
        }
    }
    missing
}

/// Why nothing stands in the way.
fn go(question: &Question<'_>) -> String {
    let window = &question.evidence.window;
    let logs = match (window.days(), window.last) {
        (Some(1), Some(last)) => format!("the log of {}", last.day()),
        (Some(days), Some(last)) => format!("the logs of {days} days up to {}", last.day()),
        (None, _) | (_, None) => "the logs".to_owned(),
    };
    let may = number(question, accepted);
    let but = match may {
        0 => String::new(),
        1 => " but for 1 account that may".to_owned(),
        many => format!(" but for {many} accounts that may"),
    };
    if !question.enforced {
        let relayed = number(question, |client| client.impact == Impact::Relays);
        let relayed = match relayed {
            0 => String::new(),
            1 => "; 1 account in mynetworks loses the login and sends on only with a program that does without".to_owned(),
            many => format!(
                "; {many} accounts in mynetworks lose the login and send on only with programs that do without"
            ),
        };
        return format!(
            "nobody would break{but}, by {logs}, and every endpoint ends TLS only or without login{relayed}"
        );
    }
    let refused = match refused(question.accounts) {
        Some(refused) => refused,
        None => format!("nobody was refused in {logs}"),
    };
    let unsaid = unsaid(question.before);
    let joint = if refused.starts_with("nobody") {
        ", and"
    } else {
        ";"
    };
    format!("TLS is enforced already{joint} {refused}{unsaid}")
}

/// `2 clients were refused since 2026-11-11T09:06:00, 1 of them as an account that has logged in`. Strangers who try
/// passwords are refused too, so it is said whether the account is one.
fn refused(accounts: &[AccountImpact]) -> Option<String> {
    let is_refused = |client: &&ClientImpact| client.impact == Impact::Refused;
    let refused = accounts.iter().flat_map(|one| {
        let clients = one.clients.iter().filter(is_refused);
        clients.map(move |client| (&one.account, client))
    });
    let clients: BTreeSet<&Text> = refused.clone().map(|(_, client)| &client.client).collect();
    if clients.is_empty() {
        return None;
    }
    let has_logged_in: BTreeSet<&Option<Text>> = accounts
        .iter()
        .filter(|one| !one.clients.iter().all(|client| is_refused(&client)))
        .map(|one| &one.account)
        .filter(|account| account.is_some())
        .collect();
    let known: BTreeSet<&Text> = refused
        .clone()
        .filter(|(account, _)| has_logged_in.contains(account))
        .map(|(_, client)| &client.client)
        .collect();
    let mut text = match clients.len() {
        1 => "1 client was refused".to_owned(),
        many => format!("{many} clients were refused"),
    };
    if let Some(first) = refused.filter_map(|(_, client)| client.first).min() {
        text.push_str(&format!(" since {first}"));
    }
    match known.len() {
        0 => {}
        1 if clients.len() == 1 => text.push_str(", as an account that has logged in"),
        1 => text.push_str(", 1 of them as an account that has logged in"),
        many => text.push_str(&format!(", {many} of them as accounts that have logged in")),
    }
    Some(text)
}

/// Whom Dovecot refuses without a word of it: its submission service says only that nobody tried (live, 2.3.19.1 and 2.4.1),
/// and other lines tell by the mechanism and the word on TLS.
fn unsaid(server: &Surface) -> &'static str {
    let logins = calibrate(server).dovecot;
    if server.endpoints.iter().any(|endpoint| {
        endpoint.server == Server::Dovecot && endpoint.protocol == Protocol::Submission
    }) {
        ", as far as the log tells: Dovecot's submission does not say whom it refuses"
    } else if !logins
        .iter()
        .all(|one| one.shows_tls() && one.shows_method())
    {
        ", as far as the log tells: Dovecot says whom it refuses only with %m and %c in login_log_format_elements"
    } else {
        ""
    }
}
