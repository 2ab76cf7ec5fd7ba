//! Reading a condition from its TOML. Its keys all have to hold; which there are depends on what the rule is about.

use regex::bytes::Regex;
use toml_edit::{Item, TableLike};

use crate::dovecot;
use crate::postfix;
use crate::spelling;
use crate::surface::Server;
use crate::toml::Reader;
use crate::trap::TrapKind;
use crate::version::{Range, Version};

use super::condition::{About, Condition};
use super::endpoint::EndpointFact;
use super::test::{Rank, Test};
use super::vocabulary::{
    EXCEPTIONS, EXEMPTIONS, PROTOCOLS, REACHES, SERVERS, TLS, VERDICTS, list, one_of,
};
use super::written::WrittenFact;

/// The keys of a condition, whatever the rule is about.
const EVERYWHERE: &[&str] = &[
    "all", "any", "not", "server", "from", "before", "setting", "lacks",
];

/// The further keys of a condition on an endpoint.
const OF_ENDPOINTS: &[&str] = &[
    "verdict",
    "why",
    "service",
    "port",
    "protocol",
    "tls",
    "reach",
    "exempts",
    "exemption",
    "assumes",
    "tls-fault",
    "beside",
];

/// The further keys of a condition on a written setting.
const OF_SETTINGS: &[&str] = &["name", "value", "scope", "in-force", "from-file"];

/// Reads the condition in `table`, which is called `what`. `server` is the one that a condition around it names.
pub(super) fn condition(
    reader: &mut Reader<'_>,
    table: &dyn TableLike,
    what: &str,
    about: About,
    server: Option<Server>,
) -> Condition {
    let own = match about {
        About::Endpoint => OF_ENDPOINTS,
        About::Setting => OF_SETTINGS,
        About::Trap => &["trap"],
        About::Exception => &["exception"],
        About::Server => &[],
    };
    let everywhere = match about {
        About::Exception => &["any"],
        About::Endpoint | About::Setting | About::Trap | About::Server => EVERYWHERE,
    };
    let mut known = [everywhere, own].concat();
    if what == "[when]" {
        known.push("about");
    }
    reader.only(
        table,
        &format!("{what} of a rule about each {}", about.word()),
        &known,
    );
    let server = one_of(reader, table, "server", &SERVERS).or(server);
    let mut all: Vec<Condition> = Vec::new();
    if table.contains_key("server") {
        all.extend(server.map(Condition::Server));
    }
    all.extend(release(reader, table));
    all.extend(
        endpoint_facts(reader, table)
            .into_iter()
            .map(Condition::Endpoint),
    );
    all.extend(
        written_facts(reader, table)
            .into_iter()
            .map(Condition::Written),
    );
    if table.contains_key("trap") {
        all.push(Condition::Trap(list(
            reader,
            table,
            "trap",
            &TrapKind::WORDS,
        )));
    }
    if table.contains_key("exception") {
        all.push(Condition::Exception(list(
            reader,
            table,
            "exception",
            &EXCEPTIONS,
        )));
    }
    if table.contains_key("lacks") {
        let names = reader.texts(table, "lacks");
        all.push(Condition::Lacks(
            names.into_iter().map(|(name, _)| name).collect(),
        ));
    }
    all.extend(settings(reader, table, server));
    for key in ["all", "any"] {
        let inner: Vec<Condition> = reader
            .tables(table, key)
            .into_iter()
            .map(|table| condition(reader, table, key, about, server))
            .collect();
        match key {
            _ if !table.contains_key(key) => {}
            "any" => all.push(Condition::Any(inner)),
            _ => all.extend(inner),
        }
    }
    if let Some(inner) = reader.table(table, "not") {
        let inner = condition(reader, inner, "not", about, server);
        all.push(Condition::Not(Box::new(inner)));
    }
    if let Some(inner) = reader.table(table, "beside") {
        let inner = condition(reader, inner, "beside", about, server);
        all.push(Condition::Beside(Box::new(inner)));
    }
    Condition::All(all)
}

/// `from` and `before`: the releases for which it is meant.
fn release(reader: &mut Reader<'_>, table: &dyn TableLike) -> Option<Condition> {
    let mut version = |key: &str| -> Option<Version> {
        let span = table.get(key).and_then(Item::span);
        let text = reader.optional(table, key)?;
        text.parse().map_err(|why| reader.complain(span, why)).ok()
    };
    let range = Range {
        from: version("from"),
        before: version("before"),
    };
    (range != Range::ANY).then_some(Condition::Release(range))
}

fn endpoint_facts(reader: &mut Reader<'_>, table: &dyn TableLike) -> Vec<EndpointFact> {
    let mut facts = Vec::new();
    if table.contains_key("verdict") {
        let words = list(reader, table, "verdict", &VERDICTS);
        facts.push(EndpointFact::Verdict(
            words.into_iter().map(str::to_owned).collect(),
        ));
    }
    facts.extend(pattern(reader, table, "why").map(EndpointFact::Why));
    facts.extend(pattern(reader, table, "service").map(EndpointFact::Service));
    if table.contains_key("port") {
        facts.push(EndpointFact::Port(ports(reader, table)));
    }
    if table.contains_key("protocol") {
        facts.push(EndpointFact::Protocol(list(
            reader, table, "protocol", &PROTOCOLS,
        )));
    }
    if table.contains_key("tls") {
        facts.push(EndpointFact::Tls(list(reader, table, "tls", &TLS)));
    }
    if table.contains_key("reach") {
        facts.push(EndpointFact::Reach(list(reader, table, "reach", &REACHES)));
    }
    if table.contains_key("exempts") {
        facts.push(EndpointFact::Exempts(list(
            reader,
            table,
            "exempts",
            &EXEMPTIONS,
        )));
    }
    facts.extend(pattern(reader, table, "exemption").map(EndpointFact::Exemption));
    facts.extend(pattern(reader, table, "assumes").map(EndpointFact::Assumes));
    facts.extend(pattern(reader, table, "tls-fault").map(EndpointFact::TlsFault));
    facts
}

fn written_facts(reader: &mut Reader<'_>, table: &dyn TableLike) -> Vec<WrittenFact> {
    let mut facts = Vec::new();
    facts.extend(value_test(reader, table, "name").map(WrittenFact::Name));
    facts.extend(value_test(reader, table, "value").map(WrittenFact::Value));
    facts.extend(value_test(reader, table, "scope").map(WrittenFact::Scope));
    facts.extend(yes_or_no(reader, table, "in-force").map(WrittenFact::InForce));
    facts.extend(yes_or_no(reader, table, "from-file").map(WrittenFact::FromFile));
    facts
}

/// `setting.NAME = TEST`, each of which has to hold.
fn settings(
    reader: &mut Reader<'_>,
    table: &dyn TableLike,
    server: Option<Server>,
) -> Vec<Condition> {
    let Some(settings) = reader.table(table, "setting") else {
        return Vec::new();
    };
    let names: Vec<String> = settings.iter().map(|(name, _)| name.to_owned()).collect();
    let mut conditions = Vec::new();
    for name in names {
        let span = settings.key(&name).and_then(toml_edit::Key::span);
        match server {
            Some(server) => {
                if let Some(why) = unknown_setting(&name, server) {
                    reader.complain(span, why);
                }
            }
            None => reader.complain(
                span,
                "\"setting\" needs \"server\" beside it: whose setting is it?".to_owned(),
            ),
        }
        if let Some(test) = value_test(reader, settings, &name) {
            conditions.push(Condition::Setting(name, test));
        }
    }
    conditions
}

/// Why a server cannot have a setting of this name.
fn unknown_setting(name: &str, server: Server) -> Option<String> {
    match server {
        Server::Dovecot => {
            // Asked for by its old name it would never be found, and the rule stay quiet for ever.
            if let Some(newest) = dovecot::renamed(name) {
                let turned = if name == "disable_plaintext_auth" {
                    ", with the opposite value"
                } else {
                    ""
                };
                return Some(format!(
                    "\"{name}\" is the old name of a setting; write \"{newest}\"{turned}, which means it in every release"
                ));
            }
            let known = [dovecot::Family::V23, dovecot::Family::V24]
                .into_iter()
                .any(|family| dovecot::is_known(name.as_bytes(), family));
            (!known).then(|| format!("no release of Dovecot knows \"{name}\""))
        }
        // Any name can be set in main.cf; one that is nearly a parameter is none that somebody made up.
        Server::Postfix => {
            if postfix::is_parameter(name.as_bytes()) {
                return None;
            }
            let meant = spelling::nearest(name, postfix::parameter_names())?;
            Some(format!(
                "no release of Postfix knows \"{name}\"; did you mean \"{meant}\"?"
            ))
        }
    }
}

/// What is asked of a value: a text or a list of them that it has to be, or a table of questions.
fn value_test(reader: &mut Reader<'_>, parent: &dyn TableLike, key: &str) -> Option<Test> {
    let item = parent.get(key)?;
    let words = |texts: Vec<(String, _)>| texts.into_iter().map(|(text, _)| text).collect();
    let Some(table) = item.as_table_like() else {
        return Some(Test {
            is: Some(words(reader.texts(parent, key))),
            ..Test::default()
        });
    };
    reader.only(
        table,
        &format!("what is asked of \"{key}\""),
        &[
            "is",
            "matches",
            "has",
            "every",
            "at-least",
            "empty",
            "set",
            "written-in",
        ],
    );
    let mut listed = |key: &str| {
        table
            .contains_key(key)
            .then(|| words(reader.texts(table, key)))
    };
    let (is, has) = (listed("is"), listed("has"));
    let at_least = rank(reader, table);
    Some(Test {
        is,
        has,
        at_least,
        matches: pattern(reader, table, "matches"),
        every: pattern(reader, table, "every"),
        empty: yes_or_no(reader, table, "empty"),
        set: yes_or_no(reader, table, "set"),
        written_in: pattern(reader, table, "written-in"),
    })
}

/// `at-least`: a number or a release of TLS.
fn rank(reader: &mut Reader<'_>, table: &dyn TableLike) -> Option<Rank> {
    let item = table.get("at-least")?;
    let number = item.as_integer().map(Rank::Number);
    let rank = number.or_else(|| item.as_str().and_then(Rank::read));
    if rank.is_none() {
        reader.complain(
            item.span(),
            "\"at-least\" must be a number or a release of TLS such as \"TLSv1.2\"".to_owned(),
        );
    }
    rank
}

fn yes_or_no(reader: &mut Reader<'_>, table: &dyn TableLike, key: &str) -> Option<bool> {
    let item = table.get(key)?;
    let value = item.as_bool();
    if value.is_none() {
        reader.complain(item.span(), format!("\"{key}\" must be true or false"));
    }
    value
}

/// A regular expression.
fn pattern(reader: &mut Reader<'_>, table: &dyn TableLike, key: &str) -> Option<Regex> {
    let span = table.get(key).and_then(Item::span);
    let text = reader.optional(table, key)?;
    match Regex::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let why = error.to_string().replace('\n', " ");
            reader.complain(span, format!("\"{key}\" is no regular expression: {why}"));
            None
        }
    }
}

/// One port or a list of them.
fn ports(reader: &mut Reader<'_>, table: &dyn TableLike) -> Vec<u16> {
    let Some(item) = table.get("port") else {
        return Vec::new();
    };
    let numbers: Option<Vec<u16>> = match item.as_array() {
        Some(array) => array
            .iter()
            .map(|value| value.as_integer().and_then(|port| port.try_into().ok()))
            .collect(),
        None => item
            .as_integer()
            .and_then(|port| port.try_into().ok())
            .map(|port| vec![port]),
    };
    numbers.unwrap_or_else(|| {
        reader.complain(
            item.span(),
            "\"port\" must be a port or a list of ports such as [25, 587]".to_owned(),
        );
        Vec::new()
    })
}
