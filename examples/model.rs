//! Prints what plainsight makes of a configuration, as JSON, for the live tests to hold against `postconf` and `doveconf`.
//!
//! ```text
//! model ROOT POSTFIX-VERSION
//! ```
#![expect(
    clippy::print_stdout,
    reason = "this program exists to print the model"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use plainsight::dovecot::{Config, Lookup, logins};
use plainsight::postfix;
use plainsight::root;
use plainsight::source::Sources;
use plainsight::version::Version;
use serde_json::{Value, json};

fn main() -> ExitCode {
    let version = std::env::args().nth(2).and_then(|text| text.parse().ok());
    let (Some(path), Some(version)) = (std::env::args_os().nth(1), version) else {
        println!("usage: model ROOT POSTFIX-VERSION");
        return ExitCode::from(2);
    };
    let path = Path::new(&path);
    let Ok(roots) = root::find(path, Some(path), true) else {
        println!("{}", json!({ "error": "no server there" }));
        return ExitCode::from(2);
    };
    let mut all = BTreeMap::new();
    for found in &roots {
        let mut sources = Sources::new(found.tree.clone());
        if let Some(directory) = &found.postfix {
            let config = postfix::Config::load(&mut sources, directory);
            all.insert("postfix", postfix(&config, version));
        }
        if let Some(file) = &found.dovecot {
            all.insert("dovecot", dovecot(&Config::load(&mut sources, file)));
        }
    }
    println!("{}", json!(all));
    ExitCode::SUCCESS
}

/// Every parameter of main.cf as written and as expanded, and every service with its options.
fn postfix(config: &postfix::Config, version: Version) -> Value {
    let mut values = BTreeMap::new();
    for parameter in config.main.iter().flat_map(|main| main.parameters()) {
        let name = parameter.name.to_string();
        let expanded = config.value(None, &name, version).ok();
        let expanded = expanded.map(|value| value.text.to_string());
        values.insert(name, json!([parameter.value.to_string(), expanded]));
    }
    let service = |service: &postfix::Service| {
        let columns = [
            &service.name,
            &service.kind,
            &service.private,
            &service.unprivileged,
            &service.chroot,
            &service.wakeup,
            &service.process_limit,
            &service.command,
        ];
        let columns: Vec<_> = columns
            .iter()
            .map(|column| column.text.to_string())
            .collect();
        let options = service.options(version);
        let set = options.overrides.iter();
        let set: Vec<_> = set
            .map(|option| [option.name.to_string(), option.value.to_string()])
            .collect();
        json!({ "columns": columns, "overrides": set, "refused": !options.refused.is_empty() })
    };
    json!({
        "main_refused": config.main.as_ref().is_some_and(|main| main.broken().is_some()),
        "master_refused": config.master.as_ref().is_some_and(|master| master.broken().is_some()),
        "values": values,
        "services": config.services().map(service).collect::<Vec<_>>(),
    })
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
