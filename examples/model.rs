//! Prints what plainsight makes of a configuration, as JSON, for the live tests to hold against `postconf` and `doveconf`.
//!
//! ```text
//! model ROOT
//! ```
#![expect(
    clippy::print_stdout,
    reason = "this program exists to print the model"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use plainsight::dovecot::{Config, Lookup, logins};
use plainsight::root;
use plainsight::source::Sources;
use serde_json::{Value, json};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        println!("usage: model ROOT");
        return ExitCode::from(2);
    };
    let path = Path::new(&path);
    let Ok(roots) = root::find(path, Some(path)) else {
        println!("{}", json!({ "error": "no server there" }));
        return ExitCode::from(2);
    };
    let mut all = BTreeMap::new();
    for found in &roots {
        let mut sources = Sources::new(found.tree.clone());
        if let Some(file) = &found.dovecot {
            all.insert("dovecot", dovecot(&Config::load(&mut sources, file)));
        }
    }
    println!("{}", json!(all));
    ExitCode::SUCCESS
}

/// The settings that some line sets outside of all blocks, as they are in force globally and for each protocol.
fn dovecot(config: &Config) -> Value {
    let names: BTreeSet<String> = config
        .assignments
        .iter()
        .filter(|assignment| config.path(assignment.scope).is_empty())
        .map(|assignment| assignment.name.to_string())
        .collect();
    let values = |protocol| {
        let lookup = Lookup {
            protocol,
            ..Lookup::default()
        };
        let value = |name: &String| {
            let value = config.effective(name, &lookup);
            (value.setting, value.text.to_string())
        };
        names.iter().map(value).collect::<BTreeMap<_, _>>()
    };
    let mut scopes = BTreeMap::from([("", values(None))]);
    for login in logins(config.family) {
        scopes.insert(login.protocol, values(Some(login.protocol)));
    }
    let refused = !config.refusals.is_empty() || config.conflict_at_start().is_some();
    json!({ "refused": refused, "values": scopes })
}
