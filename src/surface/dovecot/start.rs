//! What keeps the daemon from starting, or all logins from working.

use bstr::BString;

use crate::certificate::{Missing, Policy};
use crate::dovecot::{
    Assignment, Config, Family, Listener, Lookup, Protocols, Scope, Section, ValueKind,
};
use crate::source::{Origin, ReadError, Sources};
use crate::surface::Verdict;
use crate::version::Version;

use super::policy::Answer;
use super::{fails, language, listen, mechanism, tls};

/// Why nothing runs under any release of the configuration's family, if so.
pub(super) fn refusal(
    config: &Config,
    sources: &Sources,
    listeners: &[Listener],
    certificates: Policy,
) -> Option<Answer> {
    filled_in(config, sources)
        .or_else(|| unreadable(config, sources))
        .or_else(|| conflict(config))
        .or_else(|| contradiction(config))
        .or_else(|| missing_file(config, sources, certificates))
        .or_else(|| no_authority(config))
        .or_else(|| bad_options(config))
        .or_else(|| listen::refusal(config, listeners))
        .or_else(|| two_negations(config))
}

/// Not to be told, since a line of a template decides which lines there are.
fn filled_in(config: &Config, sources: &Sources) -> Option<Answer> {
    let span = config.statement?;
    let line = String::from_utf8_lossy(sources.text(span)).into_owned();
    let mut answer = fails(
        String::new(),
        "template",
        line.as_bytes(),
        Origin::File(span),
    );
    answer.verdict = Verdict::Unknown(format!("the template's line {line}"));
    Some(answer)
}

/// Why nothing runs under this release, if so.
pub(super) fn refusal_by(
    config: &Config,
    version: Version,
    protocols: &Protocols,
) -> Option<Answer> {
    language::refusal(config, version)
        .or_else(|| unknown_protocol(config, protocols, version))
        .or_else(|| misplaced_protocol(config, version))
        .or_else(|| no_minimum(config, version))
        .or_else(|| mechanism::unknown(config, version))
}

/// The releases at which something changes for this configuration, ascending.
pub(super) fn changes(config: &Config, protocols: &Protocols) -> Vec<Version> {
    let mut changes = language::changes(config);
    if protocols.names.iter().any(|name| name == "submission")
        || config.all("login_trusted_networks").next().is_some()
    {
        changes.push(Version::new(2, 3));
    }
    let special = |mechanism: &Assignment| {
        let text = mechanism.item.as_ref().unwrap_or(&mechanism.text);
        text.split(|c| b" ,".contains(c)).any(|word| {
            !matches!(
                word.to_ascii_uppercase().as_slice(),
                b"" | b"PLAIN" | b"LOGIN" | b"CRAM-MD5" | b"DIGEST-MD5"
            )
        })
    };
    if config.all("auth_mechanisms").any(special) {
        changes.extend([
            Version::new(2, 2),
            Version::new(2, 3),
            Version::patch(2, 3, 13),
        ]);
    }
    if protocol_inside(config, None).is_some() {
        changes.push(Version::patch(2, 4, 3));
    }
    if config.all("ssl_min_protocol").next().is_some() {
        changes.extend([tls::ANY_AND_LATEST, SOME_MINIMUM]);
    }
    changes.sort_unstable();
    changes.dedup();
    changes
}

/// The first line that the daemon refuses.
fn unreadable(config: &Config, sources: &Sources) -> Option<Answer> {
    let problem = config.refusals.first()?;
    let assignment = config.assignments.iter().find(|assignment| {
        assignment.span.file == problem.span.file
            && assignment.span.start <= problem.span.start
            && problem.span.end <= assignment.span.end
    });
    Some(match assignment {
        Some(a) => fails(
            problem.message.clone(),
            &a.key.to_string(),
            &a.text,
            Origin::File(problem.span),
        ),
        None => {
            let line = BString::from(sources.text(problem.span));
            fails(
                problem.message.clone(),
                &line.to_string(),
                b"",
                Origin::File(problem.span),
            )
        }
    })
}

/// Two blocks that one and the same client can match set one key (2.3, config_all_parsers_check).
fn conflict(config: &Config) -> Option<Answer> {
    let conflict = config.conflict_at_start()?;
    let assignment = &config.assignments[conflict.assignment];
    Some(fails(
        format!(
            "Conflict in setting {} found from two blocks",
            conflict.setting
        ),
        &conflict.setting,
        &assignment.text,
        Origin::File(assignment.value_span),
    ))
}

/// `ssl = required` and allowed clear text in one block (2.4, config_filter_parser_check: each block by itself).
fn contradiction(config: &Config) -> Option<Answer> {
    if config.family == Family::V23 {
        return None;
    }
    config.assignments.iter().find_map(|assignment| {
        if assignment.name != "auth_allow_cleartext" {
            return None;
        }
        let in_group = config
            .path(assignment.scope)
            .iter()
            .any(|section| matches!(section, Section::Group { .. }));
        let clear = config.winner("auth_allow_cleartext", assignment.scope)?;
        let ssl = config.winner("ssl", assignment.scope)?;
        let on = crate::dovecot::is_yes(&clear.text);
        (!in_group && on && ssl.text == "required").then(|| {
            fails(
                "auth_allow_cleartext=yes has no effect with ssl=required".into(),
                "auth_allow_cleartext",
                &clear.text,
                Origin::File(clear.value_span),
            )
        })
    })
}

/// A file behind `<`, or one that 2.4 reads as a certificate or key, has to be there.
fn missing_file(config: &Config, sources: &Sources, certificates: Policy) -> Option<Answer> {
    if certificates.missing == Missing::Assume {
        return None;
    }
    config.assignments.iter().find_map(|assignment| {
        let file = assignment.kind == ValueKind::File
            || config.family == Family::V24
                && assignment.kind != ValueKind::Heredoc
                && assignment.name.starts_with(b"ssl_")
                && assignment.name.ends_with(b"_file");
        if !file || assignment.text.is_empty() {
            return None;
        }
        let path = crate::dovecot::file_path(assignment, sources);
        let absent = matches!(sources.tree().read(&path), Err(ReadError::Missing));
        absent.then(|| {
            fails(
                format!(
                    "{}: Can't open file {}: No such file or directory",
                    assignment.key,
                    path.display()
                ),
                &assignment.key.to_string(),
                &assignment.text,
                Origin::File(assignment.value_span),
            )
        })
    })
}

/// Submission came with 2.3.0; a release before it knows no such protocol (master_settings_verify).
fn unknown_protocol(config: &Config, protocols: &Protocols, version: Version) -> Option<Answer> {
    let own = config
        .all("service_protocol")
        .any(|assignment| assignment.text == "submission");
    // What is only taken for granted is no mistake of anybody.
    let mut words = protocols.value.text.split(|&c| c == b' ');
    let asked = words.any(|word| word == b"submission");
    (asked && !own && version < Version::new(2, 3)).then(|| {
        fails(
            "protocols: Unknown protocol: submission".into(),
            "protocols",
            &protocols.value.text,
            protocols.value.origin,
        )
    })
}

/// Client certificates are asked for, but nobody is named who signs them (both families, at start).
fn no_authority(config: &Config) -> Option<Answer> {
    let get = |setting| config.effective(setting, &Lookup::default());
    let asks = get("ssl_server_request_client_cert");
    let authority = get("ssl_server_ca_file");
    let ssl = get("ssl");
    (asks.is_yes() == Some(true) && authority.text.is_empty() && ssl.text != "no").then(|| {
        fails(
            format!("{} set, but {} not", asks.setting, authority.setting),
            &asks.setting,
            &asks.text,
            asks.origin,
        )
    })
}

/// A word in ssl_options that no release knows (master_service_ssl_settings_check, ssl_settings_check).
fn bad_options(config: &Config) -> Option<Answer> {
    let options = config.effective("ssl_options", &Lookup::default());
    let ssl = config.effective("ssl", &Lookup::default());
    if options.assignment.is_none() || options.unknown.is_some() || ssl.text == "no" {
        return None;
    }
    let mut words = options
        .text
        .split(|c| b", ".contains(c))
        .filter(|word| !word.is_empty());
    let bad = words.find(|word| {
        !matches!(
            word.to_ascii_lowercase().as_slice(),
            b"compression" | b"no_compression" | b"no_ticket"
        )
    })?;
    let message = format!(
        "ssl_options: unknown flag: '{}'",
        String::from_utf8_lossy(bad)
    );
    Some(fails(
        message,
        &options.setting,
        &options.text,
        options.origin,
    ))
}

/// The first release that does not start with an empty `ssl_min_protocol` (ssl_settings_check in
/// src/lib-ssl-iostream/ssl-settings.c at 2.4.2 and 2.4.3).
const SOME_MINIMUM: Version = Version::patch(2, 4, 3);

/// An empty `ssl_min_protocol`, wherever it is in force and whatever `ssl` is (live, 2.4.5).
fn no_minimum(config: &Config, version: Version) -> Option<Answer> {
    if config.family == Family::V23 || version < SOME_MINIMUM {
        return None;
    }
    let global = config.effective("ssl_min_protocol", &Lookup::default());
    let in_group = |scope| {
        let path = config.path(scope);
        path.iter()
            .any(|section| matches!(section, Section::Group { .. }))
    };
    let empty = config.all("ssl_min_protocol").find(|assignment| {
        let used = !in_group(assignment.scope)
            || global.assignment.and_then(|at| config.assignments.get(at)) == Some(assignment);
        let winner = config.winner("ssl_min_protocol", assignment.scope);
        used && winner == Some(*assignment)
            && assignment.text.is_empty()
            && assignment.unknown.is_none()
    })?;
    Some(fails(
        "ssl_min_protocol cannot be empty".into(),
        "ssl_min_protocol",
        &empty.text,
        Origin::File(empty.value_span),
    ))
}

/// Two different `protocol !x` that both match the auth service: it dies, and nobody logs in (live, 2.4.1 and 2.4.5).
fn two_negations(config: &Config) -> Option<Answer> {
    if config.family == Family::V23 {
        return None;
    }
    let mut first: Option<&BString> = None;
    config.scopes.iter().find_map(|scope| match &scope.section {
        Some(Section::Protocol {
            name,
            negated: true,
        }) if first.is_some_and(|first| first != name) => {
            let origin = scope
                .opened
                .map_or(Origin::Implied("opened by an older setting"), Origin::File);
            Some(fails(
                "auth: Can't have multiple !protocols".into(),
                "protocol",
                name,
                origin,
            ))
        }
        Some(Section::Protocol {
            name,
            negated: true,
        }) => {
            first = Some(name);
            None
        }
        Some(_) | None => None,
    })
}

/// The scope of `service NAME { protocol … {`, of this service or of any, if something is set in it.
///
/// 2.4 takes it for the service's own setting `protocol`. Up to 2.4.2 that setting then has the value of whatever stands
/// in the block, so that the service does not run (live, 2.4.1); from 2.4.3 on the daemon refuses it (live, 2.4.5).
pub(super) fn protocol_inside<'a>(config: &'a Config, service: Option<&str>) -> Option<&'a Scope> {
    if config.family == Family::V23 {
        return None;
    }
    config.assignments.iter().find_map(|assignment| {
        let scope = config.scope(assignment.scope)?;
        let outer = config.scope(scope.parent?)?;
        match (&scope.section, &outer.section) {
            (Some(Section::Other { key, .. }), Some(Section::Service(name)))
                if key == "protocol" && service.is_none_or(|service| name == service) =>
            {
                Some(scope)
            }
            (_, _) => None,
        }
    })
}

fn misplaced_protocol(config: &Config, version: Version) -> Option<Answer> {
    let scope = protocol_inside(config, None).filter(|_| version >= Version::patch(2, 4, 3))?;
    let origin = scope
        .opened
        .map_or(Origin::Implied("opened by an older setting"), Origin::File);
    Some(fails(
        "Setting service_protocol cannot be used as a section".into(),
        "service_protocol",
        b"",
        origin,
    ))
}
