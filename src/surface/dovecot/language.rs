//! Which releases read the language of a configuration, and as the model does.

use crate::dovecot::{Config, Family, HEADER_OF_ALL, HEREDOCS};
use crate::source::Origin;
use crate::surface::Verdict;
use crate::version::Version;

use super::fails;
use super::policy::Answer;

/// Why this release does not read it, if so.
pub(super) fn refusal(config: &Config, version: Version) -> Option<Answer> {
    wrong_language(config, version)
        .or_else(|| no_continuation(config, version))
        .or_else(|| before_header(config, version))
        .or_else(|| no_heredocs(config, version))
        .or_else(|| wrong_header(config, version))
}

/// The releases at which that changes.
pub(super) fn changes(config: &Config) -> Vec<Version> {
    let mut changes = vec![Version::new(2, 4)];
    changes.extend(config.config_version);
    changes.extend(config.continued.map(|_| CONTINUATIONS));
    if config.passed_over.is_some() || config.continued_header.is_some() {
        changes.push(HEADER_FIRST);
    }
    changes.extend(config.heredoc.as_ref().map(|_| HEREDOCS));
    changes
}

/// The first release that joins lines which end in a backslash (config_parse_line at 2.2.21 and 2.2.22).
const CONTINUATIONS: Version = Version::patch(2, 2, 22);

/// A release that takes each line by itself reads such a configuration otherwise than the model does.
fn no_continuation(config: &Config, version: Version) -> Option<Answer> {
    let span = config.continued.filter(|_| version < CONTINUATIONS)?;
    let mut answer = fails(String::new(), "\\", b"", Origin::File(span));
    answer.verdict = Verdict::Unknown(
        "lines that end in a backslash, which releases before 2.2.22 do not join".into(),
    );
    Some(answer)
}

/// The first release that looks for the header before it reads anything else (config_parse_file at 2.4.1 and 2.4.2).
const HEADER_FIRST: Version = Version::patch(2, 4, 2);

/// What stands before the header: a line that cannot be read is no harm from 2.4.2 on. One that continues in the next,
/// the header itself included, is there still when the daemon reads its own defaults, and it dies of that (live, 2.4.5).
fn before_header(config: &Config, version: Version) -> Option<Answer> {
    let (message, span) = if version < HEADER_FIRST {
        let problem = config.passed_over.as_ref()?;
        (problem.message.clone(), problem.span)
    } else {
        let why = "Panic: Error in internal import configuration: a line before dovecot_config_version, or this line \
                   itself, ends in a backslash";
        (why.to_owned(), config.continued_header?)
    };
    Some(fails(
        message,
        "dovecot_config_version",
        b"",
        Origin::File(span),
    ))
}

/// A heredoc, for a release that takes it for the name of a file (live, 2.4.1).
fn no_heredocs(config: &Config, version: Version) -> Option<Answer> {
    let problem = config.heredoc.as_ref().filter(|_| version < HEREDOCS)?;
    Some(fails(
        problem.message.clone(),
        "<<",
        b"",
        Origin::File(problem.span),
    ))
}

/// 2.4 wants its header first, and no release before knows it (both live).
fn wrong_language(config: &Config, version: Version) -> Option<Answer> {
    let main = config.main_file()?;
    let origin = Origin::File(crate::source::Span::new(main, 0, 0));
    match (Family::of(version), config.family) {
        (Family::V23, Family::V24) => Some(fails(
            "Unknown setting: dovecot_config_version (this is written for 2.4)".into(),
            "dovecot_config_version",
            b"",
            origin,
        )),
        (Family::V24, Family::V23) if !config.partial => Some(fails(
            "The first setting must be dovecot_config_version (this is written for 2.3)".into(),
            "dovecot_config_version",
            b"",
            origin,
        )),
        (_, _) => None,
    }
}

/// A release reads its own version of the language and older ones.
fn wrong_header(config: &Config, version: Version) -> Option<Answer> {
    let header = config.config_version?;
    let newest = version.max(HEADER_OF_ALL);
    if header >= Version::new(2, 4) && header <= newest {
        return None;
    }
    let assignment = config.all("dovecot_config_version").next()?;
    Some(fails(
        format!("Invalid dovecot_config_version: {header} is not supported"),
        "dovecot_config_version",
        &assignment.text,
        Origin::File(assignment.value_span),
    ))
}
