//! The invocation as it was typed, in the words of the command line: which options were given, by the groups they belong to.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use crate::report::invocation::{Given, Invocation};

/// What was given to the subcommand in use.
pub(super) fn of(program: &Command, matches: &ArgMatches) -> Invocation {
    let Some((name, matches)) = matches.subcommand() else {
        return Invocation::default();
    };
    let Some(command) = program.find_subcommand(name) else {
        return Invocation::default();
    };
    let given = |groups: &[&str]| -> Vec<Given> {
        let groups = groups.iter();
        groups
            .flat_map(|group| of_group(command, matches, group))
            .collect()
    };
    Invocation {
        servers: given(&["ServerOptions"]),
        logs: given(&["LogArguments", "LogOptions", "RedactOptions"]),
        rules: given(&["RuleOptions"]),
    }
}

/// What was given of a group of arguments; clap names it as the type that holds them. A command without it was given nothing.
fn of_group(command: &Command, matches: &ArgMatches, name: &str) -> Vec<Given> {
    let group = command.get_groups().find(|group| group.get_id() == name);
    let ids = group.into_iter().flat_map(|group| group.get_args());
    let arguments = ids.filter_map(|id| command.get_arguments().find(|it| it.get_id() == id));
    let typed = arguments.filter(|argument| {
        matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
    });
    typed
        .flat_map(|argument| {
            let id = argument.get_id().as_str();
            let option = argument.get_long().unwrap_or(id).to_owned();
            let values: Vec<Option<_>> = match argument.get_action().takes_values() {
                true => {
                    let values = matches.get_raw(id).into_iter().flatten();
                    values.map(|value| Some(value.to_owned())).collect()
                }
                false => vec![None],
            };
            values.into_iter().map(move |value| Given {
                option: option.clone(),
                value,
            })
        })
        .collect()
}
