//! What was typed: the arguments as the program understands them, or what was probably meant.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use crate::report::plain::plain;
use crate::spelling;

use super::{Arguments, invocation};

/// The arguments among these words, of which the first is the program.
///
/// # Errors
/// What is not understood, with what was probably meant; also `--help` and `--version` come this way.
pub fn arguments(words: &[OsString]) -> Result<Arguments, clap::Error> {
    parsed(words).map_err(|mut error| {
        let unknown = error.kind() == ErrorKind::UnknownArgument;
        let meant = meant(&error, words);
        if meant.is_some() || unknown && !words.iter().any(|word| is_named_as_an_option(word)) {
            // clap would say how to write it as a value, which nobody meant.
            error.remove(ContextKind::Suggested);
        }
        if let Some((kind, value)) = meant {
            error.remove(ContextKind::SuggestedSubcommand);
            error.insert(kind, value);
        }
        error
    })
}

fn parsed(words: &[OsString]) -> Result<Arguments, clap::Error> {
    let mut program = Arguments::command();
    let matches = program.try_get_matches_from_mut(words)?;
    let arguments = Arguments::from_arg_matches(&matches);
    let mut arguments = arguments.map_err(|error| error.format(&mut program))?;
    arguments.invocation = invocation::of(&program, &matches);
    Ok(arguments)
}

/// Whether it is a file that looks like an option.
fn is_named_as_an_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-") && Path::new(word).exists()
}

/// What was probably meant, where clap has no idea.
fn meant(error: &clap::Error, words: &[OsString]) -> Option<(ContextKind, ContextValue)> {
    let wrong = |kind| match error.get(kind) {
        Some(ContextValue::String(wrong)) => Some(wrong.as_str()),
        Some(_) | None => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument if error.get(ContextKind::SuggestedArg).is_none() => {
            let wrong = wrong(ContextKind::InvalidArg)?;
            if let Some(others) = others_with(wrong) {
                let tip = StyledStr::from(format!("{wrong} is an option of {others}"));
                return Some((ContextKind::Suggested, ContextValue::StyledStrs(vec![tip])));
            }
            let meant = option(wrong, words)?;
            let meant = ContextValue::String(format!("--{meant}"));
            Some((ContextKind::SuggestedArg, meant))
        }
        ErrorKind::InvalidSubcommand => {
            let wrong = wrong(ContextKind::InvalidSubcommand)?;
            if Path::new(wrong).exists() {
                // Somebody named a configuration and no question.
                let path = plain(wrong.as_bytes());
                let tip = format!("to look at a configuration: plainsight check {path}");
                let tip = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
                return Some((ContextKind::Suggested, tip));
            }
            let has_one = error.get(ContextKind::SuggestedSubcommand).is_some();
            let command = Arguments::command();
            let known = command.get_subcommands().map(clap::Command::get_name);
            let meant = spelling::nearest(wrong, known).filter(|_| !has_one)?;
            let meant = ContextValue::Strings(vec![meant.to_owned()]);
            Some((ContextKind::SuggestedSubcommand, meant))
        }
        _other => None,
    }
}

/// The commands that have this option, where any has.
fn others_with(wrong: &str) -> Option<String> {
    let name = wrong.strip_prefix("--")?;
    let program = Arguments::command();
    let commands = program.get_subcommands().filter(|command| {
        let mut options = command.get_arguments().filter_map(clap::Arg::get_long);
        options.any(|long| long == name)
    });
    let names: Vec<&str> = commands.map(clap::Command::get_name).collect();
    let (last, others) = names.split_last()?;
    Some(match others {
        [] => (*last).to_owned(),
        others => format!("{} and {last}", others.join(", ")),
    })
}

/// The option of the command in use that is most like the wrong one.
fn option(wrong: &str, words: &[OsString]) -> Option<String> {
    let mut command = Arguments::command();
    command.build();
    let used = words.iter().skip(1);
    let command = used
        .filter_map(|word| command.find_subcommand(word))
        .next()?;
    let known: Vec<&str> = command
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .collect();
    // Of -log clap complains about -l; the whole word tells more.
    let whole = words.iter().filter_map(|word| word.to_str());
    let whole = whole
        .into_iter()
        .find(|word| word.starts_with(wrong))
        .unwrap_or(wrong);
    let name = whole.trim_start_matches('-').split('=').next()?;
    spelling::nearest(name, known).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        arguments(&words).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn a_slip_of_the_fingers_gets_a_suggestion() {
        for (line, meant) in [
            ("plainsight preflight --lgo x", "'--log'"),
            ("plainsight preflight -log x", "'--log'"),
            ("plainsight scan --sicne=3d", "'--since'"),
            ("plainsight check --fomrat json", "'--format'"),
            ("plainsight check --colour never", "'--color'"),
            ("plainsight chekc", "'check'"),
            ("plainsight pref", "'preflight'"),
            ("plainsight rule", "'rules'"),
            ("plainsight check --format jsn", "'json'"),
            ("plainsight src", "plainsight check src"),
        ] {
            let said = complaint(line);
            assert!(said.contains("tip: "), "{line}: {said}");
            assert!(said.contains(meant), "{line}: {said}");
            assert!(!said.contains("as a value"), "{line}: {said}");
        }
        assert!(!complaint("plainsight check --zzz").contains("tip: "));
        let said = complaint("plainsight check mx --log x");
        assert!(
            said.contains("tip: --log is an option of scan, preflight, diff and apply\n"),
            "{said}"
        );
    }

    #[test]
    fn every_command_has_examples_that_it_understands() {
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            let examples = help.lines().filter_map(|line| {
                let (_, example) = line.split_once("plainsight ")?;
                // Up to what it is good for, and to what a shell reads itself.
                let example = example.split("  ").next()?;
                example.split(['|', '>']).next()
            });
            let mut number = 0;
            for example in examples {
                number += 1;
                let line = format!("plainsight {}", example.trim());
                let quoted: Vec<&str> = line.split(['"', '\'']).collect();
                let words = quoted
                    .iter()
                    .enumerate()
                    .flat_map(|(at, part)| match at % 2 {
                        0 => part.split_whitespace().collect(),
                        _ => vec![*part],
                    });
                let words: Vec<OsString> = words.map(OsString::from).collect();
                let understood = arguments(&words)
                    .map(|_| ())
                    .map_err(|error| error.to_string());
                assert_eq!(understood, Ok(()), "{line}");
            }
            assert!(number > 1, "{name} has no examples");
        }
    }
}
